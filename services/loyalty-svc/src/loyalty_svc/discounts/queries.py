"""All SQL of discounts, set-based. It reads what earning and coupon uses keep; both of them ask for it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_svc.discounts.share import Cell, Share
from loyalty_svc.ledger.owners import owned
from moat.kit.db.transaction import Transaction

_IS_KEPT: Final = """
(o.refunds IS NULL OR o.total_minor = 0 OR o.total_minor > coalesce((
  SELECT sum(CAST(r->>3 AS bigint)) FROM jsonb_array_elements(o.refunds) AS r WHERE r->>2 = o.currency), 0))
"""
# Orders before an instant, so that the one that is judged is not among them. Postings stay with whom they were made
# for, coupon uses go to the survivor of a merge.
_SHARES: Final = f"""
WITH asked (root, at) AS (
  SELECT DISTINCT * FROM unnest(CAST(:ids AS uuid[]), CAST(:at AS timestamptz[])) AS t (root, at)),
customer (root, id) AS (
  SELECT root, root FROM asked
  UNION SELECT a.to_id, a.from_id FROM customer_alias a JOIN asked ON a.to_id = asked.root),
mine AS ({owned("p.cause_id, p.order_id", "p.kind = 'earned' AND p.order_id IS NOT NULL")}),
paid AS (SELECT root, cause_id, min(order_id) AS order_id FROM mine GROUP BY root, cause_id),
bought AS (
  SELECT p.root, o.paid_at, EXISTS (
    SELECT FROM coupon_use u WHERE u.customer_id = p.root AND u.order_id = p.order_id AND u.state = 'redeemed') AS used
  FROM paid p JOIN order_earning o ON o.order_uid = p.cause_id WHERE {_IS_KEPT})
SELECT asked.root, asked.at, count(*) AS orders, count(*) FILTER (WHERE b.used) AS with_coupon
FROM asked JOIN bought b ON b.root = asked.root
  AND b.paid_at < asked.at AND b.paid_at >= asked.at - make_interval(days => :days)
GROUP BY 1, 2
"""  # noqa: S608
_BY_TIER: Final = f"""
WITH bought AS (
  SELECT coalesce(a.to_id, o.customer_id) AS customer_id, o.paid_at, (
    SELECT p.order_id FROM posting p WHERE p.cause_id = o.order_uid AND p.kind = 'earned' LIMIT 1) AS order_id
  FROM order_earning o LEFT JOIN customer_alias a ON a.from_id = o.customer_id
  WHERE o.paid_at >= :begins AND o.paid_at < :ends AND {_IS_KEPT}),
used AS (SELECT DISTINCT customer_id, order_id FROM coupon_use WHERE state = 'redeemed' AND order_id IS NOT NULL)
SELECT coalesce(m.tier, :base) AS tier, CAST(date_trunc('month', b.paid_at AT TIME ZONE :zone) AS date) AS month,
       count(*) AS orders, count(u.order_id) AS with_coupon
FROM bought b LEFT JOIN membership m USING (customer_id)
LEFT JOIN used u ON u.customer_id = b.customer_id AND u.order_id = b.order_id
WHERE b.order_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608


async def shares(
    tx: Transaction, asked: Iterable[tuple[UUID, datetime]], *, days: int
) -> dict[tuple[UUID, datetime], Share]:
    """For (customer, instant) the orders paid in so many days before; those without an order are missing."""
    pairs = list(asked)
    rows: Sequence[Any] = await tx.all(_SHARES, ids=[id_ for id_, _ in pairs], at=[at for _, at in pairs], days=days)
    return {(row.root, row.at): Share(row.orders, row.with_coupon) for row in rows}


async def by_tier(tx: Transaction, *, begins: datetime, ends: datetime, base: str, zone: str) -> list[Cell]:
    """Orders paid from `begins` until before `ends`, by the tier (`base` for who is in none) and civil month."""
    rows: Sequence[Any] = await tx.all(_BY_TIER, begins=begins, ends=ends, base=base, zone=zone)
    return [Cell(row.tier, row.month, Share(row.orders, row.with_coupon)) for row in rows]
