"""What rewards do inside the transaction they are given: what is on offer, and the way of each redemption to its end.

How one begins is in `redeeming`.
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
from loyalty_svc.holds import usecases as holds
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.giving import Gift
from loyalty_svc.ledger.posting import Cause
from loyalty_svc.rewards import queries
from loyalty_svc.rewards.announcing import announce
from loyalty_svc.rewards.document import REWARDS
from loyalty_svc.rewards.problems import CouponUsed, PaymentNeeded, RedemptionNotThere, UnknownRedemption
from loyalty_svc.rewards.redeeming import give_coupons, members_of
from loyalty_svc.rewards.reward import AT_ONCE, Refusal, Reward, State, allowed_actions, may, refusals
from loyalty_svc.rewards.tables import RELEASE
from loyalty_svc.rewards.wording import Units
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.documents import valid_at, versions, versions_of_two
from moat.kit.timers import clear_timers

QUANTITY_MAX: Final = 1_000
RESERVED_FOR: Final = timedelta(minutes=30)
RESERVED_MINUTES_MAX: Final = 7 * 24 * 60
REFUND: Final = "reward.refunded"


class Offer(NamedTuple):
    """A reward as one member sees it."""

    reward: Reward
    left: int | None
    refusals: list[Refusal]
    units: Units


async def offers(tx: Transaction, customer_id: UUID, *, now: datetime) -> list[Offer]:
    """Every published reward, by code, with what speaks against it for this member."""
    known, types = await versions_of_two(tx, REWARDS, ACCOUNT_TYPES)
    judging = [(code, valid_at(known[code], now)) for code in sorted(known)]
    rewards = {code: one.value for code, one in judging if one is not None}
    units = AccountTypes(types).units(now)
    taken = await queries.shelf(tx, list(rewards))
    limits = {code: reward.per_customer for code, reward in rewards.items() if reward.per_customer}
    had = await queries.had(tx, [(customer_id, code, limit.since(now)) for code, limit in limits.items()])
    asks_share = any(reward.asks_about_discounts for reward in rewards.values())
    member = (await members_of(tx, [customer_id], asks_share=asks_share, now=now))[customer_id]
    found: list[Offer] = []
    for code, reward in rewards.items():
        gone = taken.get(code, 0)
        against = refusals(reward, member, quantity=1, taken=gone, had=had.get((customer_id, code), 0), now=now)
        found.append(Offer(reward, None if reward.stock is None else max(reward.stock - gone, 0), against, units))
    return found


async def must_be_payable(tx: Transaction, reward: Reward, *, now: datetime) -> None:
    """What is checked when a reward is published: points of its kind can be spent, and its coupon is given out.

    Raises UnknownAccountType, NotSpendable; Invalid naming the nearest coupons.
    """
    types = await account_types(tx)
    types.must_be_offered(reward.account_type)
    types.must_be_spendable(reward.account_type)
    if reward.coupon is not None:
        await coupons.published_coupon(tx, reward.coupon, at=now, pointer="/document/coupon")


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
    given = await give_coupons(tx, {redemption_id: (customer_id, coupon)} if coupon else {}, now=now)
    code_id, coupon_code = (given[redemption_id].code_id, given[redemption_id].code) if coupon else (None, None)
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
