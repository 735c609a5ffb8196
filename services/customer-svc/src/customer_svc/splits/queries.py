"""All SQL of splits: what was kept of a merge, what is his by now, and moving it.

The caller keeps everybody else out.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from customer_svc.splits.restoring import NO_ORDERS, Figures
from moat.kit.db.transaction import Transaction

_MERGE: Final = """
SELECT m.from_id, m.into_id, m.at, m.source, m.event_id, m.before, m.merge_id IS NOT NULL AS keeps_origins,
       coalesce(m.merge_id, (
         SELECT t.id FROM timeline t WHERE t.customer_id = m.into_id AND t.kind = 'customer.merged'
           AND t.data->>'from_id' = CAST(m.from_id AS text) LIMIT 1), m.from_id) AS merge_id
FROM merge m WHERE m.from_id = :from_id
"""
_WAS_SPLIT: Final = "SELECT count(*) FROM merge_split WHERE from_id = :from_id AND into_id = :into_id"
_FORMERS: Final = """
WITH RECURSIVE former AS (
  SELECT from_id FROM merge WHERE into_id = :from_id
  UNION SELECT m.from_id FROM merge m JOIN former f ON m.into_id = f.from_id)
SELECT from_id FROM former ORDER BY from_id
"""
# An order is his by the fact that says whose it is: its payment, until then the earliest. Of merges from before facts
# kept whose they were it is his if it was then.
_ORDERS: Final = """
WITH deciding AS (
  SELECT DISTINCT ON (o.order_uid) o.order_uid, f.origin_id
  FROM customer_order o
  LEFT JOIN fact f ON f.customer_id = o.customer_id AND f.order_uid = o.order_uid
  WHERE o.customer_id = :into_id
  ORDER BY o.order_uid, (o.paid_at IS NOT NULL AND f.type = 'moat.intake.order.paid.v1') DESC,
           f.at, f.source COLLATE "C", f.event_id COLLATE "C")
SELECT o.order_uid, o.order_id, o.source, o.status, o.at, o.paid_at IS NOT NULL AS is_paid
FROM deciding d JOIN customer_order o USING (order_uid)
WHERE d.origin_id = ANY(CAST(:origins AS uuid[]))
   OR (NOT CAST(:keeps_origins AS boolean) AND d.origin_id IS NULL
       AND o.order_uid = ANY(CAST(:order_uids AS uuid[])))
ORDER BY o.at DESC, o.order_uid DESC LIMIT :limit
"""
_IDENTIFIERS: Final = """
SELECT i.system, i.kind, i.value FROM identifier i
WHERE i.customer_id = :into_id AND (
  i.origin_id = ANY(CAST(:origins AS uuid[]))
  OR (i.system, i.kind, i.value) IN (
    SELECT * FROM unnest(CAST(:systems AS text[]), CAST(:kinds AS text[]), CAST(:values AS text[]))))
ORDER BY i.kind, i.system, i.value
"""
_MOVE_IDENTIFIERS: Final = """
UPDATE identifier i SET customer_id = :from_id, origin_id = nullif(i.origin_id, CAST(:from_id AS uuid))
FROM unnest(CAST(:systems AS text[]), CAST(:kinds AS text[]), CAST(:values AS text[])) AS m (system, kind, value)
WHERE i.customer_id = :into_id AND (i.system, i.kind, i.value) = (m.system, m.kind, m.value)
"""
_MOVE_ORDERS: Final = """
UPDATE customer_order SET customer_id = :from_id WHERE order_uid = ANY(CAST(:order_uids AS uuid[]))
"""
# What is told of an order goes with the order.
_MOVE_TOLD: Final = tuple(
    f"""
UPDATE {table} SET customer_id = :from_id, origin_id = nullif(origin_id, CAST(:from_id AS uuid))
WHERE customer_id = :into_id AND (
  order_uid = ANY(CAST(:order_uids AS uuid[]))
  OR (order_uid IS NULL AND origin_id = ANY(CAST(:origins AS uuid[]))))
"""  # noqa: S608
    for table in ("fact", "timeline")
)
_FREE: Final = "DELETE FROM customer_alias WHERE from_id = :from_id"
_TAKE_ALONG: Final = """
UPDATE customer_alias SET to_id = :from_id WHERE to_id = :into_id AND from_id = ANY(CAST(:formers AS uuid[]))
"""
_FIGURES: Final = """
SELECT customer_id, sum(orders)::bigint AS orders_count, min(first_at) AS first_order_at, max(last_at) AS last_order_at,
       jsonb_object_agg(currency, spent) AS spent
FROM (
  SELECT customer_id, currency, count(*) AS orders, min(paid_at) AS first_at, max(paid_at) AS last_at,
         sum(total_minor - least(refunded_minor, total_minor))::bigint AS spent
  FROM customer_order WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND paid_at IS NOT NULL
  GROUP BY 1, 2) AS by_currency
GROUP BY customer_id
"""
_WRITE_CONSENTS: Final = """
INSERT INTO consent (customer_id, purpose, channel, status, evidence, at)
SELECT CAST(:customer_id AS uuid), r.purpose, r.channel, r.status, r.evidence, r.at
FROM unnest(CAST(:purposes AS text[]), CAST(:channels AS text[]), CAST(:statuses AS text[]), CAST(:evidences AS text[]),
            CAST(:at AS timestamptz[])) AS r (purpose, channel, status, evidence, at)
ON CONFLICT (customer_id, purpose, channel)
DO UPDATE SET status = excluded.status, evidence = excluded.evidence, at = excluded.at
"""
_DROP_CONSENTS: Final = """
DELETE FROM consent c USING unnest(CAST(:purposes AS text[]), CAST(:channels AS text[])) AS d (purpose, channel)
WHERE c.customer_id = :customer_id AND c.purpose = d.purpose AND c.channel = d.channel
"""
_COPY_TOLD: Final = """
INSERT INTO occasion_told (customer_id, kind, year, days_ahead, occurs_on, at)
SELECT CAST(:from_id AS uuid), kind, year, days_ahead, occurs_on, at FROM occasion_told WHERE customer_id = :into_id
ON CONFLICT DO NOTHING
"""
_RECORD: Final = (
    """
INSERT INTO merge_split (merge_id, from_id, into_id, merged_at, at, split_by, source, event_id, before)
SELECT CAST(:merge_id AS uuid), from_id, into_id, at, :at, :by, source, event_id, before FROM merge
WHERE from_id = :from_id
""",
    "DELETE FROM merge WHERE from_id = :from_id",
)


async def merge_of(tx: Transaction, from_id: UUID) -> Row[Any] | None:
    """The merge that made this customer another, as it was kept."""
    return await tx.first(_MERGE, from_id=from_id)


async def was_split(tx: Transaction, from_id: UUID, into_id: UUID) -> bool:
    """Whether a merge of these two was undone before."""
    return bool(await tx.scalar(_WAS_SPLIT, from_id=from_id, into_id=into_id))


async def formers(tx: Transaction, from_id: UUID) -> list[UUID]:
    """Who had become him before."""
    return [row.from_id for row in await tx.all(_FORMERS, from_id=from_id)]


async def orders(
    tx: Transaction, into_id: UUID, origins: Sequence[UUID], *, keeps_origins: bool, then: Sequence[UUID], limit: int
) -> Sequence[Row[Any]]:
    """The orders that go with him, the newest first; `then` are those he had when he was merged."""
    return await tx.all(
        _ORDERS,
        into_id=into_id,
        origins=list(origins),
        keeps_origins=keeps_origins,
        order_uids=list(then),
        limit=limit,
    )


async def identifiers(
    tx: Transaction, into_id: UUID, origins: Sequence[UUID], then: Iterable[Mapping[str, str]]
) -> Sequence[Row[Any]]:
    """The identifiers that go with him: those he had, and those that came with who had become him."""
    rows = list(then)
    columns = {f"{name}s": [row[name] for row in rows] for name in ("system", "kind", "value")}
    return await tx.all(_IDENTIFIERS, into_id=into_id, origins=list(origins), **columns)


async def move(
    tx: Transaction,
    from_id: UUID,
    into_id: UUID,
    origins: Sequence[UUID],
    names: Sequence[Row[Any]],
    order_uids: Sequence[UUID],
) -> None:
    """Give him his name, identifiers, orders and all that is told of them and of him."""
    pair = {"from_id": from_id, "into_id": into_id}
    await tx.execute(_FREE, from_id=from_id)
    await tx.execute(_TAKE_ALONG, formers=list(origins), **pair)
    columns = {f"{name}s": [getattr(row, name) for row in names] for name in ("system", "kind", "value")}
    await tx.execute(_MOVE_IDENTIFIERS, **pair, **columns)
    await tx.execute(_MOVE_ORDERS, from_id=from_id, order_uids=list(order_uids))
    for sql in _MOVE_TOLD:
        await tx.execute(sql, origins=list(origins), order_uids=list(order_uids), **pair)
    # Nobody is greeted twice: what was told to both as one was told to each.
    await tx.execute(_COPY_TOLD, **pair)


async def figures(tx: Transaction, ids: Sequence[UUID]) -> Mapping[UUID, Figures]:
    """What the paid orders of these customers sum to."""
    found = dict.fromkeys(ids, NO_ORDERS)
    for row in await tx.all(_FIGURES, ids=list(ids)):
        found[row.customer_id] = Figures(row.orders_count, row.spent, row.first_order_at, row.last_order_at)
    return found


async def write_consents(tx: Transaction, customer_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let a customer have said this; `at` of each is ISO 8601."""
    await tx.execute(
        _WRITE_CONSENTS,
        customer_id=customer_id,
        purposes=[row["purpose"] for row in rows],
        channels=[row["channel"] for row in rows],
        statuses=[row["status"] for row in rows],
        evidences=[row["evidence"] for row in rows],
        at=[datetime.fromisoformat(row["at"]) for row in rows],
    )


async def drop_consents(tx: Transaction, customer_id: UUID, keys: Sequence[tuple[str, str]]) -> None:
    """Let a customer have said nothing of these (purpose, channel)."""
    await tx.execute(
        _DROP_CONSENTS, customer_id=customer_id, purposes=[one for one, _ in keys], channels=[two for _, two in keys]
    )


async def record(tx: Transaction, from_id: UUID, merge_id: UUID, *, by: str, at: datetime) -> None:
    """The merge is one that was undone."""
    await tx.execute(_RECORD[0], from_id=from_id, merge_id=merge_id, by=by, at=at)
    await tx.execute(_RECORD[1], from_id=from_id)
