"""What earning refuses."""

from moat.kit.problems import NotFound


class UnknownOrder(NotFound):
    """Nothing was heard of an order with this id, neither its payment nor a refund."""

    code, title = "orders.unknown", "There is no such order"
