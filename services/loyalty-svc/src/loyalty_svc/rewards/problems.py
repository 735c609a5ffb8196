"""Refusals of rewards, named after the broken rule."""

from moat.kit.problems import Conflict, Invalid, NotFound


class UnknownReward(NotFound):
    """No reward of this code is published."""

    code, title = "rewards.unknown", "There is no such reward"


class RewardNotAvailable(Conflict):
    """It is not to be had now, or not by this member; `reasons` says why, in words."""

    code, title = "rewards.not-available", "This reward cannot be had"


class OneCouponAtATime(Invalid):
    """Several pieces of a reward that is a coupon: a redemption gives one code. `texts` say so in both languages."""

    code, title = "rewards.one-coupon-at-a-time", "Coupons are redeemed one at a time"


class UnknownRedemption(NotFound):
    """Nothing was redeemed under this id, or not by this customer."""

    code, title = "rewards.unknown-redemption", "There is no such redemption"


class RedemptionNotThere(Conflict):
    """The redemption is in a state from which this does not follow; `state` and `allowed_actions` say more."""

    code, title = "rewards.not-in-state", "The redemption is not in a state that allows this"


class PaymentNeeded(Conflict):
    """The reward costs money beside points: reserve it, and let the shop confirm when it has been paid."""

    code, title = "rewards.payment-needed", "This reward costs money too: reserve it, pay, and the shop confirms"


class CouponUsed(Conflict):
    """The coupon that was given for the points has been used."""

    code, title = "rewards.coupon-used", "The coupon of this redemption has been used"


class CouponGone(Conflict):
    """The coupon that this reward gives is not published any more."""

    code, title = "rewards.coupon-gone", "The coupon of this reward is not given out at the moment"
