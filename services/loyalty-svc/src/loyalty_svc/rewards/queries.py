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
_LOCK_LIMITS = """
SELECT pg_advisory_xact_lock(:class, o.customer)
FROM (SELECT DISTINCT hashtext(c) AS customer FROM unnest(CAST(:customers AS text[])) AS c ORDER BY 1) AS o
"""
_SHELF = "SELECT reward, taken FROM reward_shelf WHERE reward = ANY(CAST(:rewards AS text[]))"
# A reward without a row yet gets one, so that there is always something to lock. Rewards are locked in order.
_LOCK_SHELF_TO_TAKE = """
INSERT INTO reward_shelf AS s (reward, taken)
SELECT reward, 0 FROM unnest(CAST(:rewards AS text[])) AS w (reward) ORDER BY reward COLLATE "C"
ON CONFLICT (reward) DO UPDATE SET taken = s.taken RETURNING reward, taken
"""
_TAKE = """
UPDATE reward_shelf s SET taken = s.taken + w.pieces
FROM unnest(CAST(:rewards AS text[]), CAST(:pieces AS bigint[])) AS w (reward, pieces) WHERE s.reward = w.reward
"""
_LOCK_SHELF = "SELECT FROM reward_shelf WHERE reward = ANY(CAST(:rewards AS text[])) ORDER BY reward FOR UPDATE"
_PUT_BACK = """
UPDATE reward_shelf s SET taken = s.taken - w.pieces
FROM unnest(CAST(:rewards AS text[]), CAST(:pieces AS bigint[])) AS w (reward, pieces) WHERE s.reward = w.reward
"""
_HAD = """
SELECT w.customer_id, w.reward, coalesce(sum(r.quantity), 0)::bigint AS pieces
FROM unnest(CAST(:customers AS uuid[]), CAST(:rewards AS text[]), CAST(:since AS timestamptz[]))
     AS w (customer_id, reward, since)
LEFT JOIN reward_redemption r ON r.customer_id = w.customer_id AND r.reward = w.reward
  AND r.state IN ('reserved', 'redeemed', 'sent', 'fulfilled') AND (w.since IS NULL OR r.made_at > w.since)
GROUP BY w.customer_id, w.reward
"""
_ADD = """
INSERT INTO reward_redemption (id, customer_id, hold_id, code_id, made_at, until, redeemed_at, fulfilled_at, points,
  money_minor, version, quantity, is_from_shelf, state, reward, kind, account_type, money_currency, coupon_code)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:holds AS uuid[]),
  CAST(:code_ids AS uuid[]), CAST(:at AS timestamptz[]), CAST(:until AS timestamptz[]),
  CAST(:redeemed_at AS timestamptz[]),
  CAST(:fulfilled_at AS timestamptz[]), CAST(:points AS bigint[]), CAST(:money_minor AS bigint[]),
  CAST(:versions AS integer[]), CAST(:quantities AS integer[]), CAST(:from_shelf AS boolean[]),
  CAST(:states AS text[]), CAST(:rewards AS text[]), CAST(:kinds AS text[]), CAST(:account_types AS text[]),
  CAST(:currencies AS text[]), CAST(:coupon_codes AS text[]))
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


async def lock_limits(tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    """Let each customer's redemptions of limited rewards pass one after the other; in one order for all."""
    await tx.execute(_LOCK_LIMITS, **{"class": LOCK_CLASS, "customers": [str(id_) for id_ in customer_ids]})


async def shelf(tx: Transaction, rewards: Sequence[str]) -> dict[str, int]:
    """How many pieces of each reward are gone; those that were never counted are missing."""
    return {row.reward: row.taken for row in await tx.all(_SHELF, rewards=list(rewards))}


async def lock_shelf(tx: Transaction, rewards: Sequence[str]) -> dict[str, int]:
    """Hold others off the shelves of these rewards; how many pieces of each are gone."""
    return {row.reward: row.taken for row in await tx.all(_LOCK_SHELF_TO_TAKE, rewards=list(rewards))}


async def take(tx: Transaction, pieces: Mapping[str, int]) -> None:
    """Take pieces from the shelves of these rewards, which are locked and hold as many."""
    if pieces:
        await tx.execute(_TAKE, rewards=list(pieces), pieces=list(pieces.values()))


async def put_back(tx: Transaction, pieces: Mapping[str, int]) -> None:
    """Put pieces back on the shelves of these rewards."""
    if pieces:
        await tx.execute(_LOCK_SHELF, rewards=list(pieces))
        await tx.execute(_PUT_BACK, rewards=list(pieces), pieces=list(pieces.values()))


async def had(tx: Transaction, asked: Sequence[tuple[UUID, str, datetime | None]]) -> dict[tuple[UUID, str], int]:
    """How many pieces a customer has had of a reward since an instant (None: ever), for each of these."""
    rows = await tx.all(
        _HAD,
        customers=[customer_id for customer_id, _, _ in asked],
        rewards=[reward for _, reward, _ in asked],
        since=[since for _, _, since in asked],
    )
    return {(row.customer_id, row.reward): row.pieces for row in rows}


async def add(tx: Transaction, new: Sequence[NewRedemption]) -> Sequence[Row[Any]]:
    """Store them; their rows, in their order."""
    rewards, money = [one.reward for one in new], [one.reward.money for one in new]
    return await tx.all(
        _ADD,
        ids=[one.id for one in new],
        customers=[one.customer_id for one in new],
        holds=[one.hold_id for one in new],
        code_ids=[one.code_id for one in new],
        coupon_codes=[one.coupon_code for one in new],
        at=[one.at for one in new],
        until=[one.until for one in new],
        redeemed_at=[None if one.state == "reserved" else one.at for one in new],
        fulfilled_at=[one.at if one.state == "fulfilled" else None for one in new],
        points=[one.reward.points * one.quantity for one in new],
        money_minor=[cost.minor * one.quantity if cost else 0 for one, cost in zip(new, money, strict=True)],
        currencies=[cost.currency if cost else None for cost in money],
        versions=[reward.version for reward in rewards],
        quantities=[one.quantity for one in new],
        from_shelf=[reward.stock is not None for reward in rewards],
        states=[one.state for one in new],
        rewards=[reward.code for reward in rewards],
        kinds=[reward.kind for reward in rewards],
        account_types=[reward.account_type for reward in rewards],
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
