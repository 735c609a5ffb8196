"""What simulations do inside the transaction they are given: asked for, cancelled, published from, taken up, ended."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_svc.simulation import queries
from loyalty_svc.simulation.comparing import Outcome
from loyalty_svc.simulation.drafts import Kind, draft_of, publish
from loyalty_svc.simulation.problems import Finished, NotDone, TooManyWaiting, UnknownSimulation
from loyalty_svc.simulation.queries import Claim
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.documents.editing import Change
from moat.kit.ids import uuid7
from moat.kit.problems import PreconditionFailed

WAITING_MAX: Final = 20
KEPT_MAX: Final = 100
"""So many that are over are kept."""
ATTEMPTS_MAX: Final = 5
SLICE_CUSTOMERS: Final = 2_000


async def ask(tx: Transaction, kind: Kind, code: str, days: int, *, by: str, now: datetime) -> Any:
    """Ask for a simulation of the draft as it is now. Raises UnknownDocument, NoDraft, TooManyWaiting."""
    draft = await draft_of(tx, kind, code)
    if await queries.waiting(tx) >= WAITING_MAX:
        raise TooManyWaiting(at_most=WAITING_MAX)
    await queries.prune(tx, kept=KEPT_MAX)
    id_ = uuid7()
    await queries.add(
        tx,
        id_,
        document=draft.document,
        kind=kind,
        code=code,
        version=draft.version,
        draft_revision=draft.revision,
        days=days,
        since=now - timedelta(days=days),
        author=by,
        at=now,
    )
    return await queries.one(tx, id_)


async def read(tx: Transaction, id_: UUID, *, locked: bool = False) -> Any:
    """One simulation. Raises UnknownSimulation."""
    row = await queries.one(tx, id_, locked=locked)
    if row is None:
        raise UnknownSimulation
    return row


async def cancel(tx: Transaction, id_: UUID, *, now: datetime) -> Any:
    """Cancel one that is not over; again changes nothing. Raises UnknownSimulation, Finished."""
    row = await read(tx, id_, locked=True)
    if row.state in ("done", "failed"):
        raise Finished(state=row.state)
    if row.state != "cancelled":
        await queries.cancel(tx, id_, at=now)
    return await read(tx, id_)


async def publish_from(
    tx: Transaction,
    id_: UUID,
    *,
    revision: int,
    confirm: Collection[str],
    valid_from: datetime | None,
    by: str,
    now: datetime,
) -> Any:
    """Publish the very draft that was simulated.

    revision: what the caller has read. Raises UnknownSimulation, NotDone, PreconditionFailed when that is not the
    draft that was simulated or the document has changed since, and whatever its own door would.
    """
    row = await read(tx, id_, locked=True)
    if row.state != "done":
        raise NotDone(state=row.state)
    if revision != row.draft_revision:
        raise PreconditionFailed(revision=row.draft_revision)
    change = Change(by, now, row.draft_revision, confirm)
    await publish(tx, row.kind, row.code, change, valid_from=valid_from)
    await queries.note_published(tx, id_, at=now)
    await audit.record(tx, at=now, actor=by, action="simulation.published", subject=f"simulation/{id_}")
    return await read(tx, id_)


async def take_up(tx: Transaction, *, now: datetime) -> Claim | None:
    """The next simulation for this worker; None while another runs, or where none waits."""
    return await queries.take_up(tx, uuid7(), attempts_max=ATTEMPTS_MAX, at=now)


async def end(
    tx: Transaction, claim: Claim, result: Mapping[str, Any], kept: Sequence[Outcome], *, now: datetime
) -> None:
    """Keep what came of it, all at once; nothing where it was cancelled meanwhile."""
    if not await queries.end(tx, claim, "done", at=now, result=result):
        return
    for first in range(0, len(kept), SLICE_CUSTOMERS):
        await queries.keep(tx, claim.id, first + 1, kept[first : first + SLICE_CUSTOMERS])
