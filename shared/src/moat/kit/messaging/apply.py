"""A batch of events through one service, in the transaction it is given: all of it or nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.messaging import inbox

if TYPE_CHECKING:
    from moat.kit.feature import Service


async def apply(
    service: "Service", events: Sequence[Event[Any]], tx: Transaction, clock: Clock
) -> Sequence[Event[Any]]:
    """Pass the events that are new here through every feature, in the order of `features.py`; returns the new ones.

    A second delivery of any of them, in this batch or later, changes nothing.
    """
    if not events:
        return ()
    new = await inbox.claim(tx, service.name, events)
    await dispatch(service, new, tx, clock)
    return new


async def dispatch(service: "Service", events: Sequence[Event[Any]], tx: Transaction, clock: Clock) -> None:
    """Follow merges, then give each subscription its events in the order of the log, whatever the inbox says."""
    if not events:
        return
    if service.follow is not None:
        events = await service.follow(events, tx)
        if not events:
            return
    present = {event.type for event in events}
    for feature in service.features:
        if feature.subscriptions is None:
            continue
        for entry in feature.subscriptions.entries:
            types = {cls.TYPE for cls in entry.types} & present
            if types == present:
                await entry.handler(events, tx, clock)
            elif types:
                await entry.handler([event for event in events if event.type in types], tx, clock)
