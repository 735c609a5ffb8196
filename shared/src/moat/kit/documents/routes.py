"""The door of a kind of document: draft, preview, publish, retire, roll back, versions."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Depends, Response
from pydantic import BaseModel

from moat.kit.auth import Caller, allow
from moat.kit.db.transaction import Transaction
from moat.kit.documents import editing, queries
from moat.kit.documents.changes import changed
from moat.kit.documents.editing import Change
from moat.kit.documents.kind import (
    C,
    ConfirmationNeeded,
    DocumentKind,
    Doubt,
    DraftExists,
    M,
    NoDraft,
    NotPublished,
    Published,
    Ref,
    UnknownDocument,
)
from moat.kit.documents.schemas import (
    DocumentIn,
    DocumentOut,
    DoubtOut,
    DraftIn,
    PreviewIn,
    PreviewOut,
    PublishIn,
    RollBackIn,
    Status,
    VersionOut,
)
from moat.kit.web import Db, IfMatch, Now, Once, Page, PageQuery, etag, problems

Preview = Callable[[Transaction, C, datetime], Awaitable[Any]]
"""What a draft would do, as JSON: (tx, compiled draft, now)."""
Doubts = Callable[[Transaction, C], Awaitable[Sequence[Doubt]]]
"""What else publishing should ask to confirm, where the store has to be asked: (tx, compiled)."""
Hook = Callable[[Transaction, Published[C], datetime], Awaitable[None]]
"""Runs in the transaction that publishes or retires a version; a Problem it raises refuses that."""
F = TypeVar("F", bound=Callable[..., Any])


def document_routes(
    kind: DocumentKind[M, C],
    *,
    path: str,
    read: str,
    write: str,
    preview: Preview[C] | None = None,
    doubts: Doubts[C] | None = None,
    on_publish: Hook[C] | None = None,
    on_retire: Hook[C] | None = None,
) -> APIRouter:
    """The routes of `kind` under `path`; `read` and `write` are scopes. See the module `moat.kit.documents`."""
    router = APIRouter(prefix=path)
    _add_reading(router, kind, read)
    _add_preview(router, kind, write, preview, doubts)
    _add_drafting(router, kind, write)
    _add_publishing(router, kind, write, doubts, on_publish, on_retire)
    return router


def _takes(model: type[BaseModel], kind: DocumentKind[M, C]) -> Callable[[F], F]:
    """Say which model the body of an endpoint has: it depends on the kind, so an annotation cannot.

    Where there may be one code only, what is shown has it.
    """
    body: Any = model
    if kind.single is not None and "code" in model.model_fields:
        shown = [{"code": kind.single, "document": one} for one in _examples(kind.model)]
        body = Annotated[model, Body(examples=shown)] if shown else model

    def annotate(endpoint: F) -> F:
        endpoint.__annotations__["body"] = body
        return endpoint

    return annotate


def _examples(model: type[BaseModel]) -> Sequence[Any]:
    told: Any = model.model_config.get("json_schema_extra")
    return told.get("examples", ()) if isinstance(told, dict) else ()


def _add_reading(router: APIRouter, kind: DocumentKind[M, C], read: str) -> None:
    reader = [Depends(allow(read))]

    @router.get("", dependencies=reader)
    async def list_documents(db: Db, page: PageQuery, status: Status = "published") -> Page[DocumentOut]:
        """Documents of a status with their versions, by code."""
        after = page.after_as(str, int) or ("", 0)
        async with db.transaction() as tx:
            rows = await queries.listed(tx, kind.name, status, after=(after[0], after[1]), limit=page.limit + 1)
        return page.page(rows, key=lambda row: (row[0].code, row[0].version), of=lambda row: DocumentOut.of(*row))

    @router.get("/{code}", dependencies=reader, responses=problems(UnknownDocument))
    async def read_document(
        code: str, db: Db, response: Response, version: int | None = None, status: Status | None = None
    ) -> DocumentOut:
        """One version: the one asked for, else the published one, else the draft, else the last."""
        async with db.transaction() as tx:
            known = await queries.versions_of(tx, kind.name, code)
            wanted = [one for one in known if version in (None, one.version) and status in (None, one.status)]
            if not wanted:
                raise UnknownDocument()
            found = max(wanted, key=lambda one: (one.status == "published", one.status == "draft", one.version))
            document = await queries.document_of(tx, found.id)
        revision = max(one.revision for one in known)
        etag(response, revision)
        return DocumentOut.of(found, document, revision)

    @router.get("/{code}/versions", dependencies=reader, responses=problems(UnknownDocument))
    async def list_versions(code: str, db: Db, page: PageQuery) -> Page[VersionOut]:
        """The versions of a document, newest first, each with the places where it differs from the one before."""
        before = page.after_as(int)
        async with db.transaction() as tx:
            rows = await queries.history(
                tx, kind.name, code, before=before[0] if before else None, limit=page.limit + 1
            )
        if not rows and before is None:
            raise UnknownDocument()
        return page.page(rows, key=lambda row: (row[0].version,), of=lambda row: _version_out(*row))


def _version_out(version: queries.Version, document: dict[str, Any], before: dict[str, Any] | None) -> VersionOut:
    changes = None if before is None else changed(before, document)
    return VersionOut(version=DocumentOut.of(version, document), changes=changes)


def _add_preview(
    router: APIRouter, kind: DocumentKind[M, C], write: str, preview: Preview[C] | None, doubts: Doubts[C] | None
) -> None:
    model: Any = kind.model

    @router.post("/preview", dependencies=[Depends(allow(write))])
    @_takes(PreviewIn[model], kind)
    async def preview_document(body: Any, db: Db, clock: Now) -> PreviewOut:
        """Check a document and say what it would do; nothing is kept."""
        value = editing.compiled(kind, body.document, Ref(kind.name, body.code, 0), pointer="/document")
        async with db.transaction() as tx:
            found = [*kind.doubts(value), *(await doubts(tx, value) if doubts else ())]
            would = await preview(tx, value, clock.now()) if preview else None
        return PreviewOut(doubts=[DoubtOut.of(doubt) for doubt in found], would=would)


def _add_drafting(router: APIRouter, kind: DocumentKind[M, C], write: str) -> None:
    model: Any = kind.model

    @router.post("", status_code=201, responses=problems(DraftExists))
    @_takes(DraftIn[model], kind)
    async def draft_document(
        body: Any, once: Once, clock: Now, caller: Annotated[Caller, Depends(allow(write))]
    ) -> DocumentOut:
        """Draft a new document, or the next version of one."""
        async with once.transaction() as tx:
            change = Change(caller.principal, clock.now())
            version = await editing.draft(tx, kind, body.code, body.document, change)
            out = DocumentOut.of(version, body.document.model_dump(mode="json"))
            return await once.answer(tx, out, status=201, headers={"ETag": f'"{version.revision}"'})

    @router.put("/{code}", responses=problems(UnknownDocument, NoDraft))
    @_takes(DocumentIn[model], kind)
    async def replace_draft(
        code: str,
        body: Any,
        revision: IfMatch,
        db: Db,
        clock: Now,
        response: Response,
        caller: Annotated[Caller, Depends(allow(write))],
    ) -> DocumentOut:
        """Write the draft anew."""
        async with db.transaction() as tx:
            change = Change(caller.principal, clock.now(), revision)
            version = await editing.replace(tx, kind, code, body.document, change)
        etag(response, version.revision)
        return DocumentOut.of(version, body.document.model_dump(mode="json"))

    @router.delete("/{code}", status_code=204, responses=problems(UnknownDocument, NoDraft))
    async def discard_draft(
        code: str, revision: IfMatch, db: Db, clock: Now, caller: Annotated[Caller, Depends(allow(write))]
    ) -> None:
        """Throw the draft away; published and retired versions stay."""
        async with db.transaction() as tx:
            await editing.discard(tx, kind, code, Change(caller.principal, clock.now(), revision))


def _add_publishing(
    router: APIRouter,
    kind: DocumentKind[M, C],
    write: str,
    doubts: Doubts[C] | None,
    on_publish: Hook[C] | None,
    on_retire: Hook[C] | None,
) -> None:
    @router.post("/{code}/publish", responses=problems(UnknownDocument, NoDraft, ConfirmationNeeded))
    async def publish_draft(
        code: str,
        body: PublishIn,
        revision: IfMatch,
        once: Once,
        clock: Now,
        caller: Annotated[Caller, Depends(allow(write))],
    ) -> DocumentOut:
        """Publish the draft. Of two who have read the same revision the second gets 412."""
        async with once.transaction() as tx:
            change = Change(caller.principal, clock.now(), revision, body.confirm)
            live = await editing.publish(tx, kind, code, change, doubts, valid_from=body.valid_from)
            return await _answer(once, tx, live, on_publish, change)

    @router.post("/{code}/rollback", responses=problems(UnknownDocument, ConfirmationNeeded))
    async def roll_back(
        code: str,
        body: RollBackIn,
        revision: IfMatch,
        once: Once,
        clock: Now,
        caller: Annotated[Caller, Depends(allow(write))],
    ) -> DocumentOut:
        """Publish a copy of an earlier version as a new one."""
        async with once.transaction() as tx:
            change = Change(caller.principal, clock.now(), revision, body.confirm)
            live = await editing.roll_back(tx, kind, code, change, doubts, version=body.version)
            return await _answer(once, tx, live, on_publish, change)

    @router.post("/{code}/retire", responses=problems(UnknownDocument, NotPublished))
    async def retire_document(
        code: str, revision: IfMatch, once: Once, clock: Now, caller: Annotated[Caller, Depends(allow(write))]
    ) -> DocumentOut:
        """Retire what is published: it judges nothing that happens from now on."""
        async with once.transaction() as tx:
            change = Change(caller.principal, clock.now(), revision)
            live = await editing.retire(tx, kind, code, change)
            return await _answer(once, tx, live, on_retire, change)


async def _answer(
    once: Once, tx: Transaction, live: editing.Live[C], hook: Hook[C] | None, change: Change
) -> DocumentOut:
    if hook is not None:
        await hook(tx, live.published, change.at)
    headers = {"ETag": f'"{live.version.revision}"'}
    return await once.answer(tx, DocumentOut.of(live.version, live.document), headers=headers)
