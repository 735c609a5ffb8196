"""What is refused about adjustments."""

from moat.kit.problems import Conflict, Forbidden, NotFound


class UnknownAdjustment(NotFound):
    """No adjustment has this id."""

    code, title = "points.unknown-adjustment", "There is no such adjustment"


class AdjustmentDecided(Conflict):
    """Somebody has decided already; fact: `adjustment_status`."""

    code, title = "points.adjustment-decided", "Somebody has decided about it already"


class SecondPersonNeeded(Forbidden):
    """Whoever asked for an adjustment does not decide about it."""

    code, title = "points.second-person-needed", "Somebody else has to decide about this adjustment"
