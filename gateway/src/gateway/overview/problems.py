"""What the overview refuses."""

from moat.kit.problems import NotFound, Unavailable


class UnknownCustomer(NotFound):
    """No such customer, or none that this caller may know of."""

    code, title = "customers.unknown", "There is no such customer"


class NothingToShow(Unavailable):
    """No service answered."""

    code, title = "overview.unavailable", "No service answers at the moment, try again soon"
