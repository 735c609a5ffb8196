"""Refusals of tiers, named after the broken rule."""

from moat.kit.problems import Conflict, Invalid, NotFound


class PlanNeeded(Conflict):
    """Everybody stands in a tier, so there always is a plan."""

    code, title = "tiers.plan-needed", "The tier plan cannot be retired; publish another version instead"


class UnknownTier(Invalid):
    """The published plan has no such tier."""

    code, title = "tiers.unknown-tier", "There is no such tier"


class GrantTooShort(Invalid):
    """A tier is granted for some time to come, at most for ten years."""

    code, title = "tiers.wrong-until", "A tier is granted until an instant ahead, at most ten years from now"


class UnknownGrant(NotFound):
    """Nothing was granted under this id, or not to this customer."""

    code, title = "tiers.unknown-grant", "There is no such grant of a tier"


class GrantEnded(Conflict):
    """What was granted has ended already."""

    code, title = "tiers.grant-ended", "This grant has ended already"


class NotJudged(NotFound):
    """Nobody had to be judged anew by this version."""

    code, title = "tiers.not-judged", "Nobody was judged anew by this version of the plan"
