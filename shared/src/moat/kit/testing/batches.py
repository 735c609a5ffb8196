"""Passing a batch of events through a service as its worker does, and reading what it announced."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.events import Event
from moat.kit.feature import Service


class Published(NamedTuple):
    """One row of the outbox: what was announced, about whom, with which payload."""

    type: str
    about: UUID
    data: dict[str, Any]


async def deliver(service: Service, db: Database, events: Sequence[Event[Any]], clock: Clock) -> None:
    """Give `events` to every feature of the service in one transaction, as one poll of its consumer would."""
    from moat.kit.messaging.apply import apply

    async with db.transaction() as tx:
        await apply(service, events, tx, clock)


async def published(db: Database) -> list[Published]:
    """What the outbox holds, in the order of the commits; no relay runs in these tests, so nothing leaves it."""
    async with db.transaction() as tx:
        rows = await tx.all("SELECT type, key, payload FROM outbox ORDER BY seq LIMIT 10000")
    return [Published(row.type, UUID(row.key), json.loads(row.payload)) for row in rows]
