"""The codes of coupons and their uses in SQL. Rows are locked in one order: uses, codes, customers' counts, pools."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.coupon_uses.judging import Held
from loyalty_svc.coupons.coupon import Worth
from moat.kit.db.transaction import Transaction

_HELD = """
SELECT c.id, c.code, c.pool_id, p.coupon, p.version, c.customer_id, c.expires_at,
       least(c.withdrawn_at, p.withdrawn_at) AS withdrawn_at, c.uses, p.uses AS pool_uses,
       coalesce(k.uses, 0) AS customer_uses
FROM coupon_code c JOIN coupon_pool p ON p.id = c.pool_id
LEFT JOIN coupon_customer k ON k.coupon = p.coupon AND k.customer_id = :customer_id
WHERE c.code = ANY(CAST(:codes AS text[]))
"""
_LOCK_CODES = "SELECT FROM coupon_code WHERE code = ANY(CAST(:codes AS text[])) ORDER BY id FOR UPDATE"
_LOCK_CODE_IDS = "SELECT FROM coupon_code WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
_LOCK_POOLS = "SELECT FROM coupon_pool WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
_COUNT_CODES = """
UPDATE coupon_code c SET uses = c.uses + w.times
FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS int[])) AS w (id, times) WHERE c.id = w.id
"""
# Without a row yet the first insert is the count, so the limit stands there too.
_COUNT_CUSTOMER = """
WITH wanted AS (
  SELECT * FROM unnest(CAST(:coupons AS text[]), CAST(:times AS int[]), CAST(:limits AS int[]))
    AS w (coupon, times, most)
  WHERE most IS NULL OR times <= most)
INSERT INTO coupon_customer AS k (customer_id, coupon, uses)
SELECT CAST(:customer_id AS uuid), coupon, times FROM wanted ORDER BY coupon
ON CONFLICT (customer_id, coupon) DO UPDATE SET uses = k.uses + excluded.uses
WHERE k.uses + excluded.uses <= coalesce((SELECT most FROM wanted w WHERE w.coupon = k.coupon), 2147483647)
RETURNING k.coupon
"""
_COUNT_POOLS = """
UPDATE coupon_pool p SET uses = p.uses + w.times
FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS int[]), CAST(:limits AS int[])) AS w (id, times, most)
WHERE p.id = w.id AND p.uses + w.times <= w.most RETURNING p.id
"""
_RETURN_CUSTOMERS = """
UPDATE coupon_customer k SET uses = k.uses - w.times
FROM unnest(CAST(:customers AS uuid[]), CAST(:coupons AS text[]), CAST(:times AS int[]))
  AS w (customer_id, coupon, times)
WHERE k.customer_id = w.customer_id AND k.coupon = w.coupon
"""
_RETURN_POOLS = """
UPDATE coupon_pool p SET uses = p.uses - w.times
FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS int[])) AS w (id, times) WHERE p.id = w.id
"""
_USE = """
INSERT INTO coupon_use (id, checkout_id, code_id, pool_id, customer_id, reserved_at, until, goods_minor, shipping_minor,
                        gift_quantity, version, state, code, coupon, currency, order_id, gift_sku)
SELECT id, :checkout_id, code_id, pool_id, :customer_id, :at, :until, goods, shipping, gifts, version, 'reserved', code,
       coupon, :currency, :order_id, sku
FROM unnest(CAST(:ids AS uuid[]), CAST(:code_ids AS uuid[]), CAST(:pool_ids AS uuid[]), CAST(:goods AS bigint[]),
            CAST(:shipping AS bigint[]), CAST(:gifts AS int[]), CAST(:versions AS int[]), CAST(:codes AS text[]),
            CAST(:coupons AS text[]), CAST(:skus AS text[]))
  AS u (id, code_id, pool_id, goods, shipping, gifts, version, code, coupon, sku)
"""
_USES = """
SELECT id, checkout_id, code_id, pool_id, customer_id, state, until, reserved_at, redeemed_at, ended_at, goods_minor,
       shipping_minor, gift_quantity, gift_sku, currency, order_id, reason, code, coupon, version
FROM coupon_use WHERE checkout_id = ANY(CAST(:checkouts AS uuid[])) ORDER BY id
"""
_LOCK_USES = "SELECT FROM coupon_use WHERE checkout_id = ANY(CAST(:checkouts AS uuid[])) ORDER BY id FOR UPDATE"
_REDEEM = """
UPDATE coupon_use SET state = 'redeemed', redeemed_at = :at, order_id = coalesce(:order_id, order_id)
WHERE checkout_id = :checkout_id AND state = 'reserved'
"""
_END = """
UPDATE coupon_use u SET state = w.state, ended_at = w.at, reason = :reason
FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:at AS timestamptz[])) AS w (id, state, at)
WHERE u.id = w.id
"""
_USES_OF_CUSTOMER = """
SELECT id, checkout_id, code_id, pool_id, customer_id, state, until, reserved_at, redeemed_at, ended_at, goods_minor,
       shipping_minor, gift_quantity, gift_sku, currency, order_id, reason, code, coupon, version
FROM coupon_use
WHERE customer_id = :customer_id AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
ORDER BY id DESC LIMIT :limit
"""
_MOVE_USES = """
UPDATE coupon_use u SET customer_id = m.to_id, origin_id = coalesce(u.origin_id, m.from_id)
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:to_ids AS uuid[])) AS m (from_id, to_id) WHERE u.customer_id = m.from_id
"""
_MOVE_COUNTS = """
WITH gone AS (
  DELETE FROM coupon_customer k USING unnest(CAST(:from_ids AS uuid[]), CAST(:to_ids AS uuid[])) AS m (from_id, to_id)
  WHERE k.customer_id = m.from_id RETURNING m.to_id, k.coupon, k.uses)
INSERT INTO coupon_customer AS k (customer_id, coupon, uses)
SELECT to_id, coupon, sum(uses)::int FROM gone GROUP BY to_id, coupon ORDER BY to_id, coupon
ON CONFLICT (customer_id, coupon) DO UPDATE SET uses = k.uses + excluded.uses
"""
# A count whose last use has gone becomes 0.
_COUNT_ANEW = """
WITH stands AS (
  SELECT customer_id, coupon, 1 AS uses FROM coupon_use
  WHERE customer_id = ANY(CAST(:customers AS uuid[])) AND state IN ('reserved', 'redeemed')
  UNION ALL
  SELECT customer_id, coupon, 0 FROM coupon_customer WHERE customer_id = ANY(CAST(:customers AS uuid[])))
INSERT INTO coupon_customer (customer_id, coupon, uses)
SELECT customer_id, coupon, sum(uses)::int FROM stands GROUP BY customer_id, coupon ORDER BY customer_id, coupon
ON CONFLICT (customer_id, coupon) DO UPDATE SET uses = excluded.uses
"""
_TRIES = "SELECT tries, began_at FROM coupon_wrong_code WHERE principal = :principal AND began_at > :since"
# Stretches that are over go with the next count, so that the table does not grow with every caller there ever was.
_COUNT_TRIES = """
WITH over AS (
  DELETE FROM coupon_wrong_code WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM coupon_wrong_code WHERE began_at <= :since AND principal <> :principal
    LIMIT 100 FOR UPDATE SKIP LOCKED)))
INSERT INTO coupon_wrong_code AS w (principal, began_at, tries) VALUES (:principal, :at, :tries)
ON CONFLICT (principal) DO UPDATE SET
  began_at = CASE WHEN w.began_at > :since THEN w.began_at ELSE excluded.began_at END,
  tries = CASE WHEN w.began_at > :since THEN least(w.tries + excluded.tries, 1000000) ELSE excluded.tries END
"""


class Counted(NamedTuple):
    """How many uses of something are to be added, and the most there may be (None: any number)."""

    times: int
    most: int | None


class NewUse(NamedTuple):
    """A use to store."""

    id: UUID
    held: Held
    worth: Worth


async def held(tx: Transaction, codes: Sequence[str], customer_id: UUID, *, lock: bool = False) -> dict[str, Held]:
    """Those of the codes that there are; locked, their own uses stay what they are until the commit."""
    if lock:
        await tx.execute(_LOCK_CODES, codes=list(codes))
    rows: Sequence[Any] = await tx.all(_HELD, codes=list(codes), customer_id=customer_id)
    return {row.code: Held(*row) for row in rows}


async def count_codes(tx: Transaction, times: Mapping[UUID, int]) -> None:
    """Add to (or, negative, take from) the uses of codes; the caller has locked them."""
    await tx.execute(_COUNT_CODES, ids=list(times), times=list(times.values()))


async def count_customer(tx: Transaction, customer_id: UUID, coupons: Mapping[str, Counted]) -> set[str]:
    """Add to a customer's uses of coupons where his limits allow it; returns the coupons that it was done for."""
    rows = await tx.all(
        _COUNT_CUSTOMER,
        customer_id=customer_id,
        coupons=list(coupons),
        times=[counted.times for counted in coupons.values()],
        limits=[counted.most for counted in coupons.values()],
    )
    return {row.coupon for row in rows}


async def count_pools(tx: Transaction, pools: Mapping[UUID, Counted]) -> set[UUID]:
    """Add to the uses of pools where their limits allow it; returns the pools that it was done for."""
    if not pools:
        return set()
    await tx.execute(_LOCK_POOLS, ids=list(pools))
    rows = await tx.all(
        _COUNT_POOLS,
        ids=list(pools),
        times=[counted.times for counted in pools.values()],
        limits=[counted.most for counted in pools.values()],
    )
    return {row.id for row in rows}


async def give_back(
    tx: Transaction,
    codes: Mapping[UUID, int],
    customers: Mapping[tuple[UUID, str], int],
    pools: Mapping[UUID, int],
) -> None:
    """Take uses that stand no longer off the counts of codes, of (customer, coupon), and of pools that are limited."""
    await tx.execute(_LOCK_CODE_IDS, ids=list(codes))
    await count_codes(tx, {id_: -times for id_, times in codes.items()})
    keys = sorted(customers)
    await tx.execute(
        _RETURN_CUSTOMERS,
        customers=[customer_id for customer_id, _ in keys],
        coupons=[coupon for _, coupon in keys],
        times=[customers[key] for key in keys],
    )
    if pools:
        await tx.execute(_LOCK_POOLS, ids=list(pools))
        await tx.execute(_RETURN_POOLS, ids=list(pools), times=list(pools.values()))


async def add_uses(
    tx: Transaction,
    uses: Sequence[NewUse],
    *,
    checkout_id: UUID,
    customer_id: UUID,
    at: datetime,
    until: datetime,
    currency: str,
    order_id: str | None,
) -> None:
    """Store uses that were reserved together."""
    await tx.execute(
        _USE,
        checkout_id=checkout_id,
        customer_id=customer_id,
        at=at,
        until=until,
        currency=currency,
        order_id=order_id,
        ids=[use.id for use in uses],
        code_ids=[use.held.id for use in uses],
        pool_ids=[use.held.pool_id for use in uses],
        goods=[use.worth.goods_minor for use in uses],
        shipping=[use.worth.shipping_minor for use in uses],
        gifts=[use.worth.gift_quantity for use in uses],
        versions=[use.held.version for use in uses],
        codes=[use.held.code for use in uses],
        coupons=[use.held.coupon for use in uses],
        skus=[use.worth.gift_sku for use in uses],
    )


async def uses_of(tx: Transaction, checkouts: Iterable[UUID], *, lock: bool = False) -> Sequence[Row[Any]]:
    """The uses that were reserved together, by checkout."""
    wanted = list(checkouts)
    if lock:
        await lock_uses(tx, wanted)
    return await tx.all(_USES, checkouts=wanted)


async def lock_uses(tx: Transaction, checkouts: Sequence[UUID]) -> None:
    """Hold others off the uses of these checkouts, in id order."""
    await tx.execute(_LOCK_USES, checkouts=list(checkouts))


async def redeem(tx: Transaction, checkout_id: UUID, *, at: datetime, order_id: str | None) -> None:
    """What was reserved is used."""
    await tx.execute(_REDEEM, checkout_id=checkout_id, at=at, order_id=order_id)


async def end(tx: Transaction, ended: Mapping[UUID, tuple[str, datetime]], reason: str | None) -> None:
    """Uses stand no longer: by id the state they end in, and when."""
    await tx.execute(
        _END,
        ids=list(ended),
        states=[state for state, _ in ended.values()],
        at=[at for _, at in ended.values()],
        reason=reason,
    )


async def uses_of_customer(tx: Transaction, customer_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """A customer's uses, newest first, before the use `after`."""
    return await tx.all(_USES_OF_CUSTOMER, customer_id=customer_id, after=after, limit=limit)


async def move(tx: Transaction, merges: Sequence[tuple[UUID, UUID]]) -> None:
    """Uses and counts of customers who were merged away become the survivors'; their codes are moved by `coupons`."""
    ids = {"from_ids": [from_id for from_id, _ in merges], "to_ids": [to_id for _, to_id in merges]}
    for sql in (_MOVE_USES, _MOVE_COUNTS):
        await tx.execute(sql, **ids)


async def count_anew(tx: Transaction, customer_ids: Collection[UUID]) -> None:
    """What stands against the limits of these customers, from their uses; the caller keeps everybody else out."""
    await tx.execute(_COUNT_ANEW, customers=sorted(customer_ids))


async def wrong_codes(tx: Transaction, principal: str, since: datetime) -> tuple[int, datetime | None]:
    """How many wrong codes a caller has tried in the stretch that began after `since`, and when that began."""
    row = await tx.first(_TRIES, principal=principal, since=since)
    return (row.tries, row.began_at) if row else (0, None)


async def count_wrong_codes(tx: Transaction, principal: str, tries: int, *, at: datetime, since: datetime) -> None:
    """Add to a caller's wrong codes; a stretch that began before `since` is over and a new one begins."""
    await tx.execute(_COUNT_TRIES, principal=principal, tries=tries, at=at, since=since)
