"""Clubs under many hands at once, on real connections."""

import asyncio
from collections import Counter

import pytest

from .builders import at, refunded
from .club_rooms import Rooms, a_club, bought
from .house import House


@pytest.fixture
async def rooms(house: House) -> Rooms:
    rooms = Rooms(house)
    await rooms.publish(a_club(by_invitation=True))
    return rooms


async def test_an_invitation_that_is_answered_everywhere_at_once_is_answered_once(rooms: Rooms):
    invited = [await rooms.customer() for _ in range(4)]
    ids = {who: (await rooms.invite(who)).json()["id"] for who in invited}

    for who, id_ in ids.items():
        answers = await asyncio.gather(
            *[rooms.answer(who, id_, answer) for answer in ("accept", "decline", "accept")],
            rooms.answer(who, id_, "withdraw", own=False),
        )
        assert Counter(one.status_code for one in answers) == {200: 1, 409: 3}
        (won,) = [one.json()["state"] for one in answers if one.status_code == 200]
        assert (await rooms.of(who))["status"] == ("active" if won == "accepted" else "none")
        assert len(await rooms.told(who)) == 2


async def test_one_invitation_is_made_however_many_make_it(rooms: Rooms):
    li = await rooms.customer()

    answers = await asyncio.gather(*[rooms.invite(li) for _ in range(6)])

    assert Counter(one.status_code for one in answers) == {201: 1, 409: 5}
    assert await rooms.told(li) == ["invited"]


async def test_paying_at_the_very_end_and_the_timer_end_in_the_same(rooms: Rooms):
    members = [await rooms.member(day=90) for _ in range(12)]
    rooms.house.clock.set(at(123))

    await asyncio.gather(rooms.ring(), *[rooms.house.learn(bought(who, day=122)) for who in members], rooms.ring())
    await rooms.ring()

    assert [await rooms.stands(who) for who in members] == [("active", at(150))] * 12
    assert {(await rooms.told(who))[-1] for who in members} == {"renewed"}


async def test_leaving_renewing_and_a_refund_at_once_are_one_after_the_other(rooms: Rooms):
    orders = {who: bought(who, day=90) for who in [await rooms.customer() for _ in range(6)]}
    await rooms.house.learn(*orders.values())

    for who, order in orders.items():
        left, renewed, _ = await asyncio.gather(
            rooms.act(who, "leave", own=True),
            rooms.act(who, "renew"),
            rooms.house.learn(refunded(who, order.data.order_uid, 9_900, day=95)),
        )
        assert {left.status_code, renewed.status_code} <= {200, 409}
        assert await rooms.stands(who) == ("none", None)
        assert (await rooms.told(who)).count("joined") == 1
        assert (await rooms.told(who))[-1] == "left"


async def test_a_member_who_books_and_leaves_at_once_has_booked_or_not(rooms: Rooms):
    members = [await rooms.member() for _ in range(6)]
    event = (await rooms.plan(places=3))["id"]

    answers = await asyncio.gather(
        *[rooms.book(who, event) for who in members], *[rooms.act(who, "leave", own=True) for who in members]
    )

    states = Counter(one.json()["state"] for one in answers[:6] if one.status_code == 201)
    found = await rooms.event(event)
    assert (found["taken"], found["waiting"]) == (states["booked"], states["waiting"])
    assert found["taken"] == len(await rooms.places(event))
