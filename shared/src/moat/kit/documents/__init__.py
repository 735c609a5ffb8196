"""Documents: what business people tune, in versions, with draft, preview, publish, retire and roll back.

`(kind, code)` names a document. Its versions count 1, 2, 3…; at most one is a draft and at most one is published, the
others are retired. A published version never changes (a trigger refuses it), so what it compiles to is kept for good.
`revision` grows with every change of the document, over all its versions; it is the ETag, sent back as If-Match.

A feature declares its kind in a heart (`moat.kit.documents.kind` is pure):

    class RewardDocument(DocumentModel):
        names: Names
        price: Annotated[int, Field(ge=1)]
        condition: dict[str, Any] = EVERYBODY

    def compile_reward(model: RewardDocument, ref: Ref) -> Reward:
        return Reward(ref, model.price, parse(model.condition, MEMBERS, pointer="/condition"))

    REWARDS = DocumentKind("reward", RewardDocument, compile_reward)

mounts the routes in its `api.py`:

    router.include_router(document_routes(REWARDS, path="/v1/loyalty/rewards", read=…, write=…))

and reads it: `rewards = await published(tx, REWARDS)`, then `rewards["mug"].value`; or, for facts that come late,
`valid_at((await versions(tx, REWARDS))["mug"], event.time)`. Its migration says
`insert_first(op, "reward", "mug", {…})` and in its downgrade `remove_kind(op, "reward")`.

| route | body | answer |
|---|---|---|
| `GET path` `?status=published\\|draft\\|retired` | | page of documents |
| `POST path` | `{"code", "document"}` | 201 the draft; the next version if the code has versions already |
| `GET path/{code}` `?version=&status=` | | published, else draft, else the last; ETag |
| `PUT path/{code}` If-Match | `{"document"}` | the draft, replaced |
| `DELETE path/{code}` If-Match | | 204, the draft is thrown away |
| `POST path/{code}/publish` If-Match | `{"valid_from"?, "confirm"?: [codes]}` | the published version; 412 if late |
| `POST path/{code}/retire` If-Match | `{}` | the retired version |
| `POST path/{code}/rollback` If-Match | `{"version": n, "confirm"?: [codes]}` | a copy of n, published anew |
| `GET path/{code}/versions` | | page, newest first, each with the pointers of what it changed |
| `POST path/preview` | `{"code"?, "document"}` | doubts, and what the feature's hook says it would do |
"""

from moat.kit.documents.kind import (
    ConfirmationNeeded,
    DocumentKind,
    Doubt,
    Published,
    Ref,
    WrongDocument,
    valid_at,
)
from moat.kit.documents.migration import create_document_table, drop_document_table, insert_first, remove_kind
from moat.kit.documents.model import Code, DocumentModel, Names
from moat.kit.documents.routes import document_routes
from moat.kit.documents.store import published, versions, versions_of_two

__all__ = [
    "Code",
    "ConfirmationNeeded",
    "DocumentKind",
    "DocumentModel",
    "Doubt",
    "Names",
    "Published",
    "Ref",
    "WrongDocument",
    "create_document_table",
    "document_routes",
    "drop_document_table",
    "insert_first",
    "published",
    "remove_kind",
    "valid_at",
    "versions",
    "versions_of_two",
]
