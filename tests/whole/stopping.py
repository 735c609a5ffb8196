"""Stopping a process at a chosen statement, so that it can be killed right there.

A trigger on the table waits for a lock that the test holds. Whoever runs the statement waits in the middle of it, and
of its transaction; or in the middle of its COMMIT, which then happens although nobody is left to hear of it. No process
knows anything about this.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

import asyncpg

from .sql import fetch
from .waiting import until

LOCK: Final = 20_261_122
GONE_SECONDS_MAX: Final = 15
_MAKE: Final = f"""
CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared({LOCK});
  RETURN NULL;
END $$;
"""
_WAITING: Final = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = {LOCK}"
_THERE: Final = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1::integer[])"


@dataclass(frozen=True)
class Moment:
    """Right after `statement` (INSERT, UPDATE, DELETE) was done on a table, or while that is being committed."""

    statement: str
    table: str
    in_commit: bool = False

    def __str__(self) -> str:
        return f"{'in-commit-of' if self.in_commit else 'after'}-{self.statement}-{self.table}".lower()

    @property
    def trigger(self) -> str:
        """What stops there."""
        if self.in_commit:
            kind, when = "CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        else:
            kind, when = "TRIGGER", "FOR EACH STATEMENT"
        head = f"CREATE {kind} wait_for_the_test AFTER {self.statement} ON {self.table}"
        return f"{head} {when} EXECUTE FUNCTION wait_for_the_test()"


@dataclass
class Stop:
    """Who comes to the moment waits there."""

    url: str
    moment: Moment
    waiting: frozenset[int] = frozenset()

    def reached(self) -> None:
        """Return when somebody waits at the moment."""
        until(self._look, 20, what=f"nobody came to {self.moment}")

    def _look(self) -> bool:
        self.waiting |= frozenset(row[0] for row in fetch(self.url, _WAITING))
        return bool(self.waiting)

    def is_over(self) -> bool:
        """Whether the server has ended everything that waited there."""
        return fetch(self.url, _THERE, list(self.waiting))[0][0] == 0


@contextmanager
def stopped_at(url: str, moment: Moment) -> Iterator[Stop]:
    """While the block runs, whoever comes to the moment waits; whoever still waits when it ends must have been killed.

    `url` is that of the tables' owner.
    """
    stop, let_go, holds = Stop(url, moment), Event(), Event()
    holder = Thread(target=lambda: asyncio.run(_hold(url, moment, holds, let_go)))
    holder.start()
    try:
        assert holds.wait(20)
        yield stop
    finally:
        let_go.set()
        holder.join()
        # First all that the dead one had begun has ended, one way or the other: a lock on the table waits for that.
        until(stop.is_over, GONE_SECONDS_MAX, what="what was killed is still at work")
        fetch(url, "DROP FUNCTION wait_for_the_test CASCADE")


async def _hold(url: str, moment: Moment, holds: Event, let_go: Event) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_MAKE)
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await connection.execute(moment.trigger)
        holds.set()
        await asyncio.to_thread(let_go.wait)
    finally:
        holds.set()
        await connection.close()
