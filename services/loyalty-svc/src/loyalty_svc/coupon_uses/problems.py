"""Refusals of uses, named after the broken rule."""

from collections.abc import Sequence

from moat.kit.problems import Conflict, NotFound, Problem


class CodesNotUsable(Conflict):
    """At least one code cannot be used for this basket; `codes` says which and why, in words."""

    code, title = "coupons.not-usable", "Not all of these codes can be used for this basket"

    def __init__(self, wrong: int = 0, *, codes: Sequence[object] = ()) -> None:
        super().__init__(codes=codes)
        self.wrong = wrong
        """How many of them do not exist."""


class UnknownCheckout(NotFound):
    """Nothing was reserved under this id, or not for this customer."""

    code, title = "coupons.unknown-checkout", "There is no such reservation of coupons"


class CheckoutOver(Conflict):
    """The reservation was redeemed, released or rolled back, or its time is over; `state` says which."""

    code, title = "coupons.checkout-over", "This reservation of coupons is over"


class TooManyWrongCodes(Problem):
    """The caller has tried so many codes that do not exist that he seems to guess."""

    status, code, title = 429, "coupons.too-many-wrong-codes", "Too many wrong codes, try again later"
