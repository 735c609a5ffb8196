"""The looks at everybody, when a rule is published and every night: what time alone, or no event, has made true."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty_svc.honours import usecases
from loyalty_svc.honours.tables import LOOK

from .builders import paid
from .hall_of_honour import Hall, an_honour, where
from .house import House
from .referral_club import bring, days_pass, some_customers

TWO_ORDERS = where("orders_count", ">=", 2)


@pytest.fixture
def hall(house: House) -> Hall:
    return Hall(house)


async def test_publishing_a_rule_honours_those_who_deserve_it_already(hall: Hall):
    li, wang = await hall.member(), await hall.member()
    await hall.house.learn(paid(li, 5_000), paid(li, 5_000), paid(wang, 5_000))

    await hall.publish("kindred", an_honour(TWO_ORDERS))
    await hall.look()

    assert (await hall.held(li), await hall.held(wang)) == (["kindred"], [])


async def test_an_honour_lapses_and_its_rule_gives_it_anew_the_next_night(hall: Hall):
    li = await hall.member()
    await hall.publish("kindred", an_honour(TWO_ORDERS, months=12))
    await hall.house.learn(paid(li, 5_000), paid(li, 5_000))
    await hall.look()

    hall.house.clock.advance(timedelta(days=366))
    lapsed = await hall.held(li)
    await hall.look()

    assert lapsed == []
    assert await hall.held(li) == ["kindred"]
    new, old = await hall.of(li)
    assert old["end_reason"] == "honour.lapsed"
    assert old["ended_at"] == old["valid_until"]
    assert new["given_at"] > old["ended_at"]


async def test_a_rule_over_referrals_is_judged_at_night_when_no_event_tells_of_it(hall: Hall):
    li, friend = await some_customers(hall.house)
    await hall.publish("ambassador", an_honour(where("referrals_rewarded", ">=", 1)))
    await hall.look()
    await bring(hall.house, li, friend)
    await hall.house.learn(paid(friend, 20_000, day=100))
    await days_pass(hall.house, 40)
    before = await hall.held(li)

    await hall.look()

    assert before == []
    assert await hall.held(li) == ["ambassador"]


async def test_a_rule_published_for_later_leaves_the_nights_until_then_to_the_others(hall: Hall):
    await hall.publish("old-hand", an_honour(where("days_a_member", ">=", 110)))
    li = await hall.member()
    await hall.house.learn(paid(li, 100, day=1))
    await hall.look()
    later = hall.house.clock.now() + timedelta(days=60, hours=2)
    await hall.publish("payer", an_honour(where("orders_count", ">=", 1)), valid_from=later.isoformat())

    hall.house.clock.advance(timedelta(days=30))
    await hall.look()
    before = await hall.held(li)
    hall.house.clock.set(later - timedelta(minutes=1))
    await hall.look()
    just_before = await hall.held(li)
    hall.house.clock.set(later)
    await hall.look()

    assert (before, just_before) == (["old-hand"], ["old-hand"])
    assert await hall.held(li) == ["old-hand", "payer"]


async def test_publishing_for_later_does_not_break_off_the_look_that_is_under_way(hall: Hall, monkeypatch: Any):
    monkeypatch.setattr(usecases, "SLICE", 1)
    members = [await hall.member() for _ in range(3)]
    await hall.house.learn(*(paid(one, 5_000) for one in members))
    await hall.publish("payer", an_honour(where("orders_count", ">=", 1)))
    await hall.shop.fire(LOOK)

    later = hall.house.clock.now() + timedelta(days=60)
    await hall.publish("spring", an_honour(where("orders_count", ">=", 5)), valid_from=later.isoformat())
    await hall.look()

    assert [await hall.held(one) for one in members] == [["payer"]] * 3
