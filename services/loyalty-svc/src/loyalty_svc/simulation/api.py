"""The HTTP door of simulations: ask for one, see how far it is and what came of it, publish from it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from loyalty_svc.simulation import queries, usecases
from loyalty_svc.simulation.problems import Finished, NotDone, TooManyWaiting, UnknownSimulation
from loyalty_svc.simulation.schemas import CustomerOut, PublishFromIn, Side, SimulationIn, SimulationOut
from moat.kit.auth import Caller, allow
from moat.kit.documents import ConfirmationNeeded
from moat.kit.documents.kind import NoDraft, UnknownDocument
from moat.kit.web import Db, IfMatch, Language, Now, Once, Page, PageQuery, etag, problems

PATH = "/v1/loyalty/simulations"
router = APIRouter(prefix=PATH, tags=["loyalty: simulations"])
Reader = Annotated[Caller, Depends(allow("loyalty:read"))]
Writer = Annotated[Caller, Depends(allow("loyalty:write"))]


@router.post("", status_code=202, responses=problems(UnknownDocument, NoDraft, TooManyWaiting))
async def simulate(body: SimulationIn, caller: Writer, once: Once, clock: Now, language: Language) -> SimulationOut:
    """Ask for a simulation of a draft as it is now; a worker runs it, one after the other."""
    async with once.transaction() as tx:
        row = await usecases.ask(tx, body.kind, body.code, body.days, by=caller.principal, now=clock.now())
        headers = {"Location": f"{PATH}/{row.id}"}
        return await once.answer(tx, SimulationOut.of(row, language), status=202, headers=headers)


@router.get("")
async def list_simulations(_: Reader, db: Db, page: PageQuery, language: Language) -> Page[SimulationOut]:
    """Simulations, newest first; old ones are removed."""
    before = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.newest(tx, before=before[0] if before else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=lambda row: SimulationOut.of(row, language))


@router.get("/{simulation_id}", responses=problems(UnknownSimulation))
async def read_simulation(
    simulation_id: UUID, _: Reader, db: Db, language: Language, response: Response
) -> SimulationOut:
    """One simulation; its ETag is that of the draft that it simulates."""
    async with db.transaction() as tx:
        row = await usecases.read(tx, simulation_id)
    etag(response, row.draft_revision)
    return SimulationOut.of(row, language)


@router.get("/{simulation_id}/customers", responses=problems(UnknownSimulation))
async def list_customers(
    simulation_id: UUID,
    _: Reader,
    db: Db,
    page: PageQuery,
    side: Annotated[Side | None, Query(description="only who is better off, or worse off, with the draft")] = None,
) -> Page[CustomerOut]:
    """The customers whom the draft changes most, the most first; 10,000 are kept."""
    after = page.after_as(int)
    async with db.transaction() as tx:
        await usecases.read(tx, simulation_id)
        rows = await queries.customers(tx, simulation_id, side, after=after[0] if after else 0, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.rank,), of=CustomerOut.of)


@router.post("/{simulation_id}/cancel", responses=problems(UnknownSimulation, Finished))
async def cancel_simulation(
    simulation_id: UUID, _: Writer, once: Once, clock: Now, language: Language
) -> SimulationOut:
    """Cancel one that waits or runs."""
    async with once.transaction() as tx:
        row = await usecases.cancel(tx, simulation_id, now=clock.now())
        return await once.answer(tx, SimulationOut.of(row, language))


@router.post("/{simulation_id}/publish", responses=problems(UnknownSimulation, NotDone, NoDraft, ConfirmationNeeded))
async def publish_from_simulation(
    simulation_id: UUID,
    body: PublishFromIn,
    revision: IfMatch,
    caller: Writer,
    once: Once,
    clock: Now,
    language: Language,
) -> SimulationOut:
    """Publish the very draft that was simulated; 412 when it has changed since."""
    async with once.transaction() as tx:
        row = await usecases.publish_from(
            tx,
            simulation_id,
            revision=revision,
            confirm=body.confirm,
            valid_from=body.valid_from,
            by=caller.principal,
            now=clock.now(),
        )
        return await once.answer(tx, SimulationOut.of(row, language))
