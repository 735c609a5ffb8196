"""A unit of work: SQL, events to publish and timers to set, all or nothing.

Events are buffered and written to the outbox as the last statement before the commit, so the aggregate's row is
locked before its outbox row draws `seq`, and the order of `seq` is the order of commits for that aggregate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Row

from moat.kit.db.asking import Answer, ask, say
from moat.kit.events import Cause, Event, EventData
from moat.kit.ids import uuid7, uuid7s


@dataclass(slots=True)
class Outgoing:
    """The events that wait for the commit, a column for each attribute: a batch has thousands."""

    ids: list[UUID] = field(default_factory=list)
    data: list[EventData] = field(default_factory=list)
    about: list[UUID] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    causes: list[Event[Any] | Cause | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(slots=True)
class Transaction:
    """One transaction, begun by its first statement. Made by `Database.transaction()` only, which also commits it.

    is_begun: from the start for `Database.glance()`, where each statement is a transaction of its own.
    """

    driver: "asyncpg.Connection[Any]"
    outgoing: Outgoing = field(default_factory=Outgoing)
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
        id_, outgoing = uuid7(), self.outgoing
        outgoing.ids.append(id_)
        outgoing.data.append(data)
        outgoing.about.append(about)
        outgoing.times.append(time)
        outgoing.causes.append(cause)
        return id_

    def publish_all(self, told: Sequence[tuple[EventData, UUID, datetime, Event[Any] | Cause | None]]) -> None:
        """The same for many, in order: (data, about, time, cause) of each."""
        if told:
            data, about, times, causes = zip(*told, strict=True)
            outgoing = self.outgoing
            outgoing.ids += uuid7s(len(told))
            outgoing.data += data
            outgoing.about += about
            outgoing.times += times
            outgoing.causes += causes
