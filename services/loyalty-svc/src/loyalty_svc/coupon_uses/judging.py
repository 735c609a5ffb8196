"""The heart of validation: whether codes may be used for a basket, together, by this customer; if not, every reason.

Nothing here is final: between the look and the use somebody else may be quicker. The conditional updates of the store
decide; this says what they would say, in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from loyalty_svc.coupons.basket import Basket
from loyalty_svc.coupons.coupon import Coupon, Worth
from moat.rules import Decided


class Reason(StrEnum):
    """Why a code cannot be used."""

    UNKNOWN = "unknown"
    NOT_YOURS = "not_yours"
    WITHDRAWN = "withdrawn"
    NOT_BEGUN = "not_begun"
    EXPIRED = "expired"
    USED_UP = "used_up"
    CUSTOMER_LIMIT = "customer_limit"
    POOL_LIMIT = "pool_limit"
    CURRENCY = "currency"
    CONDITION = "condition"
    WORTH_NOTHING = "worth_nothing"
    STACKING = "stacking"


class Refusal(NamedTuple):
    """One reason with the facts that its sentence needs."""

    reason: Reason
    facts: Mapping[str, Any] = {}


class Held(NamedTuple):
    """A code as the store has it, with what it and its owner have used; limits are in the coupon's version."""

    id: UUID
    code: str
    pool_id: UUID
    coupon: str
    version: int
    customer_id: UUID | None
    expires_at: datetime | None
    withdrawn_at: datetime | None
    uses: int
    pool_uses: int
    customer_uses: int


@dataclass(slots=True)
class Judged:
    """One code, judged: what it is worth, or why not."""

    code: str
    held: Held | None = None
    coupon: Coupon | None = None
    worth: Worth | None = None
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def is_usable(self) -> bool:
        """Whether it takes part in the basket."""
        return not self.refusals


def judge(
    codes: Sequence[str], held: Mapping[str, Held], coupons: Mapping[tuple[str, int], Coupon], basket: Basket, who: UUID
) -> list[Judged]:
    """Each code on its own first, then all that pass together; in the order of `codes`."""
    judged = [_alone(code, held.get(code), coupons, basket, who) for code in codes]
    _together(judged, basket)
    return judged


def _alone(
    code: str,
    held: Held | None,
    coupons: Mapping[tuple[str, int], Coupon],
    basket: Basket,
    who: UUID,
) -> Judged:
    if held is None:
        return Judged(code, refusals=[Refusal(Reason.UNKNOWN)])
    coupon = coupons[held.coupon, held.version]
    if held.customer_id not in {None, who}:
        return Judged(code, held, coupon, refusals=[Refusal(Reason.NOT_YOURS)])
    return Judged(
        code, held, coupon, refusals=[*_state_refusals(held, coupon, basket.at), *_basket_refusals(coupon, basket)]
    )


def _state_refusals(held: Held, coupon: Coupon, at: datetime) -> list[Refusal]:
    """What speaks against the code itself, whatever is in the basket."""
    found: list[Refusal] = []
    if held.withdrawn_at is not None:
        found.append(Refusal(Reason.WITHDRAWN))
    if coupon.starts_at is not None and at < coupon.starts_at:
        found.append(Refusal(Reason.NOT_BEGUN, {"starts_at": coupon.starts_at}))
    if held.expires_at is not None and held.expires_at <= at:
        found.append(Refusal(Reason.EXPIRED, {"expires_at": held.expires_at}))
    for reason, used, limit in (
        (Reason.USED_UP, held.uses, coupon.uses_per_code),
        (Reason.CUSTOMER_LIMIT, held.customer_uses, coupon.uses_per_customer),
        (Reason.POOL_LIMIT, held.pool_uses, coupon.uses_per_pool),
    ):
        if limit is not None and used >= limit:
            found.append(Refusal(reason, {"limit": limit}))
    return found


def _basket_refusals(coupon: Coupon, basket: Basket) -> list[Refusal]:
    currency = coupon.benefit.currency
    if currency is not None and currency != basket.currency:
        return [Refusal(Reason.CURRENCY, {"expected": currency, "currency": basket.currency})]
    if not coupon.condition.matches(basket.row, now=basket.at):
        because: tuple[Decided, ...] = coupon.condition.explain(basket.row, now=basket.at).because
        facts = {"because": because, "currency": basket.currency, "tiers": basket.tier_names}
        return [Refusal(Reason.CONDITION, facts)]
    return []


def _together(judged: Sequence[Judged], basket: Basket) -> None:
    """Let coupons in by priority, each on what those before it have left of the basket.

    A coupon that stands alone joins nobody and nobody joins it; of one group there is one; the first in wins. Of equal
    priority the first named is first.
    """
    inside: list[Judged] = []
    goods_minor, shipping_minor = basket.total_minor, basket.shipping_minor
    for one in sorted((one for one in judged if one.is_usable), key=_first):
        coupon = _coupon(one)
        rival = next((other for other in inside if not may_join(coupon, _coupon(other))), None)
        if rival is not None:
            one.refusals.append(Refusal(Reason.STACKING, {"other": rival.code, "names": _coupon(rival).names}))
            continue
        if (limit := _overstepped(one, inside)) is not None:
            one.refusals.append(limit)
            continue
        worth = coupon.worth(basket, goods_left_minor=goods_minor, shipping_left_minor=shipping_minor)
        if worth.is_nothing:
            one.refusals.append(Refusal(Reason.WORTH_NOTHING))
            continue
        one.worth = worth
        goods_minor -= worth.goods_minor
        shipping_minor -= worth.shipping_minor
        inside.append(one)


def _overstepped(one: Judged, inside: Sequence[Judged]) -> Refusal | None:
    """The limit that this code would overstep after those of the same basket."""
    coupon, held = _coupon(one), _held(one)
    siblings = sum(_held(other).coupon == held.coupon for other in inside)
    if coupon.uses_per_customer is not None and held.customer_uses + siblings >= coupon.uses_per_customer:
        return Refusal(Reason.CUSTOMER_LIMIT, {"limit": coupon.uses_per_customer})
    neighbours = sum(_held(other).pool_id == held.pool_id for other in inside)
    if coupon.uses_per_pool is not None and held.pool_uses + neighbours >= coupon.uses_per_pool:
        return Refusal(Reason.POOL_LIMIT, {"limit": coupon.uses_per_pool})
    return None


def _first(one: Judged) -> int:
    return -_coupon(one).priority


def _coupon(one: Judged) -> Coupon:
    assert one.coupon is not None
    return one.coupon


def _held(one: Judged) -> Held:
    assert one.held is not None
    return one.held


def may_join(coupon: Coupon, other: Coupon) -> bool:
    """Whether two coupons may be used for one basket."""
    if "alone" in (coupon.stacking, other.stacking):
        return False
    return coupon.group is None or coupon.group != other.group
