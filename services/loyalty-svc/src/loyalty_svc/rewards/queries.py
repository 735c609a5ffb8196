"""Rewards in SQL. Rows are locked in one order: redemptions, a customer's limit, accounts, the shelf."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.rewards.reward import Reward
from moat.kit.db.transaction import Transaction

LOCK_CLASS: Final = 7305011
"""Advisory: one customer's redemptions of rewards with a limit, one after the other."""
_LOCK_LIMIT = "SELECT pg_advisory_xact_lock(:class, hashtext(:customer))"
_SHELF = "SELECT reward, taken FROM reward_shelf WHERE reward = ANY(CAST(:rewards AS text[]))"
# Without a row yet the first insert is the count, so the stock holds there too.
_TAKE = """
INSERT INTO reward_shelf AS s (reward, taken)
SELECT CAST(:reward AS text), CAST(:quantity AS bigint) WHERE CAST(:quantity AS bigint) <= CAST(:stock AS bigint)
ON CONFLICT (reward) DO UPDATE SET taken = s.taken + excluded.taken
WHERE s.taken + excluded.taken <= CAST(:stock AS bigint)
RETURNING taken
"""
_LOCK_SHELF = "SELECT FROM reward_shelf WHERE reward = ANY(CAST(:rewards AS text[])) ORDER BY reward FOR UPDATE"
_PUT_BACK = """
UPDATE reward_shelf s SET taken = s.taken - w.pieces
FROM unnest(CAST(:rewards AS text[]), CAST(:pieces AS bigint[])) AS w (reward, pieces) WHERE s.reward = w.reward
"""
_HAD = """
SELECT w.reward, coalesce(sum(r.quantity), 0)::bigint AS pieces
FROM unnest(CAST(:rewards AS text[]), CAST(:since AS timestamptz[])) AS w (reward, since)
LEFT JOIN reward_redemption r ON r.customer_id = :customer_id AND r.reward = w.reward
  AND r.state IN ('reserved', 'redeemed', 'sent', 'fulfilled') AND (w.since IS NULL OR r.made_at > w.since)
GROUP BY w.reward
"""
_ADD = """
INSERT INTO reward_redemption (id, customer_id, hold_id, code_id, made_at, until, redeemed_at, fulfilled_at, points,
  money_minor, version, quantity, is_from_shelf, state, reward, kind, account_type, money_currency, coupon_code)
VALUES (:id, :customer_id, :hold_id, :code_id, :at, :until, :redeemed_at, :fulfilled_at, :points,
  :money_minor, :version, :quantity, :is_from_shelf, :state, :reward, :kind, :account_type, :money_currency,
  :coupon_code)
RETURNING *
"""
_COLUMNS = """
SELECT id, customer_id, hold_id, code_id, made_at, until, redeemed_at, sent_at, fulfilled_at, ended_at, points,
       money_minor, version, quantity, is_from_shelf, state, reward, kind, account_type, money_currency, coupon_code,
       order_id, reference, reason
FROM reward_redemption
"""
_BY_ID = _COLUMNS + "WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id"
_LOCK = "SELECT FROM reward_redemption WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
_OF_CUSTOMER = (
    _COLUMNS
    + """WHERE customer_id = :customer_id AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
ORDER BY id DESC LIMIT :limit"""
)
_IN_STATE = (
    _COLUMNS
    + """WHERE state = :state AND (CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid))
ORDER BY id LIMIT :limit"""
)
_MOVE_ON = """
UPDATE reward_redemption r SET state = w.state,
  redeemed_at = coalesce(r.redeemed_at, CASE WHEN w.state IN ('redeemed', 'fulfilled') THEN w.at END),
  sent_at = CASE WHEN w.state = 'sent' THEN w.at ELSE r.sent_at END,
  fulfilled_at = CASE WHEN w.state = 'fulfilled' THEN w.at ELSE r.fulfilled_at END,
  ended_at = CASE WHEN w.state IN ('cancelled', 'refunded') THEN w.at END,
  code_id = coalesce(w.code_id, r.code_id), coupon_code = coalesce(w.coupon_code, r.coupon_code),
  order_id = coalesce(w.order_id, r.order_id), reference = coalesce(w.reference, r.reference), reason = w.reason
FROM (VALUES (CAST(:state AS text), CAST(:at AS timestamptz), CAST(:code_id AS uuid), CAST(:coupon_code AS text),
              CAST(:order_id AS text), CAST(:reference AS text), CAST(:reason AS text)))
  AS w (state, at, code_id, coupon_code, order_id, reference, reason)
WHERE r.id = :id RETURNING r.*
"""
_TIME_OUT = """
UPDATE reward_redemption SET state = 'timed_out', ended_at = until WHERE id = ANY(CAST(:ids AS uuid[]))
"""
_MOVE = """
UPDATE reward_redemption r SET customer_id = m.to_id, origin_id = coalesce(r.origin_id, m.from_id)
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:to_ids AS uuid[])) AS m (from_id, to_id) WHERE r.customer_id = m.from_id
"""


class NewRedemption(NamedTuple):
    """A redemption to store; reserved while it has `until`, else paid for at `at`."""

    id: UUID
    customer_id: UUID
    reward: Reward
    quantity: int
    at: datetime
    state: str
    hold_id: UUID | None = None
    until: datetime | None = None
    code_id: UUID | None = None
    coupon_code: str | None = None


async def lock_limit(tx: Transaction, customer_id: UUID) -> None:
    """Let a customer's redemptions of limited rewards pass one after the other."""
    await tx.execute(_LOCK_LIMIT, **{"class": LOCK_CLASS, "customer": str(customer_id)})


async def shelf(tx: Transaction, rewards: Sequence[str]) -> dict[str, int]:
    """How many pieces of each reward are gone; those that were never counted are missing."""
    return {row.reward: row.taken for row in await tx.all(_SHELF, rewards=list(rewards))}


async def take(tx: Transaction, reward: Reward, quantity: int) -> bool:
    """Take pieces from the shelf of a reward with a stock; False when so many are not there."""
    taken = await tx.scalar(_TAKE, reward=reward.code, quantity=quantity, stock=reward.stock)
    return taken is not None


async def put_back(tx: Transaction, pieces: Mapping[str, int]) -> None:
    """Put pieces back on the shelves of these rewards."""
    if pieces:
        await tx.execute(_LOCK_SHELF, rewards=list(pieces))
        await tx.execute(_PUT_BACK, rewards=list(pieces), pieces=list(pieces.values()))


async def had(tx: Transaction, customer_id: UUID, since: Mapping[str, datetime | None]) -> dict[str, int]:
    """How many pieces a customer has had of each reward since an instant (None: ever)."""
    rows = await tx.all(_HAD, customer_id=customer_id, rewards=list(since), since=list(since.values()))
    return {row.reward: row.pieces for row in rows}


async def add(tx: Transaction, new: NewRedemption) -> Row[Any]:
    """Store it; returns its row."""
    reward, money = new.reward, new.reward.money
    return await tx.one(
        _ADD,
        id=new.id,
        customer_id=new.customer_id,
        hold_id=new.hold_id,
        code_id=new.code_id,
        coupon_code=new.coupon_code,
        at=new.at,
        until=new.until,
        redeemed_at=None if new.state == "reserved" else new.at,
        fulfilled_at=new.at if new.state == "fulfilled" else None,
        points=reward.points * new.quantity,
        money_minor=money.minor * new.quantity if money else 0,
        money_currency=money.currency if money else None,
        version=reward.version,
        quantity=new.quantity,
        is_from_shelf=reward.stock is not None,
        state=new.state,
        reward=reward.code,
        kind=reward.kind,
        account_type=reward.account_type,
    )


async def lock(tx: Transaction, ids: Iterable[UUID]) -> None:
    """Hold others off these redemptions, in id order."""
    await tx.execute(_LOCK, ids=list(ids))


async def by_id(tx: Transaction, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """These redemptions, by id."""
    return await tx.all(_BY_ID, ids=list(ids))


async def of_customer(tx: Transaction, customer_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """A customer's redemptions, newest first, before `after`."""
    return await tx.all(_OF_CUSTOMER, customer_id=customer_id, after=after, limit=limit)


async def in_state(tx: Transaction, state: str, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Redemptions in one state, the oldest first, after `after`."""
    return await tx.all(_IN_STATE, state=state, after=after, limit=limit)


async def move_on(
    tx: Transaction,
    id_: UUID,
    state: str,
    *,
    at: datetime,
    code_id: UUID | None = None,
    coupon_code: str | None = None,
    order_id: str | None = None,
    reference: str | None = None,
    reason: str | None = None,
) -> Row[Any]:
    """It is in another state now; what is given is kept with it. Returns its row."""
    return await tx.one(
        _MOVE_ON,
        id=id_,
        state=state,
        at=at,
        code_id=code_id,
        coupon_code=coupon_code,
        order_id=order_id,
        reference=reference,
        reason=reason,
    )


async def time_out(tx: Transaction, ids: Sequence[UUID]) -> None:
    """Reservations that nobody confirmed in time."""
    await tx.execute(_TIME_OUT, ids=list(ids))


async def move(tx: Transaction, merges: Sequence[tuple[UUID, UUID]]) -> None:
    """Redemptions of customers who were merged away become the survivors'."""
    await tx.execute(_MOVE, from_ids=[from_id for from_id, _ in merges], to_ids=[to_id for _, to_id in merges])
