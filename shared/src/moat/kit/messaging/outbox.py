"""The outbox: events wait in the database of their cause, written by the transaction that causes them."""

from collections.abc import Mapping
from datetime import datetime
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zlib import crc32

from moat.kit.events import Cause, Event, EventData
from moat.kit.telemetry.tracing import current_traceparent

if TYPE_CHECKING:
    from moat.kit.db.transaction import Outgoing, Transaction

BUCKETS: Final = 8
"""Each is relayed by one worker at a time; a key is always in the same one."""

# What all events of one type share is said once and looked up by number, and what PostgreSQL can work out it does:
# every bound element costs, here and in the driver: documents go as texts, which it hands on as they are. PostgreSQL's
# crc32 is zlib's, so `bucket_of` agrees.
_INSERT: Final = """
INSERT INTO outbox (id, bucket, aggregate_type, aggregate_id, topic, type, key, payload, headers)
SELECT id, crc32(convert_to(key, 'UTF8')) % :bucket_count, (CAST(:aggregate_types AS text[]))[kind],
       coalesce(aggregate_id, key), (CAST(:topics AS text[]))[kind], (CAST(:types AS text[]))[kind],
       key, payload, CAST(headers AS jsonb)
FROM (SELECT id, kind, aggregate_id, CAST(about AS text) AS key, payload, headers
      FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS smallint[]), CAST(:aggregate_ids AS text[]),
                  CAST(:about AS uuid[]), CAST(:payloads AS bytea[]), CAST(:headers AS text[]))
           AS o (id, kind, aggregate_id, about, payload, headers)) AS o
"""


def bucket_of(key: str) -> int:
    """The relay bucket of a key."""
    return crc32(key.encode()) % BUCKETS


async def write(tx: "Transaction") -> None:
    """Insert everything that was published in `tx`, in order, with one statement.

    It is the last statement before the commit: what an event tells was locked by then, so for one aggregate the
    order of `seq` is the order of commits.
    """
    outgoing = tx.outgoing
    kinds: dict[type[EventData], int] = {}
    await tx.execute(
        _INSERT,
        ids=outgoing.ids,
        kinds=[kinds.setdefault(type(data), len(kinds) + 1) for data in outgoing.data],
        aggregate_ids=[_aggregate_id(data) for data in outgoing.data],
        about=outgoing.about,
        payloads=[data.__pydantic_serializer__.to_json(data) for data in outgoing.data],
        headers=_all_headers(outgoing, tx.led_by),
        aggregate_types=[cls.TYPE.split(".")[-3] for cls in kinds],
        topics=[cls.TOPIC for cls in kinds],
        types=[cls.TYPE for cls in kinds],
        bucket_count=BUCKETS,
    )


def _aggregate_id(data: EventData) -> str | None:
    """The aggregate's id, None when it is the subject itself."""
    return None if data.AGGREGATE_ID is None else str(getattr(data, data.AGGREGATE_ID))


def _all_headers(outgoing: "Outgoing", led_by: Mapping[UUID, str]) -> list[str]:
    """What one event causes at one instant stands together and says the same: an order with several awards."""
    here = current_traceparent()
    headers: list[str] = []
    made: tuple[Event[Any] | Cause | None, datetime | None, str | None] = (None, None, None)
    said = ""
    for id_, about, time, cause in zip(outgoing.ids, outgoing.about, outgoing.times, outgoing.causes, strict=True):
        if cause is None:
            headers.append(_headers(time, str(id_), None, led_by.get(about) or here))
            continue
        traceparent = cause.traceparent or led_by.get(about) or here
        if made[0] is not cause or made[1] is not time or made[2] != traceparent:
            made = cause, time, traceparent
            said = _headers(time, cause.correlation_id or cause.id, cause.id, traceparent)
        headers.append(said)
    return headers


def _headers(time: datetime, correlation_id: str, causation_id: str | None, traceparent: str | None) -> str:
    """What the row's columns do not say, as the CloudEvents attributes they become; written by hand, it is hot."""
    headers = f'{{"time": "{time.isoformat()}", "correlationid": {quoted(correlation_id)}'
    if causation_id:
        headers += f', "causationid": {quoted(causation_id)}'
    if traceparent:
        headers += f', "traceparent": {quoted(traceparent)}'
    return headers + "}"
