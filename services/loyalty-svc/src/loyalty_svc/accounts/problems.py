"""What is refused about account types."""

from moat.kit.problems import Conflict, Invalid


class UnknownAccountType(Invalid):
    """No account type of this code was published, or new documents can name it no more; fact: `account_type`."""

    code, title = "points.unknown-account-type", "There is no such account type"


class NotSpendable(Invalid):
    """Accounts of this type only count; fact: `account_type`."""

    code, title = "points.not-spendable", "This kind of points cannot be spent"


class SpendableStays(Conflict):
    """Whether a type can be spent is settled by its first version: accounts have lots from the beginning, or never."""

    code, title = "points.spendable-stays", "Whether points can be spent cannot change; make another account type"
