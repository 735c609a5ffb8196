"""The heart of splits: two files and two sets of consents, of what was kept at the merge and what came since. Pure.

He who parts gets what he had. With him who stays a field, or a consent, that came from the other by the merge goes back
to what it was before; what was written since stays with him.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from customer_svc.profiles.folding import FIELDS, File

_LISTS = frozenset({"emails", "phones"})


@dataclass(frozen=True, slots=True)
class Before:
    """What a merge kept: the file and consents of who was merged away, and those of the survivor (None: not kept).

    profile: his row, with instants as ISO 8601. identifiers: `{system, kind, value}` each.
    """

    profile: Mapping[str, Any]
    identifiers: Sequence[Mapping[str, str]]
    consents: Sequence[Mapping[str, Any]]
    orders: Sequence[UUID]
    survivor: Mapping[str, Any] | None

    @classmethod
    def of(cls, image: Mapping[str, Any]) -> "Before":
        return cls(
            image["profile"] or {},
            image["identifiers"],
            image["consents"],
            [UUID(uid) for uid in image["orders"]],
            image.get("survivor"),
        )


class Figures(NamedTuple):
    """What a customer's paid orders sum to; `spent` is minor units by currency, less refunds."""

    orders_count: int = 0
    spent: Mapping[str, int] = {}
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None


NO_ORDERS = Figures()


def parted_file(customer_id: UUID, before: Before, figures: Figures, seen_at: datetime) -> File:
    """The file of who parts, as it was; seen_at: when he was seen first, where that was not kept."""
    row = before.profile
    fields = {name: _value(name, row.get(name)) for name in FIELDS}
    first_seen = row.get("first_seen_at")
    file = File(
        customer_id,
        fields=fields,
        stamps=dict(row.get("stamps") or {}),
        owner_id=row.get("owner_id"),
        first_seen_at=datetime.fromisoformat(first_seen) if first_seen else seen_at,
        is_new=True,
        fields_changed=True,
        days_changed=True,
        version_steps=int(row.get("version") or 0) + 1,
    )
    _set_figures(file, figures)
    return file


def restore(file: File, before: Before, figures: Figures) -> tuple[str, ...]:
    """Undo in the survivor's file what the merge wrote; the names of the fields that are another now."""
    restored = []
    if (image := before.survivor) is not None:
        his = before.profile.get("stamps") or {}
        for name, stamp in his.items():
            if file.stamps.get(name) == stamp and image["stamps"].get(name) != stamp:
                restored += _go_back(file, name, image)
        if file.owner_id == before.profile.get("owner_id"):
            file.owner_id = image["owner_id"]
        seen, his_seen = image["first_seen_at"], before.profile.get("first_seen_at")
        if seen and his_seen and file.first_seen_at == datetime.fromisoformat(his_seen):
            file.first_seen_at = datetime.fromisoformat(seen)
    file.fields_changed = file.days_changed = True
    file.version_steps += 1
    _set_figures(file, figures)
    return tuple(restored)


def _go_back(file: File, name: str, image: Mapping[str, Any]) -> list[str]:
    was, value = file.fields.get(name), _value(name, image["fields"].get(name))
    file.fields[name] = value
    if name in image["stamps"]:
        file.stamps[name] = image["stamps"][name]
    else:
        del file.stamps[name]
    return [name] if (was or None) != (value or None) else []


def _value(name: str, value: Any) -> Any:
    return tuple(value or ()) if name in _LISTS else value


def _set_figures(file: File, figures: Figures) -> None:
    file.orders_count, file.spent = figures.orders_count, dict(figures.spent)
    file.first_order_at, file.last_order_at = figures.first_order_at, figures.last_order_at
    file.figures_changed = True


class Consents(NamedTuple):
    """What happens to the survivor's consents: rows to write, and (purpose, channel) to drop."""

    written: Sequence[Mapping[str, Any]]
    dropped: Sequence[tuple[str, str]]


def restored_consents(before: Before, now: Sequence[Mapping[str, Any]]) -> Consents:
    """What the survivor has said himself; `now` are his rows as they stand, with `at` as an instant."""
    if before.survivor is None:
        return Consents((), ())
    own = {(row["purpose"], row["channel"]): row for row in before.survivor["consents"]}
    current = {(row["purpose"], row["channel"]): row for row in now}
    written: list[Mapping[str, Any]] = []
    dropped: list[tuple[str, str]] = []
    for his in before.consents:
        key = his["purpose"], his["channel"]
        row = current.get(key)
        came = row is not None and (row["status"], row["at"]) == (his["status"], datetime.fromisoformat(his["at"]))
        if came and key in own:
            written.append(own[key])
        elif came:
            dropped.append(key)
    return Consents(written, dropped)
