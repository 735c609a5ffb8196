"""One statement for what many ask at the same time: who asks while one is under way goes with the next.

For small looks that every request takes. Nobody waits for company: whoever is alone is looked up at once. What is found
is never older than the question, because a statement that is under way takes nobody in.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Generic, TypeVar

from moat.kit.db.database import Database
from moat.kit.db.transaction import Transaction

KEYS_MAX: Final = 500
"""Keys in one statement."""

K = TypeVar("K")
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Looks up keys of one kind in one database."""

    def __init__(self, db: Database, load: Callable[[Transaction, Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._db = db
        self._load = load
        self._asked: list[tuple[Sequence[K], asyncio.Future[Mapping[K, V]]]] = []
        self._work: asyncio.Task[None] | None = None

    async def ask(self, *keys: K) -> Mapping[K, V]:
        """What `load` finds for these keys, perhaps among others'. Raises what it raises."""
        found: asyncio.Future[Mapping[K, V]] = asyncio.get_running_loop().create_future()
        self._asked.append((keys, found))
        if self._work is None:
            self._work = asyncio.create_task(self._answer_all(), context=contextvars.Context())
        return await found

    async def _answer_all(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked[:KEYS_MAX], self._asked[KEYS_MAX:]
                await self._answer(asked)
        finally:
            self._work = None

    async def _answer(self, asked: Sequence[tuple[Sequence[K], asyncio.Future[Mapping[K, V]]]]) -> None:
        try:
            async with self._db.glance() as tx:
                found = await self._load(tx, {key for keys, _ in asked for key in keys})
        except Exception as error:
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
        else:
            for _, future in asked:
                if not future.done():
                    future.set_result(found)
