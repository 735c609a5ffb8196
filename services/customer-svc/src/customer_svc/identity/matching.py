"""The heart of identity: whom each fact of a batch is about, and what that changes. Pure.

A fact extends a customer, creates one, or joins several. Two are joined only if no system then has two strong values,
and staff have not parted them before: what people have parted no fact joins. Otherwise the fact goes to the customer of
its first strong identifier, weak identifiers stay where they are, and a proposal is left for staff. The same facts in
any order and any split into batches give the same customers; with whom a weak identifier is, where several customers
proved by one system claim it, depends on who came first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from customer_svc.identity.merging import Person, are_kept_apart, fits, join, survivor_of
from customer_svc.identity.normalising import Identifier, Slot

Identifiers = Sequence[Identifier]


class Added(NamedTuple):
    """An identifier that nobody had, and who has it now. `fact` is the index of the fact that told."""

    identifier: Identifier
    customer_id: UUID
    fact: int


class Created(NamedTuple):
    """A customer who was not known before."""

    customer_id: UUID
    fact: int


class Merged(NamedTuple):
    """Two known customers who are one: `from_id` is no more."""

    from_id: UUID
    into_id: UUID
    fact: int


class Proposal(NamedTuple):
    """Two customers who share an identifier but are both proven, or were parted by staff, who decide."""

    first_id: UUID
    second_id: UUID
    fact: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome for a batch; all ids are those of survivors. `customers` has one entry a fact, None for nobody."""

    customers: Sequence[UUID | None]
    created: Sequence[Created]
    added: Sequence[Added]
    merged: Sequence[Merged]
    proposals: Sequence[Proposal]


def resolve(
    facts: Sequence[Identifiers],
    owners: Mapping[Identifier, UUID],
    persons: Mapping[UUID, Person],
    *,
    at: datetime,
    new_id: Callable[[], UUID],
) -> Resolution:
    """Decide for every fact, in order.

    facts: normalised identifiers of each, blocked ones left out.  owners: who has which of them now.
    persons: everybody in `owners`; they are changed.  at: when customers created here were created.
    """
    matcher = _Matcher({identifier: persons[id_] for identifier, id_ in owners.items()}, at, new_id)
    placed = [matcher.place(index, identifiers) for index, identifiers in enumerate(facts)]
    return matcher.resolution(placed)


def in_question(facts: Sequence[Identifiers], owners: Mapping[Identifier, UUID]) -> set[UUID]:
    """Whose strong identifiers matter to `resolve`: known customers whom some fact may extend or join."""
    found: set[UUID] = set()
    for identifiers in facts:
        if len(identifiers) > 1:
            named = {owners.get(identifier) for identifier in identifiers}
            if len(named) > 1:
                found.update(id_ for id_ in named if id_ is not None)
    return found


@dataclass(slots=True)
class _Matcher:
    owners: dict[Identifier, Person]
    at: datetime
    new_id: Callable[[], UUID]
    created: list[tuple[Person, int]] = field(default_factory=list)
    added: list[tuple[Identifier, Person, int]] = field(default_factory=list)
    merged: list[tuple[Person, Person, int]] = field(default_factory=list)
    proposals: list[tuple[Person, Person, int]] = field(default_factory=list)

    def place(self, fact: int, identifiers: Identifiers) -> Person | None:
        """Whom this fact is about."""
        if not identifiers:
            return None
        if len(identifiers) == 1 and (owner := self.owners.get(identifiers[0])) is not None:
            return survivor_of(owner)
        # Strong ones first, else in the order given: the first decides where a fact goes that joins nobody.
        ranked = sorted(dict.fromkeys(identifiers), key=lambda identifier: not identifier.is_strong)
        home = self._home(fact, ranked)
        for identifier in ranked:
            home = self._take(fact, home, identifier)
        return home

    def _home(self, fact: int, ranked: Identifiers) -> Person:
        claimed: dict[Slot, str] = {}
        for identifier in ranked:
            if identifier.is_strong:
                claimed.setdefault(identifier.slot, identifier.value)
        first = self.owners.get(ranked[0])
        if first is not None:
            return survivor_of(first)
        for identifier in ranked[1:]:
            owner = self.owners.get(identifier)
            if owner is not None and fits(claimed, survivor_of(owner).strong):
                return survivor_of(owner)
        person = Person(self.new_id(), self.at, is_new=True)
        self.created.append((person, fact))
        return person

    def _take(self, fact: int, home: Person, identifier: Identifier) -> Person:
        """Give `home` this identifier, or the customer who has it, if they fit; returns who `home` is then."""
        owner = self.owners.get(identifier)
        if owner is None:
            if identifier.is_strong and home.strong.setdefault(identifier.slot, identifier.value) != identifier.value:
                return home
            self.owners[identifier] = home
            self.added.append((identifier, home, fact))
            return home
        owner = survivor_of(owner)
        if owner is home:
            return home
        if not fits(home.strong, owner.strong) or are_kept_apart(home, owner):
            self.proposals.append((home, owner, fact))
            return home
        stays, goes = join(home, owner)
        self.merged.append((goes, stays, fact))
        return stays

    def resolution(self, placed: Sequence[Person | None]) -> Resolution:
        """What is left to do, now that everybody is who he is. One who was created and joined here never was."""
        proposals: dict[tuple[UUID, UUID], int] = {}
        for a, b, fact in self.proposals:
            first, second = sorted((survivor_of(a).id, survivor_of(b).id))
            if first != second:
                proposals.setdefault((first, second), fact)
        return Resolution(
            customers=[None if person is None else survivor_of(person).id for person in placed],
            created=[Created(person.id, fact) for person, fact in self.created if person.into is None],
            added=[Added(identifier, survivor_of(person).id, fact) for identifier, person, fact in self.added],
            merged=[Merged(goes.id, survivor_of(goes).id, fact) for goes, _, fact in self.merged if not goes.is_new],
            proposals=[Proposal(first, second, fact) for (first, second), fact in proposals.items()],
        )
