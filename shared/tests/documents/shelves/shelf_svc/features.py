"""Its table of contents, its only kind of document, and what publishing does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter
from pydantic import Field

from moat.kit.db.transaction import Transaction
from moat.kit.documents import DocumentKind, DocumentModel, Doubt, Names, Published, Ref, document_routes
from moat.kit.feature import Feature, Service
from moat.kit.problems import Conflict
from moat.rules import Catalogue, Condition, Number, Text, parse

BUYERS: Final = Catalogue({"city": Text(), "age": Number(whole=True)})


class Handle(DocumentModel):
    colour: str = "white"


class MugDocument(DocumentModel):
    names: Names
    price: Annotated[int, Field(ge=1)]
    handle: Handle = Handle()
    condition: Annotated[dict[str, Any], Field(default={"combinator": "and", "rules": []})]


class Mug(NamedTuple):
    ref: Ref
    price: int
    condition: Condition


class TooDear(Conflict):
    code, title = "shelf.too-dear", "Nobody buys this"


def compile_mug(model: MugDocument, ref: Ref) -> Mug:
    return Mug(ref, model.price, parse(model.condition, BUYERS, pointer="/condition"))


def doubts(mug: Mug) -> Sequence[Doubt]:
    told = {"zh-CN": "价格不足成本。", "en": "It costs more to make than it brings."}
    return [Doubt("shelf.below-cost", told)] if mug.price < 5 else []


MUGS = DocumentKind("mug", MugDocument, compile_mug, doubts=doubts)


async def preview(tx: Transaction, mug: Mug, at: datetime) -> dict[str, Any]:
    return {"brings": mug.price * 10, "at": at.isoformat()}


async def note(tx: Transaction, published: Published[Mug], at: datetime) -> None:
    if published.value.price > 1_000:
        raise TooDear()
    await tx.execute(
        "INSERT INTO sold (mug, price) VALUES (:mug, :price)", mug=str(published.ref), price=published.value.price
    )


router = APIRouter(tags=["mugs"])
router.include_router(
    document_routes(
        MUGS, path="/v1/shelf/mugs", read="shelf:read", write="shelf:write", preview=preview, on_publish=note
    )
)
SERVICE: Final = Service(name="shelf-svc", title="Shelves", features=(Feature("mugs", routes=router),))
