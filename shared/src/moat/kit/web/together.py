"""Commands of one kind that arrive while a transaction of theirs is running go together in the next one.

A hot command is a dozen statements and a commit; for twenty commands it is the same dozen, with longer arrays. A lone
command starts at once, so nobody waits for company: the batches are as large as the load makes them. Two about
one customer, or with one key, are never under way together in a process.

Each member is granted or refused by himself. What fails as a whole is done again one by one, each as if alone, so
that nobody suffers for another. Who asked may leave: like all work it is never cancelled, and stopping waits for it.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast
from uuid import UUID

import structlog
from prometheus_client import Histogram
from pydantic_core import to_json
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.responses import Response

from moat.kit.clock import Clock
from moat.kit.db.database import POOL_WAIT_SECONDS_MAX, Database
from moat.kit.db.transaction import Transaction
from moat.kit.problems import Problem
from moat.kit.telemetry.tracing import current_traceparent
from moat.kit.web import keys
from moat.kit.web.failures import DatabaseUnavailable, sqlstate_of
from moat.kit.web.keys import Claim

TOGETHER_MAX: Final = 64
"""Commands in one transaction: what the last of them costs is hardly anything, and locks are held no longer."""
LANES_MAX: Final = 2
"""Transactions of one kind at a time in a process: while the database works for one, the other is thought over here."""
LANE_MEMBERS_MIN: Final = 4
"""Commands that have to wait before a second transaction is begun beside the first; fewer would cost more alone."""
WAITING_MAX: Final = 1_000
"""Commands of one kind that wait in a process; one more is told to come again."""

C = TypeVar("C")
T = TypeVar("T")

log = structlog.get_logger("moat.web")
_MEMBERS: Final = Histogram(
    "moat_http_together", "Commands that shared a transaction.", ("command",), buckets=(1, 2, 4, 8, 16, 32, 64)
)


class Later:
    """The outcome of a command that must not share this transaction after all: it goes with the next one."""


LATER: Final = Later()
Outcome: TypeAlias = T | Problem | Later
"""What became of one command: its answer, or why it was refused."""
Run = Callable[[Transaction, Sequence[C], Clock], Awaitable[Sequence[Outcome[T]]]]
"""A use case over many commands, one outcome each, in their order. What it refuses it has left no trace of."""


@dataclass(eq=False, slots=True)
class Member(Generic[C]):
    """One command on its way. about: whom it is about; traceparent: of the request that asked for it."""

    command: C
    about: UUID
    claim: Claim | None
    status: int = 200
    came_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    traceparent: str | None = field(default_factory=current_traceparent)
    request_id: str | None = field(default_factory=lambda: structlog.contextvars.get_contextvars().get("request_id"))
    answer: "asyncio.Future[Response]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def marks(self) -> set[object]:
        """What no two members of one transaction have in common."""
        return {self.about} if self.claim is None else {self.about, self.claim.name}

    def end(self, outcome: Response | Exception) -> None:
        """Tell whoever waits, if he still does."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class _NobodyServed(Exception):
    """Every member was refused, so nothing is to be committed."""

    def __init__(self, outcomes: Sequence[Any]) -> None:
        super().__init__("every member was refused")
        self.outcomes = outcomes


class Gathering(Generic[C, T]):
    """The commands of one kind in one process: those whose turn it is, and those who wait for theirs."""

    def __init__(self, db: Database, clock: Clock, run: Run[C, T]) -> None:
        self._db = db
        self._clock = clock
        self._run = run
        self._waiting: list[Member[C]] = []
        self._lanes: set[asyncio.Task[None]] = set()
        self._under_way: set[object] = set()
        self._alone: set[asyncio.Task[None]] = set()
        self._size = _MEMBERS.labels(getattr(run, "__name__", "command"))

    async def take(self, member: Member[C]) -> Response:
        """The answer, kept under the member's key; raises what it was refused with, or Replayed."""
        if len(self._waiting) >= WAITING_MAX:
            raise DatabaseUnavailable(retry_after_seconds=1)
        self._waiting.append(member)
        if not self._lanes or (len(self._lanes) < LANES_MAX and len(self._waiting) >= LANE_MEMBERS_MIN):
            # Of nobody's request, so that no member's trace or log context is taken for that of all.
            self._lanes.add(asyncio.create_task(self._take_turns(), context=contextvars.Context()))
        return await member.answer

    async def _take_turns(self) -> None:
        lane = cast("asyncio.Task[None]", asyncio.current_task())
        try:
            while (len(self._lanes) == 1 or len(self._waiting) >= LANE_MEMBERS_MIN) and (members := self._next()):
                marks = frozenset[object]().union(*(member.marks for member in members))
                self._under_way |= marks
                await self._turn(members)
                self._under_way -= marks
        finally:
            # At once: who comes before the task is done must find no lane, or he would wait for nobody.
            self._lanes.discard(lane)

    def _next(self) -> list[Member[C]]:
        """Those who go now, in the order they came; a second about one customer or with one key stays behind."""
        taken: list[Member[C]] = []
        left: list[Member[C]] = []
        seen = set(self._under_way)
        latest = asyncio.get_running_loop().time() - POOL_WAIT_SECONDS_MAX
        for member in self._waiting:
            if member.came_at < latest:
                # As long as one waits for a connection, and no longer.
                member.end(DatabaseUnavailable(retry_after_seconds=1))
            elif len(taken) < TOGETHER_MAX and seen.isdisjoint(member.marks):
                taken.append(member)
            else:
                left.append(member)
            seen |= member.marks
        self._waiting = left
        return taken

    async def _turn(self, members: Sequence[Member[C]]) -> None:
        self._size.observe(len(members))
        structlog.contextvars.bind_contextvars(request_ids=[member.request_id for member in members])
        try:
            outcomes = await self._together(members)
        except Exception as error:
            if len(members) == 1 or _is_away(error):
                for member in members:
                    member.end(error)
                return
            log.warning("together.apart", command=self._run.__name__, members=len(members), error=type(error).__name__)
            for member in members:
                task = asyncio.create_task(self._turn([member]), context=contextvars.Context())
                self._alone.add(task)
                task.add_done_callback(self._alone.discard)
        else:
            for member, outcome in zip(members, outcomes, strict=True):
                if not isinstance(outcome, Later):
                    member.end(outcome)
            self._waiting[:0] = [m for m, outcome in zip(members, outcomes, strict=True) if isinstance(outcome, Later)]

    async def _together(self, members: Sequence[Member[C]]) -> Sequence[Response | Exception | Later]:
        try:
            async with self._db.transaction() as tx:
                tx.led_by = {member.about: member.traceparent for member in members if member.traceparent}
                told = await keys.claim(tx, [member.claim for member in members if member.claim])
                new = [member for member in members if member.claim is None or member.claim.name not in told]
                outcomes = await self._effects(tx, new)
        except _NobodyServed as nobody:
            outcomes = nobody.outcomes
        done = dict(zip(map(id, new), outcomes, strict=True))
        return [done[id(m)] if id(m) in done else told[cast(Claim, m.claim).name] for m in members]

    async def _effects(self, tx: Transaction, members: Sequence[Member[C]]) -> Sequence[Response | Exception | Later]:
        """Run those whose keys are new; answers are kept, and who was refused gets his key back."""
        if not members:
            return []
        ran = await self._run(tx, [member.command for member in members], self._clock)
        outcomes = [_outcome(member, one) for member, one in zip(members, ran, strict=True)]
        if not any(isinstance(one, Response) for one in outcomes):
            raise _NobodyServed(outcomes)
        both = [(m, m.claim, one) for m, one in zip(members, outcomes, strict=True) if m.claim is not None]
        await keys.keep(tx, [(c, m.status, {}, bytes(one.body)) for m, c, one in both if isinstance(one, Response)])
        await keys.give_back(tx, [claim for _, claim, one in both if not isinstance(one, Response)])
        return outcomes


def _outcome(member: Member[Any], one: object) -> Response | Problem | Later:
    if isinstance(one, Problem | Later):
        return one
    return Response(to_json(one), member.status, media_type="application/json")


def _is_away(error: Exception) -> bool:
    """Whether the database is away or full, or the commit may have happened: nothing to be done again by us."""
    if isinstance(error, DBAPIError):
        state = sqlstate_of(error) or ""
        return error.connection_invalidated or state[:2] in {"08", "53", "58"} or state[:3] == "57P"
    return isinstance(error, OSError | PoolTimeout)
