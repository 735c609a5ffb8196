"""What the other services are told of places at events of clubs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from moat.contracts.clubs import (
    ClubPlaceBooked,
    ClubPlaceCancelled,
    ClubPlaceChanged,
    ClubPlaceMovedUp,
    ClubPlaceWaiting,
)
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event


def taken(tx: Transaction, event: Any, place: Any) -> None:
    """Somebody has a place, or waits for one. Rows of `club_event` and `club_place`."""
    what = _what(event, place)
    data: ClubPlaceBooked | ClubPlaceWaiting
    data = ClubPlaceBooked(**what) if place.state == "booked" else ClubPlaceWaiting(**what, position=place.position)
    tx.publish(data, about=place.customer_id, time=place.made_at)


def moved_up(tx: Transaction, event: Any, places: Iterable[Any]) -> None:
    """They waited longest, and have a place now."""
    for place in places:
        tx.publish(ClubPlaceMovedUp(**_what(event, place)), about=place.customer_id, time=place.booked_at)


def changed(tx: Transaction, event: Any, places: Iterable[Any], *, at: datetime) -> None:
    """When or where it is has changed."""
    for place in places:
        tx.publish(ClubPlaceChanged(**_what(event, place)), about=place.customer_id, time=at)


def given_up(tx: Transaction, event: Any, places: Iterable[Any], *, cause: Event[Any] | None = None) -> None:
    """These places are no more; rows with `was_waiting`. Where a merge is the cause, its survivor is told."""
    for place in places:
        data = ClubPlaceCancelled(**_what(event, place), reason=place.reason, was_waiting=place.was_waiting)
        tx.publish(data, about=cause.about if cause else place.customer_id, time=place.cancelled_at, cause=cause)


def _what(event: Any, place: Any) -> dict[str, Any]:
    return {"club": event.club, "event_id": event.id, "place_id": place.id, "starts_at": event.starts_at}
