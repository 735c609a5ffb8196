"""Having rewards for points, one member or many at once: points and pieces go together, or neither does.

Points are taken first, then pieces, in the order of the wishes, and only then is anything stored: who finds the shelf
empty has his points as if he had never asked. Many wait for the shelf's row; all who are here together wait once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.accounts.types import ACCOUNT_TYPES, AccountTypes
from loyalty_svc.coupons import usecases as coupons
from loyalty_svc.coupons.announcing import Issued
from loyalty_svc.coupons.announcing import Wish as CouponWish
from loyalty_svc.discounts import usecases as discounts
from loyalty_svc.holds import usecases as holds
from loyalty_svc.ledger import debits, spending
from loyalty_svc.ledger.debits import Debit, Debited
from loyalty_svc.ledger.giving import basis_of
from loyalty_svc.ledger.posting import AccountKey, Cause, Kind, Posting
from loyalty_svc.ledger.tables import GROWTH
from loyalty_svc.rewards import queries
from loyalty_svc.rewards.announcing import announce
from loyalty_svc.rewards.document import REWARDS
from loyalty_svc.rewards.problems import (
    CouponGone,
    OneCouponAtATime,
    PaymentNeeded,
    RewardNotAvailable,
    UnknownReward,
)
from loyalty_svc.rewards.queries import NewRedemption
from loyalty_svc.rewards.reward import AT_ONCE, Member, Reward, hand_out, refusals
from loyalty_svc.rewards.tables import RELEASE
from loyalty_svc.rewards.wording import ONE_COUPON, told
from loyalty_svc.tiers import usecases as tiers
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, valid_at, versions_of_two
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, Problem
from moat.kit.timers import set_timers

REASON: Final = "reward.redeemed"


class Wish(NamedTuple):
    """So many pieces of a reward for one customer."""

    customer_id: UUID
    reward: str
    quantity: int


@dataclass(slots=True)
class Deal:
    """A wish for a reward that there is; `refusal` once something speaks against it. `id` becomes the redemption's."""

    id: UUID
    wish: Wish
    reward: Reward
    refusal: Problem | None = None

    @property
    def account(self) -> AccountKey:
        """What pays."""
        return self.wish.customer_id, self.reward.account_type

    @property
    def points(self) -> int:
        """The price of all pieces."""
        return self.reward.points * self.wish.quantity

    @property
    def cause(self) -> Cause:
        """Why points are spent."""
        return Cause(self.id, "", str(self.id))

    def paid(self, now: datetime) -> Posting:
        """The points that were spent."""
        basis = basis_of(Kind.SPENT, REASON, self.reward.account_type, f"{self.reward.code}@{self.reward.version}")
        return Posting(self.wish.customer_id, basis, now, self.cause, (-self.points,))


async def redeem(tx: Transaction, wishes: Sequence[Wish], *, now: datetime) -> list[Row[Any] | Problem]:
    """Spend the points and have the rewards at once: for each wish its redemption, or why it was refused.

    One wish for each customer; they are locked. Refusals: UnknownReward, OneCouponAtATime, RewardNotAvailable,
    PaymentNeeded, InsufficientPoints, CouponGone. The number of statements does not depend on the number of wishes.
    """
    rewards, versions = await versions_of_two(tx, REWARDS, ACCOUNT_TYPES)
    types = AccountTypes(versions)
    deals = [_deal(wish, valid_at(rewards.get(wish.reward, ()), now)) for wish in wishes]
    known = [deal for deal in deals if isinstance(deal, Deal)]
    for deal in known:
        if deal.reward.money is not None:
            deal.refusal = PaymentNeeded()
    await _judge(tx, known, types, now=now)
    await _pay(tx, _standing(known), types, now=now)
    rows = await _keep(tx, _standing(known), now=now)
    return [deal if isinstance(deal, Problem) else deal.refusal or rows[deal.id] for deal in deals]


async def reserve(tx: Transaction, wish: Wish, *, until: datetime, now: datetime) -> Row[Any]:
    """Put points and pieces aside until an instant. The customer is locked.

    Raises UnknownReward, OneCouponAtATime, RewardNotAvailable, InsufficientPoints.
    """
    rewards, versions = await versions_of_two(tx, REWARDS, ACCOUNT_TYPES)
    types = AccountTypes(versions)
    deal = _deal(wish, valid_at(rewards.get(wish.reward, ()), now))
    if isinstance(deal, Problem):
        raise deal
    await _judge(tx, [deal], types, now=now)
    _must_stand(deal)
    held = await holds.hold(tx, *deal.account, deal.points, until=until, cause=deal.cause, reason=REASON, now=now)
    await _take_pieces(tx, [deal], types, now=now)
    _must_stand(deal)
    new = NewRedemption(deal.id, wish.customer_id, deal.reward, wish.quantity, now, "reserved", held.id, until)
    (row,) = await queries.add(tx, [new])
    await set_timers(tx, RELEASE, [(str(deal.id), until, {})])
    announce(tx, row, at=now)
    return row


def _deal(wish: Wish, found: Published[Reward] | None) -> Deal | Problem:
    if found is None:
        return UnknownReward()
    # A redemption keeps one code, so more pieces would be paid for and not given.
    if found.value.coupon is not None and wish.quantity > 1:
        return OneCouponAtATime(errors=[FieldError("/quantity", "must be 1 for a coupon")], texts=ONE_COUPON)
    return Deal(uuid7(), wish, found.value)


def _standing(deals: Sequence[Deal]) -> list[Deal]:
    return [deal for deal in deals if deal.refusal is None]


def _must_stand(deal: Deal) -> None:
    if deal.refusal is not None:
        raise deal.refusal


async def _judge(tx: Transaction, deals: Sequence[Deal], types: AccountTypes, *, now: datetime) -> None:
    """Refuse what is not to be had. Points and the shelf are not looked at: they decide when they are taken."""
    limited = [(deal, deal.reward.per_customer) for deal in deals if deal.reward.per_customer is not None]
    had: Mapping[tuple[UUID, str], int] = {}
    if limited:
        await queries.lock_limits(tx, [deal.wish.customer_id for deal, _ in limited])
        had = await queries.had(
            tx, [(deal.wish.customer_id, deal.reward.code, limit.since(now)) for deal, limit in limited]
        )
    asking = [deal for deal in deals if deal.reward.asks_about_members]
    asks_share = any(deal.reward.asks_about_discounts for deal in asking)
    ids = [deal.wish.customer_id for deal in asking]
    members = await members_of(tx, ids, asks_share=asks_share, now=now) if asking else {}
    gone = await coupons.not_given(tx, {deal.reward.coupon for deal in deals if deal.reward.coupon}, at=now)
    for deal in deals:
        who, pieces, reward = deal.wish.customer_id, deal.wish.quantity, deal.reward
        member = members[who] if reward.asks_about_members else None
        against = refusals(reward, member, quantity=pieces, taken=0, had=had.get((who, reward.code), 0), now=now)
        if against:
            deal.refusal = deal.refusal or RewardNotAvailable(reasons=told(against, types.units(now)))
        elif reward.coupon in gone:
            deal.refusal = deal.refusal or CouponGone(coupon=reward.coupon)


async def members_of(tx: Transaction, ids: Collection[UUID], *, asks_share: bool, now: datetime) -> dict[UUID, Member]:
    """These customers as rewards ask about them."""
    shares = await discounts.shares(tx, [(id_, now) for id_ in ids]) if asks_share else {}
    found: dict[UUID, Member] = {}
    for id_, membership in (await tiers.memberships(tx, ids)).items():
        standing, accounts = membership.standing, membership.accounts
        found[id_] = Member(
            tier=membership.tier_at(now),
            growth=accounts[GROWTH].available if GROWTH in accounts else 0,
            points={type_: balance.available for type_, balance in accounts.items()},
            enrolled_at=standing.enrolled_at if standing else None,
            discount_share=shares.get((id_, now)),
            tier_names=membership.plan.tier_names,
        )
    return found


async def _pay(tx: Transaction, deals: Sequence[Deal], types: AccountTypes, *, now: datetime) -> None:
    """Take points, then pieces; store what was paid where both were there, and undo the rest."""
    for deal in deals:
        types.must_be_spendable(deal.reward.account_type)
    if not deals:
        return
    taken: dict[UUID, tuple[Debit, Debited]] = {}
    asked = {deal.account: (deal, Debit(deal.account, deal.points, spent=deal.points)) for deal in deals}
    for key, outcome in (await spending.take(tx, [debit for _, debit in asked.values()], types, now=now)).items():
        deal, debit = asked[key]
        if isinstance(outcome, Problem):
            deal.refusal = outcome
        else:
            taken[deal.id] = debit, outcome
    await _take_pieces(tx, _standing(deals), types, now=now)
    await debits.undo(tx, [taken[deal.id] for deal in deals if deal.refusal is not None and deal.id in taken])
    paid = _standing(deals)
    if paid:
        left = {deal.account: (taken[deal.id][1].held, taken[deal.id][1].balance) for deal in paid}
        await spending.book(tx, [deal.paid(now) for deal in paid], types, left, now=now)


async def _take_pieces(tx: Transaction, deals: Sequence[Deal], types: AccountTypes, *, now: datetime) -> None:
    """Take pieces of what has a stock; each reward is locked once, and its pieces go to those who came first."""
    wanted: dict[str, list[Deal]] = {}
    for deal in deals:
        if deal.reward.stock is not None:
            wanted.setdefault(deal.reward.code, []).append(deal)
    if not wanted:
        return
    gone = await queries.lock_shelf(tx, list(wanted))
    for code, own in wanted.items():
        left = (own[0].reward.stock or 0) - gone[code]
        for deal, refusal in zip(own, hand_out(left, [deal.wish.quantity for deal in own]), strict=True):
            if refusal is not None:
                deal.refusal = RewardNotAvailable(reasons=told([refusal], types.units(now)))
    pieces = {code: sum(deal.wish.quantity for deal in _standing(own)) for code, own in wanted.items()}
    await queries.take(tx, {code: number for code, number in pieces.items() if number})


async def _keep(tx: Transaction, deals: Sequence[Deal], *, now: datetime) -> dict[UUID, Row[Any]]:
    """Store and announce what was redeemed, with the coupons that some rewards are."""
    if not deals:
        return {}
    asked = {deal.id: (deal.wish.customer_id, deal.reward.coupon) for deal in deals if deal.reward.coupon}
    given = await give_coupons(tx, asked, now=now)
    new: list[NewRedemption] = []
    for deal in deals:
        state = "fulfilled" if deal.reward.kind in AT_ONCE else "redeemed"
        coupon = given.get(deal.id)
        code = (coupon.code_id, coupon.code) if coupon else (None, None)
        wish = deal.wish
        new.append(NewRedemption(deal.id, wish.customer_id, deal.reward, wish.quantity, now, state, None, None, *code))
    rows = await queries.add(tx, new)
    for row in rows:
        announce(tx, row, at=now, is_paid_now=True)
    return {row.id: row for row in rows}


async def give_coupons(tx: Transaction, asked: Mapping[UUID, tuple[UUID, str]], *, now: datetime) -> dict[UUID, Issued]:
    """The coupons that rewards are; asked: by redemption the customer and the coupon. Raises CouponGone."""
    wishes = [CouponWish(who, coupon, f"reward {id_}", now) for id_, (who, coupon) in asked.items()]
    given: dict[UUID, Issued] = {}
    for id_, wish, issued in zip(asked, wishes, await coupons.issue(tx, wishes, at=now) if wishes else [], strict=True):
        if not isinstance(issued, Issued):
            raise CouponGone(coupon=wish.coupon)
        given[id_] = issued
    return given
