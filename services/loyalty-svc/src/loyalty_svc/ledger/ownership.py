"""The SQL of splits in the ledger: whose postings are whose, and what moves between two accounts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty_svc.ledger.parting import EarnedLot, Share, Sums
from moat.customers import Parting
from moat.kit.db.transaction import Transaction

# His are the postings made for him, those about his orders whoever was named, what took a gift of his back, and what
# expired of all that.
_CLAIM = """
WITH family (id) AS (
  SELECT CAST(:survivor_id AS uuid) UNION ALL SELECT from_id FROM customer_alias WHERE to_id = :survivor_id),
own AS (
  SELECT id, kind, cause_id, cause_part, order_id FROM owned_posting
  WHERE owner_id = ANY(CAST(:origins AS uuid[])) AND kind <> 'transferred'),
orders (uid) AS (
  SELECT unnest(CAST(:order_uids AS uuid[]))
  UNION SELECT cause_id FROM own WHERE kind = 'earned' AND order_id IS NOT NULL),
since AS (
  SELECT p.id, p.customer_id FROM orders JOIN posting p ON p.cause_id = orders.uid AND p.kind IN ('earned', 'reversed')
  UNION
  SELECT p.id, p.customer_id FROM own
  JOIN posting p ON p.cause_id = own.cause_id AND p.kind = 'reversed' AND p.cause_part = own.cause_part
  WHERE own.kind = 'earned'),
gone AS (
  SELECT p.id, p.customer_id FROM (SELECT id FROM own UNION SELECT id FROM since) AS his
  JOIN posting p ON p.cause_id = his.id AND p.kind = 'expired'),
his AS (SELECT * FROM since UNION SELECT * FROM gone)
INSERT INTO parted_posting (posting_id, customer_id)
SELECT his.id, CAST(:from_id AS uuid) FROM his LEFT JOIN parted_posting o ON o.posting_id = his.id
JOIN family ON family.id = coalesce(o.customer_id, his.customer_id) ORDER BY his.id
ON CONFLICT (posting_id) DO UPDATE SET customer_id = excluded.customer_id
"""
# What was posted for the survivor and those who stay merged into him, and how late the latest of the other's is.
_KEPT = """
WITH family (id) AS (
  SELECT CAST(:survivor_id AS uuid) UNION ALL SELECT from_id FROM customer_alias WHERE to_id = :survivor_id)
SELECT e.account_type, sum(e.amount)::bigint,
       coalesce(sum(e.amount) FILTER (WHERE p.kind = 'earned'), 0)::bigint,
       coalesce(-sum(e.amount) FILTER (WHERE p.kind = 'spent'), 0)::bigint,
       coalesce(-sum(e.amount) FILTER (WHERE p.kind = 'expired'), 0)::bigint,
       coalesce(-sum(e.amount) FILTER (WHERE p.kind = 'reversed'), 0)::bigint
FROM owned_posting p JOIN entry e ON e.posting_id = p.id
WHERE p.owner_id = ANY(ARRAY(SELECT id FROM family)) AND p.kind <> 'transferred' GROUP BY 1
"""
_LATEST = """
SELECT e.account_type, max(p.at) FROM owned_posting p JOIN entry e ON e.posting_id = p.id
WHERE p.owner_id = ANY(CAST(:origins AS uuid[])) AND p.kind <> 'transferred' GROUP BY 1
"""
_EARNED_LOTS = """
SELECT l.posting_id, l.account_type, l.remaining, l.is_pending, l.earned_at, l.expires_at
FROM owned_posting p JOIN lot l ON l.posting_id = p.id
WHERE p.owner_id = ANY(CAST(:origins AS uuid[])) AND l.customer_id = :survivor_id
"""
_MOVE_LOTS = """
UPDATE lot l SET customer_id = :customer_id
FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[])) AS m (posting_id, account_type)
WHERE l.posting_id = m.posting_id AND l.account_type = m.account_type
"""
_SHARES = """
unnest(CAST(:types AS text[]), CAST(:last_at AS timestamptz[]), CAST(:available AS bigint[]),
       CAST(:pending AS bigint[]), CAST(:earned AS bigint[]), CAST(:spent AS bigint[]), CAST(:expired AS bigint[]),
       CAST(:reversed AS bigint[])) AS s (type, last_at, available, pending, earned, spent, expired, reversed)
"""
_TAKE = f"""
UPDATE account a SET available = a.available - s.available, pending = a.pending - s.pending,
  earned_total = a.earned_total - s.earned, spent_total = a.spent_total - s.spent,
  expired_total = a.expired_total - s.expired, reversed_total = a.reversed_total - s.reversed
FROM {_SHARES} WHERE a.customer_id = :survivor_id AND a.type = s.type
"""  # noqa: S608
_GIVE = f"""
INSERT INTO account AS a (customer_id, type, last_at, available, pending, earned_total, spent_total, expired_total,
                          reversed_total)
SELECT CAST(:customer_id AS uuid), s.type, s.last_at, s.available, s.pending, s.earned, s.spent, s.expired, s.reversed
FROM {_SHARES} ORDER BY s.type COLLATE "C"
ON CONFLICT (customer_id, type) DO UPDATE SET
  last_at = greatest(a.last_at, excluded.last_at),
  available = a.available + excluded.available,
  pending = a.pending + excluded.pending,
  earned_total = a.earned_total + excluded.earned_total,
  spent_total = a.spent_total + excluded.spent_total,
  expired_total = a.expired_total + excluded.expired_total,
  reversed_total = a.reversed_total + excluded.reversed_total
RETURNING a.type, a.available + a.pending + a.reserved
"""  # noqa: S608


async def claim(tx: Transaction, one: Parting) -> None:
    """Note which postings, made for the survivor, are his who has parted."""
    await tx.execute(
        _CLAIM,
        survivor_id=one.survivor_id,
        from_id=one.from_id,
        origins=list(one.origins),
        order_uids=list(one.order_uids),
    )


async def kept(tx: Transaction, survivor_id: UUID) -> dict[str, Sums]:
    """What was ever posted for the survivor and those who stay with him, by account type."""
    rows: Sequence[Any] = await tx.all(_KEPT, survivor_id=survivor_id)
    return {row[0]: Sums(*row[1:]) for row in rows}


async def latest(tx: Transaction, origins: Sequence[UUID]) -> dict[str, datetime]:
    """The latest instant among the postings of these customers, by account type."""
    rows: Sequence[Any] = await tx.all(_LATEST, origins=list(origins))
    return {row[0]: row[1] for row in rows}


async def earned_lots(tx: Transaction, one: Parting) -> dict[str, list[EarnedLot]]:
    """The lots in the survivor's accounts that he who has parted earned, empty ones included; by account type."""
    found: dict[str, list[EarnedLot]] = {}
    rows: Sequence[Any] = await tx.all(_EARNED_LOTS, origins=list(one.origins), survivor_id=one.survivor_id)
    for row in rows:
        found.setdefault(row[1], []).append(EarnedLot(*row))
    return found


async def move_lots(tx: Transaction, lots: Sequence[EarnedLot], customer_id: UUID) -> None:
    """These lots are another's now."""
    await tx.execute(
        _MOVE_LOTS,
        ids=[lot.posting_id for lot in lots],
        types=[lot.account_type for lot in lots],
        customer_id=customer_id,
    )


async def move_shares(tx: Transaction, survivor_id: UUID, customer_id: UUID, shares: Sequence[Share]) -> dict[str, int]:
    """Move these shares between the accounts of two; what he who gains holds then, by account type."""
    columns = {
        "types": [share.account_type for share in shares],
        **{name: [getattr(share, name) for share in shares] for name in Share._fields[1:]},
    }
    await tx.execute(_TAKE, survivor_id=survivor_id, **columns)
    rows: Sequence[Any] = (await tx.execute(_GIVE, customer_id=customer_id, **columns)).all()
    return {row[0]: row[1] for row in rows}
