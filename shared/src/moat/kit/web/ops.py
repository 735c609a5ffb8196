"""`/v1/ops/…` of every service: its state, and the dead letters that somebody has to look at."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from moat.kit.auth import Caller, allow
from moat.kit.messaging import dead_letters, replay
from moat.kit.messaging.replay import DeadLetterResolved, UnknownDeadLetter
from moat.kit.process import Process
from moat.kit.web.dependencies import Db, Now, ProcessHere
from moat.kit.web.documents import problems
from moat.kit.web.pages import Page, PageQuery

router = APIRouter(prefix="/v1/ops", tags=["ops"])
Operator = Annotated[Caller, Depends(allow("ops"))]
Status = Literal["pending", "replayed", "discarded"]


class StatusOut(BaseModel):
    """What one service has before it; all zeros and `ready` means settled."""

    name: str
    ready: bool
    version: str
    outbox: int
    lag: int
    timers_overdue: int
    dead_letters: int
    in_flight: int
    end_offsets: dict[str, int]


class DeadLetterOut(BaseModel):
    """A record that could not be handled."""

    model_config = ConfigDict(extra="ignore")

    id: UUID
    service: str
    consumer: str
    topic: str
    type: str | None
    key: str | None
    error: str
    attempts: int
    at: datetime
    status: str


class DiscardIn(BaseModel):
    """Why it may be forgotten."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500)]


@router.get("/status")
async def status(process: ProcessHere, _: Operator) -> StatusOut:
    """How far this service is behind, now."""
    from moat.kit.messaging.status import status_of

    return StatusOut.model_validate(await status_of(process))


@router.get("/dead-letters")
async def list_dead_letters(
    process: ProcessHere,
    db: Db,
    page: PageQuery,
    _: Operator,
    status: Annotated[Status | None, Query(description="Only those in this state")] = None,
) -> Page[DeadLetterOut]:
    """The dead letters of this service, the oldest first."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await dead_letters.page(tx, status=status, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=lambda row: _shown(row, process.service.name))


@router.post("/dead-letters/{id}/replay", responses=problems(UnknownDeadLetter, DeadLetterResolved))
async def replay_dead_letter(id: UUID, process: ProcessHere, clock: Now, caller: Operator) -> DeadLetterOut:
    """Handle the record again; safe to repeat, and written to the audit."""
    await replay.replay(process.db, process.service, id, caller.principal, clock)
    return await _one(process, id)


@router.post("/dead-letters/{id}/discard", responses=problems(UnknownDeadLetter, DeadLetterResolved))
async def discard_dead_letter(
    id: UUID, body: DiscardIn, process: ProcessHere, clock: Now, caller: Operator
) -> DeadLetterOut:
    """Forget the record for a reason; safe to repeat, and written to the audit."""
    await replay.discard(process.db, id, caller.principal, body.reason, clock)
    return await _one(process, id)


async def _one(process: Process, id: UUID) -> DeadLetterOut:
    async with process.db.transaction() as tx:
        row = await dead_letters.find(tx, id)
    if row is None:
        raise UnknownDeadLetter(id=str(id))
    return _shown(row, process.service.name)


def _shown(row: Any, service: str) -> DeadLetterOut:
    shown = {name: getattr(row, name) for name in DeadLetterOut.model_fields if name != "service"}
    if isinstance(shown["key"], (bytes, memoryview)):
        shown["key"] = bytes(shown["key"]).decode("utf-8", "replace")
    return DeadLetterOut(service=service, **shown)
