"""Builders of events as consumers see them."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from moat.kit.events import Event, EventData
from moat.kit.ids import uuid7

TODAY: Final = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
"""The instant at which the `clock` fixture stands."""


def an_event(
    data: EventData,
    *,
    about: UUID | None = None,
    time: datetime | None = None,
    id: str | None = None,
    key: str | None = None,
    source: str = "/test",
    **attributes: Any,
) -> Event[Any]:
    """An event that carries `data`, about a customer of its own unless told, that happened at `TODAY` unless told.

    On intake nobody is known yet: an event of a raw fact has no subject unless `about` is given. Further attributes
    of `Event` (`sequence`, `causation_id`, …) are taken as they are.
    """
    if about is None and data.TOPIC != "moat.intake":
        about = uuid7()
    return Event(
        id=id or str(uuid7()),
        source=source,
        type=data.TYPE,
        time=time or TODAY,
        data=data,
        key=key or str(about or ""),
        subject_id=about,
        topic=data.TOPIC,
        recorded_at=attributes.pop("recorded_at", time or TODAY),
        **attributes,
    )
