"""All SQL of checkouts. A checkout's row is locked before its hold, that before its coupons."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty_svc.checkout.checkout import Checkout
from loyalty_svc.earning.limits import Counter, Key
from moat.kit.db.transaction import Transaction

_COLUMNS = """id, customer_id, hold_id, made_at, until, resolved_at, goods_minor, shipping_minor, goods_off_minor,
  shipping_off_minor, points, points_minor, codes, state, currency, account_type, payment, order_id"""
_INSERT = f"""
INSERT INTO checkout ({_COLUMNS}) VALUES (:id, :customer_id, :hold_id, :made_at, :until, :resolved_at, :goods_minor,
  :shipping_minor, :goods_off_minor, :shipping_off_minor, :points, :points_minor, :codes, :state, :currency,
  :account_type, :payment, :order_id)
"""  # noqa: S608
_ONE = f"SELECT {_COLUMNS} FROM checkout WHERE id = :id"  # noqa: S608
_LOCK = _ONE + " FOR UPDATE"
_RESOLVE = "UPDATE checkout SET state = :state, resolved_at = :resolved_at, order_id = :order_id WHERE id = :id"
_PAGE = f"""
SELECT {_COLUMNS} FROM checkout
WHERE customer_id = :customer_id AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
ORDER BY id DESC LIMIT :limit
"""  # noqa: S608
_MOVE = """
UPDATE checkout c SET customer_id = m.to_id
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:to_ids AS uuid[])) AS m (from_id, to_id) WHERE c.customer_id = m.from_id
"""
# What has expired and was not swept yet cannot be spent, but for what is reserved.
_SPENDABLE = """
SELECT greatest(0, a.available - greatest(0, o.overdue - a.reserved))::bigint
FROM account a, LATERAL (
  SELECT coalesce(sum(l.remaining), 0) AS overdue FROM lot l
  WHERE l.customer_id = a.customer_id AND l.account_type = a.type AND l.remaining > 0 AND l.expires_at <= :now
    AND NOT l.is_pending) AS o
WHERE a.customer_id = :customer_id AND a.type = :account_type
"""
# Codes that were never used come first, of those the ones that end first.
_WALLET = """
SELECT c.code, count(*) OVER () AS all_of_them FROM coupon_code c JOIN coupon_pool p ON p.id = c.pool_id
WHERE c.customer_id = :customer_id AND c.withdrawn_at IS NULL AND p.withdrawn_at IS NULL
  AND (c.expires_at IS NULL OR c.expires_at > :now) AND c.code <> ALL(CAST(:but AS text[]))
ORDER BY c.uses, c.expires_at, c.id LIMIT :limit
"""
# As they are, neither locked nor made.
_COUNTERS = """
SELECT c.scope, c.customer_id, c.per, c.starts_at, c.points, c.awards, c.last_at
FROM earning_counter c
JOIN unnest(CAST(:scopes AS text[]), CAST(:customers AS uuid[]), CAST(:pers AS text[]), CAST(:starts AS timestamptz[]))
  AS t (scope, customer_id, per, starts_at) USING (scope, customer_id, per, starts_at)
"""


async def insert(tx: Transaction, checkout: Checkout) -> None:
    """Keep a checkout that was made."""
    await tx.execute(_INSERT, **asdict(checkout))


async def one(tx: Transaction, id_: UUID, *, lock: bool = False) -> Checkout | None:
    """A checkout by its id, locked until the transaction ends if asked."""
    row: Any = await tx.first(_LOCK if lock else _ONE, id=id_)
    return Checkout(*row) if row is not None else None


async def resolve(tx: Transaction, checkout: Checkout) -> None:
    """Keep how it ended."""
    await tx.execute(
        _RESOLVE,
        id=checkout.id,
        state=checkout.state,
        resolved_at=checkout.resolved_at,
        order_id=checkout.order_id,
    )


async def page(tx: Transaction, customer_id: UUID, *, after: UUID | None, limit: int) -> list[Checkout]:
    """A customer's checkouts, newest first, before the one `after`."""
    rows: Sequence[Any] = await tx.all(_PAGE, customer_id=customer_id, after=after, limit=limit)
    return [Checkout(*row) for row in rows]


async def move(tx: Transaction, merges: Sequence[tuple[UUID, UUID]]) -> None:
    """Checkouts of customers who were merged away become the survivors'; pairs of (from, to)."""
    ids = {"from_ids": [from_id for from_id, _ in merges], "to_ids": [to_id for _, to_id in merges]}
    await tx.execute(_MOVE, **ids)


async def spendable(tx: Transaction, customer_id: UUID, account_type: str, *, now: datetime) -> int:
    """How many points a customer could spend now, if what has expired were swept."""
    return int(await tx.scalar(_SPENDABLE, customer_id=customer_id, account_type=account_type, now=now) or 0)


async def wallet(
    tx: Transaction, customer_id: UUID, *, but: Collection[str], now: datetime, limit: int
) -> tuple[list[str], int]:
    """The codes that were given to a customer and have not ended, but for some; and how many more there are."""
    rows: Sequence[Any] = await tx.all(_WALLET, customer_id=customer_id, but=sorted(but), now=now, limit=limit)
    return [row[0] for row in rows], rows[0].all_of_them - len(rows) if rows else 0


async def counters(tx: Transaction, keys: Collection[Key]) -> Mapping[Key, Counter]:
    """These counters of limits as they are now; zero where nothing was counted."""
    if not keys:
        return {}
    rows: Sequence[Any] = await tx.all(
        _COUNTERS,
        scopes=[key.scope for key in keys],
        customers=[key.customer_id for key in keys],
        pers=[key.per for key in keys],
        starts=[key.starts_at for key in keys],
    )
    found = {Key(row[0], row[1], row[2], row[3]): Counter(row[4], row[5], row[6]) for row in rows}
    return {key: found.get(key) or Counter() for key in keys}
