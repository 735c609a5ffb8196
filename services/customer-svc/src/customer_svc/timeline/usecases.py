"""What other services announce, written to the customer's timeline."""

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from customer_svc.identity import usecases as identity
from customer_svc.timeline import queries
from customer_svc.timeline.entries import Entry, kind_of, told_by
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.ids import uuid_of


async def note(tx: Transaction, batch: Sequence[Event[Any]]) -> None:
    """Add each event to its customer's timeline; of one merged away, to the survivor's."""
    survivors = await identity.hold(tx, {event.about for event in batch})
    entries = [
        Entry(
            id=id_of(event),
            customer_id=survivors[event.about],
            at=event.time,
            kind=kind_of(event.type),
            event_id=event.id,
            data=told_by(event.data),
        )
        for event in batch
        if event.about in survivors
    ]
    if entries:
        await queries.add(tx, entries)


def id_of(event: Event[Any]) -> UUID:
    """The event's own id where it is a UUID, else one derived from its identity."""
    try:
        return uuid_of(event.id)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"{event.source} {event.id}")
