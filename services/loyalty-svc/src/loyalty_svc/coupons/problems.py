"""Refusals of coupons, named after the broken rule."""

from moat.kit.problems import Conflict, NotFound


class UnknownPool(NotFound):
    """No pool has this id."""

    code, title = "coupons.unknown-pool", "There is no such pool of codes"


class UnknownCode(NotFound):
    """No code has this id here, or not for this customer."""

    code, title = "coupons.unknown-code", "There is no such coupon code"


class CodeTaken(Conflict):
    """Another pool has this code already."""

    code, title = "coupons.code-taken", "This code exists already"


class NotImported(Conflict):
    """Codes are added to pools of imported codes only."""

    code, title = "coupons.not-imported", "Codes can only be added to a pool of imported codes"


class PoolEmpty(Conflict):
    """No code of the pool is left to give away."""

    code, title = "coupons.pool-empty", "No code of this pool is left"


class CouponOver(Conflict):
    """Nothing of this coupon could be used any more."""

    code, title = "coupons.over", "This coupon is over"
