"""A club by value that is published, or has another threshold from a day on, takes in who has reached that by then."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty_svc.clubs import following
from moat.kit.ids import uuid7

from .builders import a_customer, at, paid
from .club_rooms import CARD, Rooms, a_club, bought, by_value
from .house import House


@pytest.fixture
def rooms(house: House) -> Rooms:
    return Rooms(house)


async def test_who_has_reached_the_value_when_the_club_is_published_joins_then(rooms: Rooms):
    li, wang, zhao = [await rooms.customer() for _ in range(3)]
    await rooms.house.learn(paid(li, 50_000, day=80), paid(wang, 50_000, day=60), paid(zhao, 9_999, day=80))

    await rooms.publish(a_club(**by_value(10_000)), since=None)
    await rooms.ring()

    assert await rooms.stands(li) == ("active", at(130))
    found = await rooms.of(li)
    assert (found["way"], found["since"]) == ("value", rooms.house.clock.now().isoformat().replace("+00:00", "Z"))
    assert await rooms.stands(wang) == await rooms.stands(zhao) == ("none", None)
    assert await rooms.told() == ["joined"]


async def test_a_club_for_later_takes_them_in_on_its_first_day_whoever_else_buys_meanwhile(rooms: Rooms):
    li = await rooms.customer()
    await rooms.house.learn(paid(li, 50_000, day=90))
    begins = rooms.house.clock.now() + timedelta(days=5)
    draft = await rooms.ask(
        "POST", "/v1/loyalty/clubs", {"code": "circle", "document": a_club(**by_value(10_000, over="lifetime"))}
    )
    body = {"valid_from": begins.isoformat()}
    await rooms.must("POST", "/v1/loyalty/clubs/circle/publish", body, **{"If-Match": draft.headers["ETag"]})

    await rooms.ring()
    await rooms.house.learn(paid(li, 100, day=100))
    assert await rooms.told() == []
    rooms.house.clock.set(begins)
    await rooms.ring()

    assert await rooms.stands(li) == ("active", None)
    assert await rooms.told() == ["joined"]


async def test_a_lower_threshold_takes_in_and_does_not_prolong_who_is_in(rooms: Rooms):
    li, wang = await rooms.customer(), await rooms.customer()
    await rooms.publish(a_club(**by_value(10_000)))
    await rooms.house.learn(paid(li, 10_000, day=90), paid(wang, 5_000, day=90))
    assert await rooms.stands(li) == ("active", at(120))

    await rooms.publish(a_club(**by_value(5_000)), since=None)
    await rooms.ring()

    assert await rooms.stands(li) == ("active", at(120))
    assert (await rooms.stands(wang))[0] == "active"


async def test_a_club_without_a_value_looks_at_nobody(rooms: Rooms):
    await rooms.house.learn(*(bought(uuid7(), day=90) for _ in range(2)))

    await rooms.publish(a_club(by_payment={"skus": [CARD]}), since=None)

    async with rooms.house.db.transaction() as tx:
        assert await tx.all("SELECT key FROM timer WHERE kind LIKE 'clubs.%'") == []


async def test_everybody_is_looked_at_slice_by_slice(rooms: Rooms, monkeypatch: Any):
    monkeypatch.setattr(following, "SLICE", 2)
    members = [uuid7() for _ in range(5)]
    await rooms.house.learn(*(a_customer(one) for one in members))
    await rooms.house.learn(*(paid(one, 50_000, day=90) for one in members))

    await rooms.publish(a_club(**by_value(10_000)), since=None)
    await rooms.ring()

    assert [(await rooms.stands(one))[0] for one in members] == ["active"] * 5
