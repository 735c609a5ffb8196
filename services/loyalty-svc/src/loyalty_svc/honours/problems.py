"""Refusals of honours, named after the broken rule."""

from moat.kit.problems import Conflict, Invalid, NotFound


class UnknownHonour(Invalid):
    """No kind of honour of this code is published; `errors` names the nearest."""

    code, title = "honours.unknown", "There is no such honour"


class HonourHeld(Conflict):
    """He holds this honour already, and an honour is held once at a time; fact: `holding_id`."""

    code, title = "honours.held", "This customer holds this honour already"


class UnknownHolding(NotFound):
    """No honour was given under this id, or not to this customer."""

    code, title = "honours.unknown-holding", "This honour was not given to this customer"


class HonourOver(Conflict):
    """It was taken back, or has lapsed, before."""

    code, title = "honours.over", "This customer does not hold this honour any more"


class NotBarred(Conflict):
    """Nothing keeps the rule from giving it: it was not taken back, or was allowed again before."""

    code, title = "honours.not-barred", "Nothing keeps the rule from giving this honour"
