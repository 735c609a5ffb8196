"""Builders of what the ticket service hears."""

import itertools
from typing import Any
from uuid import UUID

from moat.contracts.customers import CustomerCreated, CustomerMerged, CustomerSplit
from moat.contracts.scoring import RiskAssessed, RiskChanged, RiskCleared, RiskRaised
from moat.kit.events import Event
from moat.kit.testing import an_event

_sequences = itertools.count(1)


def created(about: UUID, *, locale: str | None = None) -> Event[Any]:
    return an_event(CustomerCreated(locale=locale), about=about)


def merged(from_id: UUID, into: UUID) -> Event[Any]:
    return an_event(CustomerMerged(from_id=from_id), about=into)


def parted(merge: Event[Any]) -> Event[Any]:
    return an_event(CustomerSplit(from_id=merge.data.from_id, merge_id=UUID(merge.id)), about=merge.about)


def raised(about: UUID, value_minor: int = 12_000) -> Event[Any]:
    return _risk(RiskRaised, about, value_minor, 81.5)


def changed(about: UUID, value_minor: int = 12_000) -> Event[Any]:
    return _risk(RiskChanged, about, value_minor, 85.0)


def cleared(about: UUID, value_minor: int = 12_000) -> Event[Any]:
    return _risk(RiskCleared, about, value_minor, 3.0)


def _risk(cls: type[RiskAssessed], about: UUID, value_minor: int, score: float) -> Event[Any]:
    """Sequences grow in the order of building, as they do in the order of publishing."""
    data = cls(score=score, band="high" if score >= 80 else "low", value_minor=value_minor, value_currency="CNY")
    return an_event(data, about=about, sequence=next(_sequences), source="/scoring-svc")
