"""Commands that arrive together share a transaction, and none of them notices."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

import pytest
from thing_svc.api import NameTaken

from moat.kit.db.database import Database
from moat.kit.events import EventData
from moat.kit.ids import uuid7
from moat.kit.telemetry import current_traceparent, joined
from moat.kit.web import LATER
from moat.kit.web.keys import Claim, KeyReused
from moat.kit.web.rendering import Replayed
from moat.kit.web.together import LANE_MEMBERS_MIN, TOGETHER_MAX, Gathering, Member


class ThingGiven(EventData):
    """Somebody was given a thing."""

    TYPE: ClassVar[str] = "moat.thing.given.v1"
    TOPIC: ClassVar[str] = "moat.customers"

    name: str


class Desk:
    """A use case over many commands (whom for, what), which notes who came together and waits until it may go on."""

    def __init__(self, db, clock):
        self.turns: list[list[str]] = []
        self.may_go_on = asyncio.Event()
        self.gathering = Gathering(db, clock, self.give)
        self.clock = clock

    async def give(self, tx, commands, clock):
        self.turns.append([name for _, name in commands])
        await self.may_go_on.wait()
        outcomes = []
        for place, (owner, name) in enumerate(commands):
            if name == "taken" or (name == "twin" and place):
                outcomes.append(NameTaken(name=name) if name == "taken" else LATER)
                continue
            if name == "bug":
                raise ZeroDivisionError
            await tx.execute("SELECT 1 / :divisor", divisor=0 if name == "statement" else 1)
            await tx.execute("INSERT INTO thing (id, name) VALUES (:id, :name)", id=uuid7(), name=name)
            tx.publish(ThingGiven(name=name), about=owner, time=clock.now())
            outcomes.append({"name": name})
        return outcomes

    def ask(self, name: str, *, owner: UUID | None = None, key: str | None = None, body: str = "") -> asyncio.Task:
        claim = None if key is None else Claim("staff:s", "POST /gifts", key, (body or name).encode())
        owner = owner or uuid7()

        async def asked():
            return await self.gathering.take(Member((owner, name), owner, claim))

        return asyncio.create_task(asked())

    async def ask_behind_one(self, *asked: tuple[str, dict]) -> list[asyncio.Task]:
        """One goes alone, and while it is under way the others come."""
        first = self.ask("first")
        await until(lambda: self.turns == [["first"]])
        others = [self.ask(name, **more) for name, more in asked]
        await asyncio.sleep(0)  # Each comes as far as waiting for its turn.
        return [first, *others]


async def until(is_so):
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0)


async def outcomes(tasks: Sequence[asyncio.Task]) -> list[object]:
    """The text of each answer, or the class of what was raised."""
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    return [type(one) if isinstance(one, BaseException) else one.body.decode() for one in ended]


@pytest.fixture
def desk(database, clock):
    return Desk(database.db, clock)


async def names(database, sql="SELECT name FROM thing ORDER BY name"):
    async with database.db.transaction() as tx:
        return [row[0] for row in await tx.all(sql)]


async def test_a_lone_command_starts_at_once_and_those_who_come_meanwhile_go_together(desk, database):
    tasks = await desk.ask_behind_one(("a", {}), ("b", {}), ("c", {}))

    desk.may_go_on.set()

    assert await outcomes(tasks) == ['{"name":"first"}', '{"name":"a"}', '{"name":"b"}', '{"name":"c"}']
    assert desk.turns == [["first"], ["a", "b", "c"]]
    assert await names(database) == ["a", "b", "c", "first"]


async def test_a_second_transaction_begins_beside_the_first_when_enough_are_waiting(desk):
    many = [(f"n{n}", {}) for n in range(LANE_MEMBERS_MIN + 1)]

    tasks = await desk.ask_behind_one(*many)
    await until(lambda: len(desk.turns) == 2)

    assert not any(task.done() for task in tasks)
    desk.may_go_on.set()
    await outcomes(tasks)
    assert sorted(name for turn in desk.turns for name in turn) == sorted(["first", *(name for name, _ in many)])


async def test_no_more_than_so_many_share_a_transaction(desk):
    tasks = await desk.ask_behind_one(*[(f"n{n}", {}) for n in range(3 * TOGETHER_MAX)])

    desk.may_go_on.set()
    await outcomes(tasks)

    assert max(map(len, desk.turns)) <= TOGETHER_MAX
    assert sum(map(len, desk.turns)) == 3 * TOGETHER_MAX + 1


async def test_two_of_one_customer_go_one_after_the_other_in_their_order(desk):
    li = uuid7()

    tasks = await desk.ask_behind_one(("1", {"owner": li}), ("2", {"owner": li}), ("3", {"owner": li}))
    desk.may_go_on.set()
    await outcomes(tasks)

    assert desk.turns == [["first"], ["1"], ["2"], ["3"]]


async def test_one_of_a_customer_whose_command_is_under_way_waits_although_another_transaction_begins(desk):
    li = uuid7()
    first = desk.ask("first", owner=li)
    await until(lambda: desk.turns == [["first"]])

    others = [desk.ask("second", owner=li), *(desk.ask(f"n{n}") for n in range(LANE_MEMBERS_MIN))]
    await until(lambda: len(desk.turns) == 2)

    assert "second" not in desk.turns[1]
    desk.may_go_on.set()
    assert await outcomes([first, *others]) == [
        f'{{"name":"{name}"}}' for name in ("first", "second", "n0", "n1", "n2", "n3")
    ]


async def test_the_same_key_twice_at_once_is_one_effect_and_a_replay(desk, database):
    tasks = await desk.ask_behind_one(("a", {"key": "k"}), ("a", {"key": "k"}), ("b", {"key": "k", "body": "b"}))

    desk.may_go_on.set()
    first, again, other = (await asyncio.gather(*tasks, return_exceptions=True))[1:]

    assert isinstance(again, Replayed)
    assert (again.response.body, again.response.headers["idempotent-replayed"]) == (first.body, "true")
    assert isinstance(other, KeyReused)
    assert await names(database) == ["a", "first"]


async def test_one_who_is_refused_gets_his_key_back_and_the_others_what_they_asked_for(desk, database):
    tasks = await desk.ask_behind_one(("a", {"key": "1"}), ("taken", {"key": "2"}), ("b", {"key": "3"}))

    desk.may_go_on.set()

    assert await outcomes(tasks) == ['{"name":"first"}', '{"name":"a"}', NameTaken, '{"name":"b"}']
    assert desk.turns == [["first"], ["a", "taken", "b"]]
    assert await names(database, "SELECT key FROM idempotency ORDER BY key") == ["1", "3"]
    assert await outcomes([desk.ask("free", key="2")]) == ['{"name":"free"}']


async def test_where_everybody_is_refused_nothing_is_committed(desk, database):
    desk.may_go_on.set()

    assert await outcomes([desk.ask("taken", key="1")]) == [NameTaken]

    assert await names(database, "SELECT key FROM idempotency") == []


@pytest.mark.parametrize("poison", ["bug", "statement"])
async def test_what_fails_as_a_whole_is_done_again_one_by_one(desk, database, poison):
    tasks = await desk.ask_behind_one(("a", {"key": "1"}), (poison, {"key": "2"}), ("b", {"key": "3"}))

    desk.may_go_on.set()
    first, a, failed, b = await outcomes(tasks)

    assert (first, a, b) == ('{"name":"first"}', '{"name":"a"}', '{"name":"b"}')
    assert issubclass(failed, Exception)
    assert desk.turns[:2] == [["first"], ["a", poison, "b"]]
    assert sorted(desk.turns[2:]) == sorted([["a"], [poison], ["b"]])
    assert await names(database) == ["a", "b", "first"]
    assert await names(database, "SELECT key FROM idempotency ORDER BY key") == ["1", "3"]


async def test_who_turns_out_to_be_one_with_another_goes_with_the_next(desk):
    tasks = await desk.ask_behind_one(("a", {}), ("twin", {"key": "k"}))

    desk.may_go_on.set()

    assert await outcomes(tasks) == ['{"name":"first"}', '{"name":"a"}', '{"name":"twin"}']
    assert desk.turns == [["first"], ["a", "twin"], ["twin"]]


async def test_the_work_of_one_who_left_is_done_and_nobody_else_notices(desk, database):
    tasks = await desk.ask_behind_one(("a", {}), ("b", {}))

    tasks[1].cancel()
    desk.may_go_on.set()

    assert (await outcomes(tasks))[2] == '{"name":"b"}'
    assert await names(database) == ["a", "b", "first"]


async def test_each_event_carries_the_trace_of_the_request_that_led_to_it(desk, database):
    traces: dict[str, str] = {}
    first = desk.ask("first")
    await until(lambda: desk.turns == [["first"]])
    tasks = [first]
    for name in ("a", "b"):
        with joined(None, "request"):
            traces[name] = current_traceparent()
            tasks.append(desk.ask(name))

    desk.may_go_on.set()
    await outcomes(tasks)

    sql = "SELECT CAST(convert_from(payload, 'UTF8') AS jsonb) ->> 'name', headers ->> 'traceparent' FROM outbox"
    async with database.db.transaction() as tx:
        told = {row[0]: row[1] for row in await tx.all(sql)}
    assert desk.turns[1] == ["a", "b"]
    assert told == {"first": None, **traces}


async def test_where_the_database_is_away_all_are_told_and_nobody_tries_again_alone(clock):
    away = Database.connect("postgresql://nobody@127.0.0.1:1/nowhere", name="thing-svc")
    desk = Desk(away, clock)

    answers = await outcomes([desk.ask(name) for name in ("a", "b", "c", "d", "e", "f")])

    assert all(issubclass(one, OSError) for one in answers)
    assert desk.turns == []


async def test_over_http_a_problem_is_the_members_own_and_a_deadline_ends_waiting_only(client, database):
    async def give(name, **headers):
        path = f"/v1/things/{uuid7()}/gifts"
        return await client.post(path, json={"name": name, "settle_seconds": 0.3}, headers=headers)

    slow, taken, late, fine = await asyncio.gather(
        give("slow"), give("taken"), give("late", **{"X-Deadline-Ms": "100"}), give("fine")
    )
    await give("last")

    assert [one.status_code for one in (slow, taken, late, fine)] == [201, 409, 504, 201]
    assert taken.json()["instance"].endswith(taken.headers["x-request-id"])
    assert await names(database) == ["fine", "last", "late", "slow"]
