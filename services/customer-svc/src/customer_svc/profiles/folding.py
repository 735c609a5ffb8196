"""The heart of profiles: last word per field, sums over orders, two files made one. Pure.

Each field keeps the stamp of the fact that wrote it. A fact writes a field if its stamp is greater, so facts may arrive
in any order; stamps sort by `time`, and facts of one instant by source and id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

FIELDS: Final = ("name", "gender", "birthday", "birthday_calendar", "locale", "zone", "emails", "phones")
"""What a customer's file holds and facts may write; `emails` and `phones` are tuples, cleared to empty ones."""
_DAYS: Final = frozenset({"birthday", "birthday_calendar", "zone"})


@dataclass(slots=True)
class File:
    """One customer's file. `fields` holds what is known, `stamps` who said so; `spent` is minor units by currency."""

    customer_id: UUID
    fields: dict[str, Any] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)
    owner_id: str | None = None
    first_seen_at: datetime | None = None
    orders_count: int = 0
    spent: dict[str, int] = field(default_factory=dict)
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    is_new: bool = False
    figures_changed: bool = False
    fields_changed: bool = False
    """A field or its stamp is another one than was loaded."""
    days_changed: bool = False
    """His birthday, its calendar, his zone or since when he is a customer is another than was loaded."""
    version: int = 0
    version_steps: int = 0


def stamp_of(at: datetime, source: str, event_id: str) -> str:
    """A text that sorts as (instant, source, event id) does."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f} {source} {event_id}"


def write(file: File, changes: Mapping[str, Any], stamp: str) -> tuple[str, ...]:
    """Write fields of FIELDS; None (or nothing in a tuple) clears. Returns the names whose value is another now."""
    changed = []
    for name, value in changes.items():
        if stamp <= file.stamps.get(name, ""):
            continue
        file.stamps[name] = stamp
        file.fields_changed = True
        if file.fields.get(name) or value:
            if file.fields.get(name) != value:
                changed.append(name)
            file.fields[name] = value
    file.version_steps += bool(changed)
    file.days_changed |= not _DAYS.isdisjoint(changed)
    return tuple(changed)


def see(file: File, at: datetime) -> None:
    """Something happened to this customer at this instant."""
    if file.first_seen_at is None or at < file.first_seen_at:
        file.first_seen_at = at
        file.figures_changed = file.days_changed = True


def spend(file: File, currency: str, difference_minor: int) -> None:
    """An order of this customer adds this much more, or less, than it did before."""
    file.spent[currency] = file.spent.get(currency, 0) + difference_minor
    file.figures_changed = True


def count_order(file: File, paid_at: datetime) -> None:
    """One more paid order."""
    file.orders_count += 1
    if file.first_order_at is None or paid_at < file.first_order_at:
        file.first_order_at = paid_at
    if file.last_order_at is None or paid_at > file.last_order_at:
        file.last_order_at = paid_at
    file.figures_changed = True


def unite(stays: File, goes: File) -> None:
    """Make one file of two: the last word per field, and the sums of both."""
    for name, stamp in goes.stamps.items():
        if stamp > stays.stamps.get(name, ""):
            stays.stamps[name] = stamp
            stays.fields[name] = goes.fields.get(name)
    stays.owner_id = stays.owner_id or goes.owner_id
    for currency, minor in goes.spent.items():
        spend(stays, currency, minor)
    stays.orders_count += goes.orders_count
    for at in (goes.first_order_at, goes.last_order_at):
        if at is not None:
            stays.first_order_at = min(stays.first_order_at or at, at)
            stays.last_order_at = max(stays.last_order_at or at, at)
    if goes.first_seen_at is not None:
        see(stays, goes.first_seen_at)
    stays.figures_changed = stays.fields_changed = stays.days_changed = True
    stays.version_steps += 1


def image_of(file: File) -> dict[str, Any]:
    """What a merge may overwrite in the file of him who stays, as JSON values but for instants."""
    return {
        "fields": {name: list(value) if isinstance(value, tuple) else value for name, value in file.fields.items()},
        "stamps": dict(file.stamps),
        "owner_id": file.owner_id,
        "first_seen_at": file.first_seen_at.isoformat() if file.first_seen_at else None,
    }
