"""Its routes."""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from moat.kit.auth import Caller, allow
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7
from moat.kit.problems import Conflict, NotFound, PreconditionFailed
from moat.kit.web import Db, IfMatch, Language, Once, Outcome, Page, PageQuery, etag, problems

log = structlog.get_logger("thing")
router = APIRouter(prefix="/v1/things", tags=["things"])
Writer = Annotated[Caller, Depends(allow("things:write"))]
Reader = Annotated[Caller, Depends(allow("things:read", customers=True))]


class UnknownThing(NotFound):
    """No such thing."""

    code, title = "things.unknown", "There is no such thing"


class NameTaken(Conflict):
    """Another thing has it."""

    code, title = "things.name-taken", "Another thing has this name"


class Part(BaseModel):
    """A part."""

    model_config = ConfigDict(extra="forbid")

    quantity: Annotated[int, Field(ge=1)]


class ThingIn(BaseModel):
    """A new thing."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    parts: list[Part] = []
    weight: float = 0.0
    settle_seconds: Annotated[float, Field(ge=0, le=2)] = 0.0


class ThingOut(BaseModel):
    """A thing."""

    id: UUID
    name: str
    version: int


@router.post("", status_code=201, responses=problems(NameTaken))
async def make_thing(body: ThingIn, once: Once, caller: Writer) -> ThingOut:
    """Make a thing, once per key."""
    async with once.transaction() as tx:
        if body.name == "taken":
            raise NameTaken(name=body.name)
        out = ThingOut(id=uuid7(), name=body.name, version=1)
        await tx.execute("INSERT INTO thing (id, name) VALUES (:id, :name)", id=out.id, name=out.name)
        if body.settle_seconds:
            await tx.execute("SELECT pg_sleep(:seconds)", seconds=body.settle_seconds)
        return await once.answer(tx, out, status=201, headers={"ETag": '"1"'})


@router.post("/{owner_id}/gifts", status_code=201, responses=problems(NameTaken))
async def give_thing(owner_id: UUID, body: ThingIn, once: Once, caller: Writer) -> ThingOut:
    """Make a thing for an owner, together with those who ask at the same time."""
    return await once.together(give_things, body, about=owner_id, status=201)


async def give_things(tx: Transaction, wanted: Sequence[ThingIn], clock: Clock) -> list[Outcome[ThingOut]]:
    """All of them with one statement, but for those whose name is taken."""
    made = [NameTaken(name=one.name) if one.name == "taken" else _new(one) for one in wanted]
    things = [one for one in made if isinstance(one, ThingOut)]
    await tx.execute(
        "INSERT INTO thing (id, name) SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]))",
        ids=[one.id for one in things],
        names=[one.name for one in things],
    )
    await tx.execute("SELECT pg_sleep(:seconds)", seconds=max(one.settle_seconds for one in wanted))
    return made


def _new(wanted: ThingIn) -> ThingOut:
    return ThingOut(id=uuid7(), name=wanted.name, version=1)


@router.get("")
async def list_things(
    db: Db, page: PageQuery, caller: Reader, name: Annotated[str | None, Query(max_length=100)] = None
) -> Page[ThingOut]:
    """All things by name."""
    after = page.after_as(str, UUID) or ("", UUID(int=0))
    async with db.transaction() as tx:
        rows = await tx.all(
            "SELECT id, name, version FROM thing WHERE (name, id) > (:name, :id) ORDER BY name, id LIMIT :limit",
            name=after[0],
            id=after[1],
            limit=page.limit + 1,
        )
    return page.page(rows, key=lambda row: (row.name, row.id), of=_out)


@router.patch("/{id}", responses=problems(UnknownThing))
async def rename_thing(
    id: UUID, body: ThingIn, db: Db, version: IfMatch, response: Response, caller: Writer
) -> ThingOut:
    """Rename a thing."""
    async with db.transaction() as tx:
        row = await tx.first("SELECT id, name, version FROM thing WHERE id = :id FOR UPDATE", id=id)
        if row is None:
            raise UnknownThing()
        if row.version != version:
            raise PreconditionFailed()
        changed = await tx.one(
            "UPDATE thing SET name = :name, version = version + 1 WHERE id = :id RETURNING id, name, version",
            id=id,
            name=body.name,
        )
    etag(response, changed.version)
    return _out(changed)


@router.get("/greeting")
async def greet(language: Language) -> dict[str, str]:
    """Say hello."""
    return {"text": {"zh-CN": "你好", "en": "Hello"}[language]}


@router.get("/pause")
async def pause(seconds: Annotated[float, Query(ge=0, le=10)]) -> dict[str, float]:
    """Take a while."""
    log.info("pause.began")
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


@router.get("/failure")
async def fail(kind: str, db: Db) -> None:
    """Fail in a way that was not meant."""
    async with db.transaction() as tx:
        if kind == "bug":
            raise ZeroDivisionError("secret of the house")
        if kind == "statement":
            await tx.execute("SET LOCAL statement_timeout = 20")
        await tx.execute("SELECT pg_sleep(1)" if kind == "statement" else "SELECT 1/0")


def _out(row: ThingOut) -> ThingOut:
    return ThingOut(id=row.id, name=row.name, version=row.version)
