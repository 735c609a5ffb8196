"""A raw fact while its batch is taken. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from customer_svc.identity.normalising import Identifier, identifier_of
from moat.kit.problems import FieldError, Invalid

FUTURE_MAX: Final = timedelta(minutes=5)
"""How far ahead a sender's clock may be."""


class TimeInFuture(Invalid):
    """A fact that has not happened yet."""

    code, title = "events.time_in_future", "The time of this fact lies ahead"


@dataclass(slots=True)
class Fact:
    """What every fact has. `at` is when it counts as having happened; `customer_id` is known after the matching."""

    source: str
    event_id: str
    type: str
    at: datetime
    stamp: str
    identifiers: Sequence[Identifier]
    order_uid: UUID | None = None
    customer_id: UUID | None = None
    data: str | None = None
    origin_id: UUID | None = None
    """Whose the identifier was by which its customer was found, where a merge has moved it."""


def counted_at(time: datetime, now: datetime) -> datetime:
    """When a fact counts as having happened: a little ahead is now, any past is fine. Raises TimeInFuture."""
    if time <= now:
        return time
    if time - now > FUTURE_MAX:
        raise TimeInFuture(errors=[FieldError("/time", "lies more than five minutes ahead")])
    return now


def identifiers_of(named: Sequence[tuple[str, str, str]]) -> tuple[Identifier, ...]:
    """The identifiers that name somebody, each once, in the order given: (system, kind, value)."""
    if len(named) == 1:
        only = identifier_of(*named[0])
        return () if only is None else (only,)
    found = (identifier_of(*one) for one in named)
    return tuple(dict.fromkeys(identifier for identifier in found if identifier is not None))


def origin_of(identifiers: Sequence[Identifier], origins: Mapping[Identifier, UUID | None]) -> UUID | None:
    """Whose the fact would be without merges: of the first strong identifier that somebody had, else of the first."""
    for identifier in sorted(identifiers, key=lambda one: not one.is_strong):
        if identifier in origins:
            return origins[identifier]
    return None
