"""Refusals of club events, named after the broken rule; `texts` says it in zh-CN and en."""

from moat.kit.problems import Conflict, NotFound


class UnknownClubEvent(NotFound):
    """No event has this id, or this member may not know of it."""

    code, title = "club-events.unknown", "There is no such event"


class EventOver(Conflict):
    """It has begun or was cancelled: nothing changes any more. `reason` and `texts` say which."""

    code, title = "club-events.over", "The event has begun or was cancelled"


class NoPlace(Conflict):
    """It cannot be booked now, or not by him; `reason` and `texts` say why."""

    code, title = "club-events.not-bookable", "This event cannot be booked"


class PlaceTaken(Conflict):
    """He has a place, or waits for one."""

    code, title = "club-events.already-booked", "There is a booking of this customer already"


class NotBooked(NotFound):
    """He has no place and waits for none."""

    code, title = "club-events.not-booked", "The customer has no place at this event"


class FewerThanTaken(Conflict):
    """So many places are booked already, `taken`; cancel some first."""

    code, title = "club-events.fewer-than-taken", "More places than that are booked already"
