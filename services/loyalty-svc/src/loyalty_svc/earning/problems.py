"""What earning refuses."""

from moat.kit.problems import Conflict, NotFound


class UnknownOrder(NotFound):
    """Nothing was heard of an order with this id, neither its payment nor a refund."""

    code, title = "orders.unknown", "There is no such order"


class OthersOnTop(Conflict):
    """Multipliers of this rule would give nothing without it; fact: `rules`, their codes."""

    code, title = "earning.others-on-top", "Other rules are on top of this one: retire them first"
