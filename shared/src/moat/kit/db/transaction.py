"""A unit of work: SQL, events to publish and timers to set, all or nothing.

Events are buffered and written to the outbox as the last statement before the commit, so the aggregate's row is
locked before its outbox row draws `seq`, and the order of `seq` is the order of commits for that aggregate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import Row

from moat.kit.db.asking import Answer, ask, say
from moat.kit.events import Cause, Event, EventData
from moat.kit.ids import uuid7


class Outgoing(NamedTuple):
    """An event that waits for the commit."""

    id: UUID
    data: EventData
    about: UUID
    time: datetime
    correlation_id: str
    causation_id: str | None
    traceparent: str | None


@dataclass(slots=True)
class Transaction:
    """One transaction, begun by its first statement. Made by `Database.transaction()` only, which also commits it.

    is_begun: from the start for `Database.glance()`, where each statement is a transaction of its own.
    """

    driver: "asyncpg.Connection[Any]"
    outgoing: list[Outgoing] = field(default_factory=list)
    is_begun: bool = False
    documents: dict[tuple[str, ...], Sequence[Any]] = field(default_factory=dict)
    """What `kit.documents` has read for the whole of this transaction."""
    led_by: dict[UUID, str] = field(default_factory=dict)
    """Where requests share the transaction: the traceparent of the one that leads to what is told of a customer."""

    async def execute(self, sql: str, /, **values: object) -> Answer:
        """Run one statement with bound values (`:name`); arrays are bound as lists with `CAST(:ids AS uuid[])`."""
        if not self.is_begun:
            await say(self.driver, "BEGIN")
            self.is_begun = True
        return await ask(self.driver, sql, values)

    async def all(self, sql: str, /, **values: object) -> Sequence[Row[Any]]:
        """Every row of a bounded result."""
        return (await self.execute(sql, **values)).all()

    async def one(self, sql: str, /, **values: object) -> Row[Any]:
        """The only row; raises NoResultFound or MultipleResultsFound."""
        return (await self.execute(sql, **values)).one()

    async def first(self, sql: str, /, **values: object) -> Row[Any] | None:
        """The first row or None."""
        return (await self.execute(sql, **values)).first()

    async def scalar(self, sql: str, /, **values: object) -> Any:
        """The first column of the first row, or None."""
        return (await self.execute(sql, **values)).scalar()

    def publish(self, data: EventData, *, about: UUID, time: datetime, cause: Event[Any] | Cause | None = None) -> UUID:
        """Announce `data` when this transaction commits, and return the event's id.

        `about` becomes the record key and `ce_subject` (the customer); `time` is when it happened in the world: for a
        derived event the latest time among its causes. Correlation and trace are taken from the cause.
        """
        id_ = uuid7()
        self.outgoing.append(
            Outgoing(id_, data, about, time, cause.correlation_id or cause.id, cause.id, cause.traceparent)
            if cause
            else Outgoing(id_, data, about, time, str(id_), None, None)
        )
        return id_
