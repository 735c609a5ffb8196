"""What rewards do inside the transaction they are given: points and pieces go together, or neither does.

Points first and the shelf last: the shelf's row is the one that many wait for, so it is held for the shortest time. Who
finds it empty has paid nothing, since his transaction never happened.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.accounts.types import ACCOUNT_TYPES, AccountTypes
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.coupons import usecases as coupons
from loyalty_svc.coupons.announcing import Issued, Wish
from loyalty_svc.discounts import usecases as discounts
from loyalty_svc.holds import usecases as holds
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.giving import Gift
from loyalty_svc.ledger.posting import Cause
from loyalty_svc.ledger.tables import GROWTH
from loyalty_svc.rewards import queries
from loyalty_svc.rewards.announcing import announce
from loyalty_svc.rewards.document import REWARDS
from loyalty_svc.rewards.problems import (
    CouponGone,
    CouponUsed,
    PaymentNeeded,
    RedemptionNotThere,
    RewardNotAvailable,
    UnknownRedemption,
    UnknownReward,
)
from loyalty_svc.rewards.queries import NewRedemption
from loyalty_svc.rewards.reward import AT_ONCE, Member, Reason, Refusal, Reward, State, allowed_actions, may, refusals
from loyalty_svc.rewards.tables import RELEASE
from loyalty_svc.rewards.wording import told
from loyalty_svc.tiers import usecases as tiers
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, published, valid_at, versions, versions_of_two
from moat.kit.ids import uuid7
from moat.kit.timers import clear_timers, set_timers

QUANTITY_MAX: Final = 1_000
RESERVED_FOR: Final = timedelta(minutes=30)
RESERVED_MINUTES_MAX: Final = 7 * 24 * 60
REASON: Final = "reward.redeemed"
REFUND: Final = "reward.refunded"


class Offer(NamedTuple):
    """A reward as one member sees it."""

    reward: Reward
    left: int | None
    refusals: list[Refusal]


async def offers(tx: Transaction, customer_id: UUID, *, now: datetime) -> list[Offer]:
    """Every published reward, by code, with what speaks against it for this member."""
    rewards = {code: one.value for code, one in sorted((await published(tx, REWARDS, at=now)).items())}
    taken = await queries.shelf(tx, list(rewards))
    limits = {code: reward.per_customer for code, reward in rewards.items() if reward.per_customer}
    had = await queries.had(tx, customer_id, {code: limit.since(now) for code, limit in limits.items()})
    member = await _member(tx, customer_id, rewards.values(), now=now)
    found: list[Offer] = []
    for code, reward in rewards.items():
        gone = taken.get(code, 0)
        against = refusals(reward, member, quantity=1, taken=gone, had=had.get(code, 0), now=now)
        found.append(Offer(reward, None if reward.stock is None else max(reward.stock - gone, 0), against))
    return found


async def _member(tx: Transaction, customer_id: UUID, rewards: Iterable[Reward], *, now: datetime) -> Member:
    membership = await tiers.membership(tx, customer_id)
    asks_share = any(reward.asks_about_discounts for reward in rewards)
    standing, accounts = membership.standing, membership.accounts
    return Member(
        tier=standing.tier if standing else membership.plan.base.code,
        growth=accounts[GROWTH].available if GROWTH in accounts else 0,
        points={type_: balance.available for type_, balance in accounts.items()},
        enrolled_at=standing.enrolled_at if standing else None,
        discount_share=await discounts.share(tx, customer_id, now) if asks_share else None,
    )


async def must_be_payable(tx: Transaction, reward: Reward, *, now: datetime) -> None:
    """What is checked when a reward is published: points of its kind can be spent, and its coupon is given out.

    Raises UnknownAccountType, NotSpendable; Invalid naming the nearest coupons.
    """
    (await account_types(tx)).spendable(reward.account_type)
    if reward.coupon is not None:
        await coupons.published_coupon(tx, reward.coupon, at=now, pointer="/document/coupon")


async def redeem(tx: Transaction, customer_id: UUID, code: str, quantity: int, *, now: datetime) -> Row[Any]:
    """Spend the points and have the reward at once. The customer is locked.

    Raises UnknownReward, RewardNotAvailable, PaymentNeeded, InsufficientPoints.
    """
    rewards, types = await versions_of_two(tx, REWARDS, ACCOUNT_TYPES)
    reward = await _wanted(tx, customer_id, valid_at(rewards.get(code, ()), now), quantity, now=now)
    if reward.money is not None:
        raise PaymentNeeded
    id_ = uuid7()
    await ledger.spend(
        tx,
        customer_id,
        reward.account_type,
        reward.points * quantity,
        reason=REASON,
        cause=Cause(id_, "", str(id_)),
        now=now,
        rule=f"{reward.code}@{reward.version}",
        types=AccountTypes(types),
    )
    given = await _give_coupon(tx, customer_id, id_, reward.coupon, now=now)
    await _take(tx, reward, quantity)
    state = "fulfilled" if reward.kind in AT_ONCE else "redeemed"
    row = await queries.add(tx, NewRedemption(id_, customer_id, reward, quantity, now, state, None, None, *given))
    announce(tx, row, at=now, is_paid_now=True)
    return row


async def reserve(
    tx: Transaction, customer_id: UUID, code: str, quantity: int, *, until: datetime, now: datetime
) -> Row[Any]:
    """Put points and pieces aside until an instant. The customer is locked.

    Raises UnknownReward, RewardNotAvailable, InsufficientPoints.
    """
    reward = await _wanted(tx, customer_id, (await published(tx, REWARDS, at=now)).get(code), quantity, now=now)
    id_ = uuid7()
    held = await holds.hold(
        tx,
        customer_id,
        reward.account_type,
        reward.points * quantity,
        until=until,
        cause=Cause(id_, "", str(id_)),
        reason=REASON,
        now=now,
    )
    await _take(tx, reward, quantity)
    row = await queries.add(tx, NewRedemption(id_, customer_id, reward, quantity, now, "reserved", held.id, until))
    await set_timers(tx, RELEASE, [(str(id_), until, {})])
    announce(tx, row, at=now)
    return row


async def _wanted(tx: Transaction, who: UUID, found: Published[Reward] | None, pieces: int, *, now: datetime) -> Reward:
    """The reward, if nothing speaks against it but, perhaps, points and the shelf: those decide when they are taken."""
    if found is None:
        raise UnknownReward
    reward = found.value
    had = 0
    if reward.per_customer is not None:
        await queries.lock_limit(tx, who)
        had = (await queries.had(tx, who, {reward.code: reward.per_customer.since(now)}))[reward.code]
    member = await _member(tx, who, [reward], now=now) if reward.asks_about_members else None
    against = refusals(reward, member, quantity=pieces, taken=0, had=had, now=now)
    if against:
        raise RewardNotAvailable(reasons=told(against))
    return reward


async def _take(tx: Transaction, reward: Reward, quantity: int) -> None:
    if reward.stock is not None and not await queries.take(tx, reward, quantity):
        left = max(reward.stock - (await queries.shelf(tx, [reward.code])).get(reward.code, 0), 0)
        raise RewardNotAvailable(reasons=told([Refusal(Reason.SOLD_OUT, {"left": left})]))


async def _give_coupon(
    tx: Transaction, customer_id: UUID, redemption_id: UUID, coupon: str | None, *, now: datetime
) -> tuple[UUID | None, str | None]:
    """The coupon that the reward is: its id and code. Raises CouponGone."""
    if coupon is None:
        return None, None
    (issued,) = await coupons.issue(tx, [Wish(customer_id, coupon, f"reward {redemption_id}", now)], at=now)
    if not isinstance(issued, Issued):
        raise CouponGone(coupon=coupon)
    return issued.code_id, issued.code


async def confirm(
    tx: Transaction, redemption_id: UUID, customer_id: UUID, *, now: datetime, order_id: str | None, is_paid: bool
) -> Row[Any]:
    """What was reserved is paid for: the points are spent. `is_paid`: the caller can say so of money.

    Raises UnknownRedemption, RedemptionNotThere (also once its time is over), PaymentNeeded, CouponGone.
    """
    row = await _in_state(tx, redemption_id, customer_id, "redeemed")
    if row.until <= now:
        raise RedemptionNotThere(state="timed_out", allowed_actions=[])
    if row.money_minor and not is_paid:
        raise PaymentNeeded
    await holds.confirm(tx, row.hold_id, now=now)
    coupon = (await _version_of(tx, row)).coupon if row.kind == "coupon" else None
    code_id, coupon_code = await _give_coupon(tx, customer_id, redemption_id, coupon, now=now)
    state = "fulfilled" if row.kind in AT_ONCE else "redeemed"
    row = await queries.move_on(
        tx, redemption_id, state, at=now, code_id=code_id, coupon_code=coupon_code, order_id=order_id
    )
    await clear_timers(tx, RELEASE, [str(redemption_id)])
    announce(tx, row, at=now, is_paid_now=True)
    return row


async def cancel(
    tx: Transaction, redemption_id: UUID, customer_id: UUID, *, now: datetime, reason: str | None
) -> Row[Any]:
    """Give up what is reserved: points and pieces are free again. Raises UnknownRedemption, RedemptionNotThere."""
    row = await _in_state(tx, redemption_id, customer_id, "cancelled")
    if row.until > now:
        await holds.release(tx, row.hold_id, now=now)
    row = await queries.move_on(tx, redemption_id, "cancelled", at=now, reason=reason)
    await queries.put_back(tx, _pieces([row]))
    await clear_timers(tx, RELEASE, [str(redemption_id)])
    announce(tx, row, at=now)
    return row


async def move_on(
    tx: Transaction, redemption_id: UUID, customer_id: UUID, to: State, *, now: datetime, reference: str | None
) -> Row[Any]:
    """It was sent, or the customer has it. Raises UnknownRedemption, RedemptionNotThere."""
    await _in_state(tx, redemption_id, customer_id, to)
    row = await queries.move_on(tx, redemption_id, to, at=now, reference=reference)
    announce(tx, row, at=now)
    return row


async def refund(
    tx: Transaction, redemption_id: UUID, customer_id: UUID, *, now: datetime, by: str, reason: str, restock: bool
) -> Row[Any]:
    """Give the points back as new ones, and the pieces to the shelf if they can be had again (`restock`).

    A coupon that was given is withdrawn. Raises UnknownRedemption, RedemptionNotThere, CouponUsed.
    """
    row = await _in_state(tx, redemption_id, customer_id, "refunded")
    if row.code_id is not None and not await coupons.take_away(tx, row.code_id, at=now):
        raise CouponUsed
    cause = Cause(redemption_id, "refund", str(redemption_id))
    rule = f"{row.reward}@{row.version}"
    await ledger.give(tx, [Gift(customer_id, row.account_type, row.points, now, REFUND, rule, cause)], now=now)
    row = await queries.move_on(tx, redemption_id, "refunded", at=now, reason=reason)
    await audit.record(tx, at=now, actor=by, action="reward.refunded", subject=f"redemption/{redemption_id}")
    if restock:
        await queries.put_back(tx, _pieces([row]))
    announce(tx, row, at=now)
    return row


async def time_out(tx: Transaction, due: Mapping[UUID, datetime], *, now: datetime) -> None:
    """End reservations whose time is over; by id the instant their timer was due. Their holds end by themselves."""
    over = [
        row for row in await queries.by_id(tx, due) if row.state == "reserved" and row.until <= max(now, due[row.id])
    ]
    if over:
        await queries.time_out(tx, [row.id for row in over])
        await queries.put_back(tx, _pieces(over))
        for row in await queries.by_id(tx, [row.id for row in over]):
            announce(tx, row, at=row.until)


def _pieces(rows: Iterable[Row[Any]]) -> Mapping[str, int]:
    pieces: Counter[str] = Counter()
    for row in rows:
        if row.is_from_shelf:
            pieces[row.reward] += row.quantity
    return pieces


async def _version_of(tx: Transaction, row: Row[Any]) -> Reward:
    """The version that was reserved, whatever is published since."""
    found = (await versions(tx, REWARDS))[row.reward]
    return next(one.value for one in found if one.ref.version == row.version)


async def _in_state(tx: Transaction, redemption_id: UUID, customer_id: UUID, to: State) -> Row[Any]:
    """The redemption, locked, if it may go to `to` from where it is."""
    await queries.lock(tx, [redemption_id])
    row = await of(tx, redemption_id, customer_id)
    if not may(row.state, to):
        raise RedemptionNotThere(state=row.state, allowed_actions=list(allowed_actions(row.state)))
    return row


async def of(tx: Transaction, redemption_id: UUID, customer_id: UUID) -> Row[Any]:
    """One redemption of this customer. Raises UnknownRedemption."""
    rows: Sequence[Row[Any]] = await queries.by_id(tx, [redemption_id])
    if not rows or rows[0].customer_id != customer_id:
        raise UnknownRedemption
    return rows[0]
