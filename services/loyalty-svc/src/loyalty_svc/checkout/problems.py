"""Refusals of checkouts, named after the broken rule."""

from moat.kit.problems import Conflict, NotFound


class UnknownCheckout(NotFound):
    """No checkout has this id."""

    code, title = "checkout.unknown", "There is no such checkout"


class CheckoutClosed(Conflict):
    """It was confirmed or cancelled, or its time is over; `checkout_status` says which."""

    code, title = "checkout.closed", "This checkout is not open any more"


class PointsNotUsable(Conflict):
    """So many points cannot pay for this basket; `reason` and `texts` say why, in both languages."""

    code, title = "checkout.points-not-usable", "These points cannot pay for this basket"


class TermsTaken(Conflict):
    """Other terms say what these points are worth in this currency; `by` names them."""

    code, title = "checkout.terms-taken", "Other terms are published for these points and this currency"
