"""Events of clubs over HTTP, in the reader's language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from loyalty_svc.club_events.booking import PLACES_MAX, Reason, State, Times, against_booking, against_changes
from loyalty_svc.club_events.queries import Wording
from loyalty_svc.club_events.wording import sentence
from moat.kit.documents.model import Names
from moat.kit.instants import Instant

Short = Annotated[str, Field(min_length=1, max_length=200)]
_TASTING: dict[str, Any] = {
    "names": {"zh-CN": "春茶品鉴", "en": "Tasting the spring teas"},
    "place": {"zh-CN": "上海旗舰店二楼", "en": "Shanghai flagship shop, upstairs"},
    "starts_at": "2027-04-10T06:00:00Z",
    "ends_at": "2027-04-10T08:00:00Z",
    "closes_at": "2027-04-09T16:00:00Z",
    "places": 20,
}


class EventChangeIn(BaseModel):
    """An event as it will be. It can be booked from `opens_at` (null: at once) to `closes_at` (null: its start)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_TASTING]})

    names: Names
    about: Names | None = None
    place: Names
    starts_at: Instant
    ends_at: Instant
    opens_at: Instant | None = None
    closes_at: Instant | None = None
    places: Annotated[int, Field(ge=1, le=PLACES_MAX, strict=True)]

    def wording(self) -> Wording:
        """Its texts."""
        return Wording(_texts(self.names), _texts(self.about) if self.about else None, _texts(self.place))

    def times(self) -> Times:
        """When it is and when it can be booked."""
        return Times(self.starts_at, self.ends_at, self.opens_at, self.closes_at)


class EventIn(EventChangeIn):
    """A new event of a club."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"club": "reading-circle", **_TASTING}]})

    club: Annotated[str, Field(min_length=1, max_length=64, examples=["reading-circle"])]


class EventCancelIn(BaseModel):
    """Why it will not be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "the speaker is ill"}]})

    reason: Short


class NothingIn(BaseModel):
    """Nothing to say."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})


class EventOut(BaseModel):
    """An event as staff see it; `taken` of `places`, and how many wait."""

    id: UUID
    club: str
    names: dict[str, str]
    about: dict[str, str] | None
    place: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime | None
    closes_at: datetime | None
    places: int
    taken: int
    waiting: int
    revision: int
    cancelled_at: datetime | None
    reason: str | None
    allowed_actions: list[Literal["change", "cancel"]]

    @classmethod
    def of(cls, row: Any, now: datetime) -> Self:
        """From a row of `club_event`."""
        actions = ["change", "cancel"] if against_changes(row, now) is None else []
        return cls.model_validate({**row._mapping, "allowed_actions": actions})


class PlaceOut(BaseModel):
    """A place at an event; `position` is that on the waiting list, from 1, while he waits."""

    id: UUID
    event_id: UUID
    customer_id: UUID
    state: State
    position: int | None
    made_at: datetime
    booked_at: datetime | None
    cancelled_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row of `club_place`, with its position where it may have one."""
        return cls.model_validate({"position": None, **row._mapping})


class MyPlaceOut(BaseModel):
    """The member's own place at an event."""

    id: UUID
    state: State
    position: int | None


class WhyNotOut(BaseModel):
    """Why it cannot be booked: a stable code and a sentence in the reader's language."""

    code: Reason
    text: str


class EventAheadOut(BaseModel):
    """An event as a member sees it: how many places are left, his own, and why he cannot book, if he cannot."""

    id: UUID
    club: str
    name: str
    about: str | None
    place: str
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime | None
    closes_at: datetime | None
    left: int
    waiting: int
    mine: MyPlaceOut | None
    why_not: WhyNotOut | None
    allowed_actions: list[Literal["book", "cancel"]]

    @classmethod
    def of(cls, row: Any, *, is_member: bool, now: datetime, language: str) -> Self:
        """From a row of `queries.ahead`."""
        reason = against_booking(row, is_member=is_member, now=now)
        mine = None
        if row.place_id is not None:
            mine = MyPlaceOut(id=row.place_id, state=row.place_state, position=row.position)
        may_book = mine is None and reason is None
        may_cancel = mine is not None and against_changes(row, now) is None
        return cls(
            id=row.id,
            club=row.club,
            name=row.names[language],
            about=row.about[language] if row.about else None,
            place=row.place[language],
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            opens_at=row.opens_at,
            closes_at=row.closes_at,
            left=row.places - row.taken if row.cancelled_at is None else 0,
            waiting=row.waiting,
            mine=mine,
            why_not=WhyNotOut(code=reason, text=sentence(reason, row, language)) if reason and not mine else None,
            allowed_actions=(["book"] if may_book else []) + (["cancel"] if may_cancel else []),
        )


def _texts(names: Names) -> Mapping[str, str]:
    return {str(language): text for language, text in names.items()}
