"""The outbox: events wait in the database of their cause, written by the transaction that causes them."""

from collections.abc import Sequence
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, Final
from zlib import crc32

from moat.kit.events import EventData
from moat.kit.telemetry.tracing import current_traceparent

if TYPE_CHECKING:
    from moat.kit.db.transaction import Outgoing, Transaction

BUCKETS: Final = 8
"""Each is relayed by one worker at a time; a key is always in the same one."""

# What all events of one type share is said once and looked up by number, and what PostgreSQL can work out it does:
# every bound element costs, here and in the driver. Its crc32 is zlib's, so `bucket_of` agrees.
_INSERT: Final = """
INSERT INTO outbox (id, bucket, aggregate_type, aggregate_id, topic, type, key, payload, headers)
SELECT id, crc32(convert_to(key, 'UTF8')) % :bucket_count, (CAST(:aggregate_types AS text[]))[kind],
       coalesce(aggregate_id, key), (CAST(:topics AS text[]))[kind], (CAST(:types AS text[]))[kind],
       key, payload, headers
FROM (SELECT id, kind, aggregate_id, CAST(about AS text) AS key, payload, headers
      FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS smallint[]), CAST(:aggregate_ids AS text[]),
                  CAST(:about AS uuid[]), CAST(:payloads AS bytea[]), CAST(:headers AS jsonb[]))
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
    outgoing: Sequence[Outgoing] = tx.outgoing
    here = current_traceparent()
    kinds: dict[type[EventData], int] = {}
    await tx.execute(
        _INSERT,
        ids=[o.id for o in outgoing],
        kinds=[kinds.setdefault(type(o.data), len(kinds) + 1) for o in outgoing],
        aggregate_ids=[_aggregate_id(o.data) for o in outgoing],
        about=[o.about for o in outgoing],
        payloads=[o.data.__pydantic_serializer__.to_json(o.data) for o in outgoing],
        headers=_all_headers(outgoing, [o.traceparent or tx.led_by.get(o.about) or here for o in outgoing]),
        aggregate_types=[cls.TYPE.split(".")[-3] for cls in kinds],
        topics=[cls.TOPIC for cls in kinds],
        types=[cls.TYPE for cls in kinds],
        bucket_count=BUCKETS,
    )


def _aggregate_id(data: EventData) -> str | None:
    """The aggregate's id, None when it is the subject itself."""
    return None if data.AGGREGATE_ID is None else str(getattr(data, data.AGGREGATE_ID))


def _all_headers(outgoing: "Sequence[Outgoing]", traceparents: Sequence[str | None]) -> list[str]:
    """Made once for what one event causes at one instant; of an order with several awards that are as many."""
    made: dict[tuple[object, ...], str] = {}
    headers: list[str] = []
    for one, traceparent in zip(outgoing, traceparents, strict=True):
        key = (one.correlation_id, one.causation_id, one.time, traceparent)
        known = made.get(key)
        if known is None:
            known = made[key] = _headers(one, traceparent)
        headers.append(known)
    return headers


def _headers(outgoing: "Outgoing", traceparent: str | None) -> str:
    """What the row's columns do not say, as the CloudEvents attributes they become; written by hand, it is hot."""
    headers = f'{{"time": "{outgoing.time.isoformat()}", "correlationid": {quoted(outgoing.correlation_id)}'
    if outgoing.causation_id:
        headers += f', "causationid": {quoted(outgoing.causation_id)}'
    if traceparent:
        headers += f', "traceparent": {quoted(traceparent)}'
    return headers + "}"
