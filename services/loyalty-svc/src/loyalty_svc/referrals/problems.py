"""What referrals refuse."""

from moat.kit.problems import Conflict, NotFound


class NoProgramme(Conflict):
    """No programme is published at the moment."""

    code, title = "referrals.closed", "There is no referral programme at the moment"


class UnknownCode(NotFound):
    """Nobody has this code."""

    code, title = "referrals.unknown-code", "Nobody has this referral code"
