"""What a person does with a dead letter: apply it after the fix, or discard it with a reason. Audited, repeatable."""

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from moat.kit import audit
from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.db.transaction import Transaction
from moat.kit.messaging import dead_letters
from moat.kit.messaging.apply import apply, dispatch
from moat.kit.messaging.log import Received
from moat.kit.messaging.wire import Wire
from moat.kit.problems import Conflict, NotFound
from moat.kit.timers.store import set_timers

if TYPE_CHECKING:
    from moat.kit.feature import Service

TIMERS: Final = "timers"
"""The topic under which timers that cannot be fired are listed; replaying one sets it again, due now."""
_RESOLVE: Final = """
UPDATE dead_letter SET status = :status, resolved_at = :at, resolved_by = :actor, resolution_reason = :reason
WHERE id = :id
"""


class UnknownDeadLetter(NotFound):
    """There is none with this id."""

    code, title = "dead-letters.unknown", "There is no such dead letter"


class DeadLetterResolved(Conflict):
    """It was replayed and cannot be discarded any more, or the other way round."""

    code, title = "dead-letters.resolved", "Somebody has decided about it already"


async def replay(db: Database, service: "Service", id_: UUID, actor: str, clock: Clock) -> None:
    """Parse the record again and apply it, in one transaction with its resolution; repeating it changes nothing.

    Raises UnknownDeadLetter, DeadLetterResolved (it was discarded), or what parser and features raise: then it
    stays pending.
    """
    async with db.transaction() as tx:
        row = await _pending(tx, id_, goal="replayed")
        if row is None:
            return
        if row.topic == TIMERS:
            await set_timers(tx, row.type, [(row.key.decode(), clock.now(), json.loads(row.value))])
        else:
            await _apply_again(tx, service, row, clock)
        await _resolve(tx, row, "replayed", actor, None, clock)


async def _apply_again(tx: Transaction, service: "Service", row: Any, clock: Clock) -> None:
    event = Wire.of(service).parse(_received(row))
    if event is None:
        return
    if row.event_id is not None:
        await dispatch(service, [event], tx, clock)  # Its inbox mark is the burial's own.
    else:
        await apply(service, [event], tx, clock)


async def discard(db: Database, id_: UUID, actor: str, reason: str, clock: Clock) -> None:
    """Decide that it will never be applied; repeating it changes nothing.

    Raises UnknownDeadLetter or DeadLetterResolved (it was replayed).
    """
    async with db.transaction() as tx:
        row = await _pending(tx, id_, goal="discarded")
        if row is not None:
            await _resolve(tx, row, "discarded", actor, reason, clock)


async def _pending(tx: Transaction, id_: UUID, *, goal: str) -> Any | None:
    row = await dead_letters.find(tx, id_)
    if row is None:
        raise UnknownDeadLetter(id=str(id_))
    if row.status == goal:
        return None
    if row.status != "pending":
        raise DeadLetterResolved(id=str(id_), state=row.status)
    return row


async def _resolve(tx: Transaction, row: Any, status: str, actor: str, reason: str | None, clock: Clock) -> None:
    at = clock.now()
    await tx.execute(_RESOLVE, id=row.id, status=status, at=at, actor=actor, reason=reason)
    place = f"{row.topic}/{row.partition}/{row.record_offset}"
    detail = {"record": place, "type": row.type, "code": row.code, "reason": reason}
    await audit.record(tx, actor=actor, action=f"dead_letter.{status}", subject=str(row.id), detail=detail, at=at)


def _received(row: Any) -> Received:
    headers = tuple((name, b64decode(value)) for name, value in row.headers)
    return Received(row.topic, row.partition, row.record_offset, row.key, row.value, headers, row.at)
