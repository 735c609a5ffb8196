"""When two customers may be one, and who of them stays. Pure: values in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from customer_svc.identity.normalising import Slot


@dataclass(slots=True, eq=False)
class Person:
    """A customer while a batch is matched; `into` is set once he has become somebody else.

    `strong` must be complete for everybody who may be extended by a strong identifier or joined with another.
    """

    id: UUID
    created_at: datetime
    is_new: bool = False
    strong: dict[Slot, str] = field(default_factory=dict)
    into: "Person | None" = None
    apart: set[UUID] = field(default_factory=set)
    """From whom staff have parted him; complete where `strong` is."""
    joined: set[UUID] = field(default_factory=set)
    """Who became him in this batch."""

    @property
    def seniority(self) -> tuple[datetime, UUID]:
        """Smaller is older. Ids grow with time, so those of one instant are in the order they were made."""
        return self.created_at, self.id


def survivor_of(person: Person) -> Person:
    """Who this customer has become; himself if nobody else."""
    while person.into is not None:
        person = person.into
    return person


def fits(strong: Mapping[Slot, str], others: Mapping[Slot, str]) -> bool:
    """Whether no system would have two strong values if these were one customer's."""
    return all(others.get(slot, value) == value for slot, value in strong.items())


def are_kept_apart(a: Person, b: Person) -> bool:
    """Whether staff have parted these two, or customers who became them: no fact joins them again."""
    return not a.apart.isdisjoint({b.id, *b.joined}) or not b.apart.isdisjoint({a.id, *a.joined})


def join(a: Person, b: Person) -> tuple[Person, Person]:
    """Make one of two who fit; returns (who stays, who is no more). The older stays."""
    stays, goes = (a, b) if a.seniority < b.seniority else (b, a)
    goes.into = stays
    stays.strong.update(goes.strong)
    stays.apart |= goes.apart
    stays.joined |= {goes.id, *goes.joined}
    return stays, goes
