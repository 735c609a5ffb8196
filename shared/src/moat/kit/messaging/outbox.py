"""The outbox: events wait in the database of their cause, written by the transaction that causes them."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from zlib import crc32

from moat.kit.telemetry.tracing import current_traceparent

if TYPE_CHECKING:
    from moat.kit.db.transaction import Outgoing, Transaction

BUCKETS: Final = 8
"""Each is relayed by one worker at a time; a key is always in the same one."""

_INSERT: Final = """
INSERT INTO outbox (id, bucket, aggregate_type, aggregate_id, topic, type, key, payload, headers)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:buckets AS smallint[]), CAST(:aggregate_types AS text[]),
                     CAST(:aggregate_ids AS text[]), CAST(:topics AS text[]), CAST(:types AS text[]),
                     CAST(:keys AS text[]), CAST(:payloads AS bytea[]), CAST(:headers AS jsonb[]))
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
    keys = [str(o.about) for o in outgoing]
    await tx.execute(
        _INSERT,
        ids=[o.id for o in outgoing],
        buckets=[bucket_of(key) for key in keys],
        aggregate_types=[o.data.TYPE.split(".")[-3] for o in outgoing],
        aggregate_ids=[_aggregate_id(o) for o in outgoing],
        topics=[o.data.TOPIC for o in outgoing],
        types=[o.data.TYPE for o in outgoing],
        keys=keys,
        payloads=[o.data.model_dump_json().encode() for o in outgoing],
        headers=[_headers(o, here) for o in outgoing],
    )


def _aggregate_id(outgoing: "Outgoing") -> str:
    field = outgoing.data.AGGREGATE_ID
    return str(getattr(outgoing.data, field) if field else outgoing.about)


def _headers(outgoing: "Outgoing", here: str | None) -> str:
    """What the row's columns do not say, as the CloudEvents attributes they become."""
    headers = {"time": outgoing.time.isoformat(), "correlationid": outgoing.correlation_id}
    if outgoing.causation_id:
        headers["causationid"] = outgoing.causation_id
    if traceparent := outgoing.traceparent or here:
        headers["traceparent"] = traceparent
    return json.dumps(headers)
