"""What the ledger refuses."""

from moat.kit.problems import Conflict, Invalid


class InsufficientPoints(Conflict):
    """Less is available than was asked for; facts: `account_type`, `available`, `requested`."""

    code, title = "points.insufficient", "There are not enough points"


class UnknownAccountType(Invalid):
    """No account type of this code is published."""

    code, title = "points.unknown-account-type", "There is no such account type"


class NotSpendable(Invalid):
    """Accounts of this type count; they cannot be spent."""

    code, title = "points.not-spendable", "This kind of points cannot be spent"
