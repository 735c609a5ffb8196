"""Dead letters: events that could not be taken, kept with their bytes so that nobody loses them and nobody waits.

Burying is one transaction: the row, the inbox mark (so that a redelivery does not try again), and an announcement
with ids and reason on `<topic>.dlt`; the bytes stay in the table. Replay parses the bytes again and applies the event
in one transaction with the resolution and its audit entry, so repeating it is safe.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from moat.kit.db.database import Database
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.messaging import inbox, metrics
from moat.kit.messaging.log import Received
from moat.kit.messaging.outbox import bucket_of
from moat.kit.problems import Problem

ERROR_CHARACTERS_MAX: Final = 4_000
TYPE: Final = "moat.dead_letter.recorded.v1"

_INSERT: Final = """
INSERT INTO dead_letter (id, consumer, topic, partition, record_offset, key, value, headers, type, event_id, source,
                         code, error, attempts)
VALUES (:id, :consumer, :topic, :partition, :offset, :key, :value, CAST(:headers AS jsonb), :type, :event_id, :source,
        :code, :error, :attempts)
ON CONFLICT (consumer, topic, partition, record_offset) DO NOTHING
"""
_ANNOUNCE: Final = """
INSERT INTO outbox (id, bucket, aggregate_type, aggregate_id, topic, type, key, payload, headers)
VALUES (:id, :bucket, 'dead_letter', :aggregate_id, :topic, :type, :key, :payload,
        jsonb_build_object('time', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
                           'correlationid', CAST(:correlation_id AS text)))
"""
_PAGE: Final = """
SELECT * FROM dead_letter
WHERE (CAST(:status AS text) IS NULL OR status = :status) AND (CAST(:after AS uuid) IS NULL OR id > :after)
ORDER BY id LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Dead:
    """What is to be buried: the record, the event in it if it could be read, and why it was not taken."""

    received: Received
    event: Event[Any] | None
    error: BaseException
    attempts: int = 1


async def bury(db: Database, consumer: str, dead: Sequence[Dead]) -> None:
    """Set these aside for good, all in one transaction; burying one again changes nothing."""
    if not dead:
        return
    async with db.transaction() as tx:
        for one in dead:
            await _bury(tx, consumer, one)


async def _bury(tx: Transaction, consumer: str, dead: Dead) -> None:
    event, received = dead.event, dead.received
    if event is not None and not await inbox.claim(tx, consumer, [event]):
        return  # Taken or buried before.
    id_, code, error = uuid7(), code_of(dead.error), text_of(dead.error)
    type_ = event.type if event else _header(received, "ce_type")
    inserted = await tx.execute(
        _INSERT,
        id=id_,
        consumer=consumer,
        topic=received.topic,
        partition=received.partition,
        offset=received.offset,
        key=received.key,
        value=received.value,
        headers=json.dumps([[_clean(name), b64encode(value).decode()] for name, value in received.headers]),
        type=type_,
        event_id=event.id if event else None,
        source=event.source if event else None,
        code=code,
        error=error,
        attempts=dead.attempts,
    )
    if inserted.rowcount == 0:
        return
    key = _clean((received.key or b"").decode("utf-8", "replace"))
    place = {"topic": received.topic, "partition": received.partition, "offset": received.offset}
    ids = {"event_id": event.id, "source": event.source} if event else {}
    await tx.execute(
        _ANNOUNCE,
        id=uuid7(),
        bucket=bucket_of(key),
        aggregate_id=str(id_),
        topic=f"{received.topic}.dlt",
        type=TYPE,
        key=key,
        payload=json.dumps(
            {"dead_letter_id": str(id_), "consumer": consumer, **place, **ids, "type": type_, "code": code}
        ).encode(),
        correlation_id=(event.correlation_id or event.id) if event else str(id_),
    )
    metrics.DEAD_LETTERS.labels(consumer, code).inc()


def code_of(error: BaseException) -> str:
    """The stable reason: a problem's code, else what kind of surprise it was."""
    return error.code if isinstance(error, Problem) else f"unexpected.{type(error).__name__}"


def text_of(error: BaseException) -> str:
    """What a person reads; bounded, and fit for a text column."""
    return _clean(f"{type(error).__name__}: {error}")[:ERROR_CHARACTERS_MAX]


async def pending(tx: Transaction) -> int:
    """How many wait for somebody's decision."""
    return int(await tx.scalar("SELECT count(*) FROM dead_letter WHERE status = 'pending'"))


async def page(tx: Transaction, *, status: str | None, after: UUID | None, limit: int) -> Sequence[Any]:
    """Dead letters, the oldest first, after the one named `after`; only those in `status` if given."""
    return await tx.all(_PAGE, status=status, after=after, limit=limit)


async def find(tx: Transaction, id_: UUID) -> Any | None:
    """One dead letter, locked until the end of the transaction."""
    return await tx.first("SELECT * FROM dead_letter WHERE id = :id FOR UPDATE", id=id_)


def _header(received: Received, name: str) -> str | None:
    raw = dict(received.headers).get(name)
    return _clean(raw.decode("utf-8", "replace"))[:512] if raw else None


def _clean(text: str) -> str:
    # Neither a NUL nor a lone surrogate can be stored in a text.
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
