"""The event door of a feature: which types it takes and the function that takes a batch of them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event, EventData

Batch = Sequence[Event[Any]]
Handler = Callable[[Batch, Transaction, Clock], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One handler and the payload classes it takes."""

    types: tuple[type[EventData], ...]
    handler: Handler


@dataclass(slots=True)
class Subscriptions:
    """The subscriptions of one feature, in the order they were declared.

    A handler gets, in one transaction for the whole poll, every new event of its types in the order of the log
    (by partition and offset). It loads once, folds in memory and saves once; it never commits.
    """

    entries: list[Subscription] = field(default_factory=list)

    def on(self, *types: type[EventData]) -> Callable[[Handler], Handler]:
        """Register a handler for these payload classes."""

        def register(handler: Handler) -> Handler:
            self.entries.append(Subscription(types, handler))
            return handler

        return register
