"""One statement for what many ask at the same time."""

import asyncio

import pytest

from moat.kit.db.database import Database
from moat.kit.db.loader import Loader


@pytest.fixture
async def db(database_of):
    return (await database_of("notify_svc")).db


class Doubling:
    """Doubles numbers in SQL, waits until it may go on, and notes what it was asked for together."""

    def __init__(self):
        self.asked: list[list[int]] = []
        self.may_go_on = asyncio.Event()

    async def load(self, tx, numbers):
        self.asked.append(sorted(numbers))
        await self.may_go_on.wait()
        rows = await tx.all("SELECT n, 2 * n FROM unnest(CAST(:numbers AS integer[])) AS n", numbers=list(numbers))
        return {row[0]: row[1] for row in rows}


async def test_who_asks_while_a_statement_is_under_way_goes_with_the_next(db):
    doubling = Doubling()
    loader = Loader(db, doubling.load)
    first = asyncio.create_task(loader.ask(1))
    while not doubling.asked:
        await asyncio.sleep(0)

    others = [asyncio.create_task(loader.ask(*numbers)) for numbers in ((2,), (1,), (3, 4))]
    await asyncio.sleep(0)
    doubling.may_go_on.set()
    found = await asyncio.gather(first, *others)

    # What was asked for again is looked up again: the first statement may have begun before it was true.
    assert doubling.asked == [[1], [1, 2, 3, 4]]
    assert [found[0][1], found[1][2], found[2][1], found[3][3], found[3][4]] == [2, 4, 2, 6, 8]


async def test_a_failure_is_everybodys_and_the_next_who_asks_tries_anew(db):
    doubling = Doubling()
    doubling.may_go_on.set()
    loader = Loader(db, doubling.load)

    failed = await asyncio.gather(*(loader.ask(10**10 + n) for n in range(3)), return_exceptions=True)

    assert all(isinstance(one, Exception) for one in failed)
    assert await loader.ask(1) == {1: 2}


async def test_one_who_left_takes_nothing_from_the_others(db):
    doubling = Doubling()
    loader = Loader(db, doubling.load)
    leaving, staying = asyncio.create_task(loader.ask(1)), asyncio.create_task(loader.ask(2))
    await asyncio.sleep(0)

    leaving.cancel()
    doubling.may_go_on.set()

    assert await staying == {2: 4} | {1: 2}


async def test_where_the_database_is_away_all_are_told():
    loader = Loader(Database.connect("postgresql://nobody@127.0.0.1:1/nowhere", name="notify-svc"), Doubling().load)

    with pytest.raises(ConnectionError):
        await loader.ask(1)
