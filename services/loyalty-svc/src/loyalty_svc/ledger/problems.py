"""What the ledger refuses."""

from moat.kit.problems import Conflict


class InsufficientPoints(Conflict):
    """Less is available than was asked for; facts: `account_type`, `available`, `requested`."""

    code, title = "points.insufficient", "Less is available than was asked for"
