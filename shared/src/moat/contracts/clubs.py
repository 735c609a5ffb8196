"""Clubs: who was invited, who is in one and until when, and places at their events. Part of the topic of `loyalty`."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from moat.contracts.points import LoyaltyFact


class ClubFact(LoyaltyFact):
    """What every event of a club says: the club's code."""

    club: str


class ClubInvitationFact(ClubFact):
    """What every event of an invitation says."""

    invitation_id: UUID


class ClubInvited(ClubInvitationFact):
    """Staff invited the customer; without `until` the invitation stays open."""

    TYPE = "moat.club.invited.v1"
    until: datetime | None = None


class ClubInvitationDeclined(ClubInvitationFact):
    """The customer does not want to join."""

    TYPE = "moat.club.invitation_declined.v1"


class ClubInvitationWithdrawn(ClubInvitationFact):
    """Staff took the invitation back."""

    TYPE = "moat.club.invitation_withdrawn.v1"


class ClubTermFact(ClubFact):
    """What every event says that begins a term or changes its end."""

    rule: str
    """`<code>@<version>` of the club that decided."""
    way: str
    """`invitation`, `value`, `payment` or `staff`."""
    ends_at: datetime | None
    """None: for ever."""


class ClubJoined(ClubTermFact):
    """The customer is a member; `time` is since when."""

    TYPE = "moat.club.joined.v1"


class ClubRenewed(ClubTermFact):
    """A further term, without a gap after the one before."""

    TYPE = "moat.club.renewed.v1"


class ClubRenewalWithdrawn(ClubTermFact):
    """The reason of a renewal fell away (its order was given back): the membership ends earlier again."""

    TYPE = "moat.club.renewal_withdrawn.v1"


class ClubEndingSoon(ClubFact):
    """The term ends unless it is renewed; told once for each end. Benefits go on until `lapses_at`."""

    TYPE = "moat.club.ending_soon.v1"
    ends_at: datetime
    lapses_at: datetime


class ClubLapsed(ClubFact):
    """The term and its days of grace are over."""

    TYPE = "moat.club.lapsed.v1"
    joined_at: datetime


class ClubLeft(ClubFact):
    """The membership ended before its term: `left` by the member, `removed` by staff, `withdrawn` with its reason."""

    TYPE = "moat.club.left.v1"
    reason: str


class ClubPlaceFact(ClubFact):
    """What every event of a place says; `event_id` is the club's event, which begins at `starts_at`."""

    AGGREGATE_ID: ClassVar[str | None] = "place_id"
    place_id: UUID
    event_id: UUID
    starts_at: datetime


class ClubPlaceBooked(ClubPlaceFact):
    """A place at an event is the member's."""

    TYPE = "moat.club.place_booked.v1"


class ClubPlaceWaiting(ClubPlaceFact):
    """All places are taken: the member is on the waiting list, at `position`, from 1."""

    TYPE = "moat.club.place_waiting.v1"
    position: int


class ClubPlaceMovedUp(ClubPlaceFact):
    """A place became free, and it is his who waited longest."""

    TYPE = "moat.club.place_moved_up.v1"


class ClubPlaceChanged(ClubPlaceFact):
    """The event will be at another time or in another place; told to whoever has a place or waits for one."""

    TYPE = "moat.club.place_changed.v1"


class ClubPlaceCancelled(ClubPlaceFact):
    """A place, or one on the waiting list, was given up."""

    TYPE = "moat.club.place_cancelled.v1"
    reason: str
    """`by_member`, `by_staff`, `event_cancelled`; `merged` where two customers turned out to be one."""
    was_waiting: bool


EVENTS = (
    ClubInvited,
    ClubInvitationDeclined,
    ClubInvitationWithdrawn,
    ClubJoined,
    ClubRenewed,
    ClubRenewalWithdrawn,
    ClubEndingSoon,
    ClubLapsed,
    ClubLeft,
    ClubPlaceBooked,
    ClubPlaceWaiting,
    ClubPlaceMovedUp,
    ClubPlaceChanged,
    ClubPlaceCancelled,
)
