"""What a service is made of: its features in order, each with up to three doors and loops of its own."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from moat.kit.db.transaction import Transaction
from moat.kit.events import EventData
from moat.kit.messaging.log import GATHER_MS
from moat.kit.messaging.subscriptions import Batch, Subscriptions
from moat.kit.timers.door import Timers

if TYPE_CHECKING:
    from fastapi import APIRouter

    from moat.kit.process import Process

Follow = Callable[[Batch, Transaction], Awaitable[Batch]]
"""Sees the new events of a poll before any feature and may change whom they are about (merges are followed here).

Returns those that the features get: what has no effect any more may be left out."""

Loop = Callable[["Process"], Awaitable[None]]
"""Work that runs beside relay and consumers in a worker until it is cancelled (a dispatcher, say)."""

InFlight = Callable[[Transaction], Awaitable[int]]
"""How much of a feature's own work is under way beside relay, consumers and timers (messages being sent, say)."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature folder, as `features.py` lists it."""

    name: str
    routes: "APIRouter | None" = None
    subscriptions: Subscriptions | None = None
    timers: Timers | None = None
    loops: tuple[Loop, ...] = ()
    in_flight: InFlight | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """The table of contents of one service; the order of `features` is the order a batch passes through them."""

    name: str
    title: str
    features: Sequence[Feature]
    events: Sequence[type[EventData]] = field(default=())
    """Every payload class it publishes or takes."""
    follow: Follow | None = None
    gather_ms: int = GATHER_MS
    """How long it may wait for more events while they keep coming: short where a person waits for the outcome, longer
    where nobody does, as a batch of one costs about as much as a batch of fifty."""
    strict_topics: frozenset[str] = frozenset()
    """Topics open to the outside (the intake): an unknown type there is a dead letter, elsewhere it is ignored, and
    events there have no subject yet."""

    @property
    def version(self) -> str:
        """The installed version of its distribution (`moat-loyalty-svc`), `0` when it is not installed."""
        return _version_of(f"moat-{self.name}")

    def topics(self) -> tuple[str, ...]:
        """The topics it takes events from, sorted."""
        return tuple(
            sorted(
                {t.TOPIC for f in self.features if f.subscriptions for s in f.subscriptions.entries for t in s.types}
            )
        )


@cache
def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "0"
