"""What is refused about holds."""

from moat.kit.problems import Conflict, NotFound


class UnknownHold(NotFound):
    """No hold has this id, or none of this customer."""

    code, title = "points.unknown-hold", "There is no such hold"


class HoldClosed(Conflict):
    """It was confirmed, released, or its time is over; fact: `hold_status`."""

    code, title = "points.hold-closed", "This hold is not open any more"


class MoreThanHeld(Conflict):
    """More was to be confirmed than is held; facts: `held`, `requested`."""

    code, title = "points.more-than-held", "Less than that is held"
