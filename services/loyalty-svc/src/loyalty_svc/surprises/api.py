"""The HTTP door of surprises: the documents and their draws, for staff; what he has won, for a member."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from loyalty_svc.surprises import queries, usecases
from loyalty_svc.surprises.problems import (
    BudgetSpent,
    DrawRunning,
    DrawsByItself,
    NotDrawnYet,
    SurpriseNotPublished,
    UnknownDraw,
)
from loyalty_svc.surprises.schemas import DrawOut, EntryOut, SurpriseOut
from loyalty_svc.surprises.surprise import SURPRISES
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.auth import Caller, allow
from moat.kit.documents import document_routes, versions
from moat.kit.web import Db, Language, Now, Once, Page, PageQuery, problems

router = APIRouter(tags=["surprises"])
_PATH = "/v1/loyalty/surprises"
_DRAWS = _PATH + "/{code}/draws"
_STAFF = [Depends(allow("loyalty:read"))]
router.include_router(
    document_routes(
        SURPRISES,
        path=_PATH,
        read="loyalty:read",
        write="loyalty:write",
        preview=usecases.preview,
        on_publish=usecases.prepare,
        on_retire=usecases.call_off,
    )
)
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Drawer = Annotated[Caller, Depends(allow("loyalty:write"))]


@router.post(
    _DRAWS,
    status_code=202,
    responses=problems(SurpriseNotPublished, DrawsByItself, DrawRunning, BudgetSpent),
)
async def start_draw(code: str, once: Once, clock: Now, caller: Drawer) -> DrawOut:
    """Draw it now. It goes on in the background: read the draw to see how far it is."""
    async with once.transaction() as tx:
        row = await usecases.start(tx, code, by=caller.principal, now=clock.now())
        return await once.answer(tx, DrawOut.of(row), status=202)


@router.get(_DRAWS, dependencies=_STAFF)
async def list_draws(code: str, db: Db, page: PageQuery) -> Page[DrawOut]:
    """The draws of a surprise, the latest first: the one that waits, with its commitment, and all before it."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.draws_of(tx, code, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=DrawOut.of)


@router.get(_DRAWS + "/{draw_id}", dependencies=_STAFF, responses=problems(UnknownDraw))
async def read_draw(code: str, draw_id: UUID, db: Db) -> DrawOut:
    """One draw: commitment and seed, how many may win and the hash of their ids, what has been given."""
    async with db.transaction() as tx:
        return DrawOut.of(await usecases.draw(tx, draw_id, code))


@router.get(_DRAWS + "/{draw_id}/entries", dependencies=_STAFF, responses=problems(UnknownDraw, NotDrawnYet))
async def list_entries(code: str, draw_id: UUID, db: Db, page: PageQuery) -> Page[EntryOut]:
    """Everybody who may win, by rank, with what became of each."""
    after = page.after_as(int, UUID)
    before, last = (after[0], after[1]) if after else (0, None)
    async with db.transaction() as tx:
        rows = await usecases.entries(tx, draw_id, code, after=last, limit=page.limit + 1)
    return page.page(
        list(enumerate(rows, before + 1)),
        key=lambda ranked: (ranked[0], ranked[1].entry_id),
        of=lambda ranked: EntryOut.of(*ranked),
    )


@router.get("/v1/customers/{customer_id}/loyalty/surprises", responses=problems(UnknownCustomer))
async def list_won(access: Reader, db: Db, page: PageQuery, language: Language) -> Page[SurpriseOut]:
    """What a customer has won, the latest first; of what he has not, nothing is told."""
    after = page.after_as(datetime, UUID)
    async with db.transaction() as tx:
        known = await versions(tx, SURPRISES)
    names = {one.value.rule: one.value.names for of_code in known.values() for one in of_code}
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.gifts_of(
            tx, access.id, after=(after[0], after[1]) if after else None, limit=page.limit + 1
        )
    return page.page(rows, key=lambda row: (row.at, row.id), of=lambda row: SurpriseOut.of(row, names, language))
