"""Whatever else earns: activities, tickets, new customers; and which version judges what comes late."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from moat.contracts.customers import CustomerActivityRecorded, CustomerCreated, CustomerProfileUpdated
from moat.contracts.tickets import TicketClosed
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import an_event

from .builders import at, paid
from .house import House
from .rulebook import PER_UNIT, a_rule, at_most, end, fixed, put_in_force, times, where


def did(about: UUID, name: str, *, day: float = 1) -> Event[Any]:
    return an_event(CustomerActivityRecorded(name=name), about=about, time=at(day))


def closed(about: UUID, ticket: UUID, *, day: float = 1, kind: Any = "complaint") -> Event[Any]:
    return an_event(TicketClosed(ticket_id=ticket, number=1, kind=kind), about=about, time=at(day))


async def test_an_activity_earns_what_its_rule_says_within_its_limits(house: House):
    li = uuid7()
    check_in = a_rule(
        fixed(5),
        on="customer.activity_recorded",
        condition=where("name", "=", "check_in"),
        limits=[at_most(1, what="awards", way="refuse")],
    )
    await put_in_force(house, "check-in", check_in)

    await house.learn(did(li, "check_in"), did(li, "check_in", day=1.1), did(li, "look", day=1.2))
    await house.learn(did(li, "check_in", day=2))

    assert await house.points(li) == (10, 10, 0)
    said = [told["rule"] for _, _, told in await house.said("points.earned")]
    assert said == ["check-in@1", "check-in@1"]


async def test_the_same_ticket_earns_once_however_often_it_is_closed(house: House):
    li, ticket = uuid7(), uuid7()
    await put_in_force(house, "sorry", a_rule(fixed(50), on="ticket.closed", condition=where("kind", "=", "complaint")))

    await house.learn(closed(li, ticket), closed(li, ticket, day=2))
    await house.learn(closed(li, ticket, day=3), closed(li, uuid7(), kind="question"))
    await asyncio.gather(*[house.learn(closed(li, ticket, day=4 + n)) for n in range(3)])

    assert await house.points(li) == (50, 50, 0)


async def test_an_event_told_again_after_the_inbox_forgot_it_earns_nothing(house: House):
    li = uuid7()
    await put_in_force(house, "hello", a_rule(fixed(20), on="customer.activity_recorded", budget=1_000))
    event = did(li, "anything")
    await house.learn(event)

    async with house.db.transaction() as tx:
        await tx.execute("DELETE FROM inbox")
    await house.learn(event)

    assert await house.points(li) == (20, 20, 0)


async def test_a_welcome_and_a_completed_profile_earn(house: House):
    li = uuid7()
    await put_in_force(house, "welcome", a_rule(fixed(10), on="customer.created"))
    birthday = a_rule(fixed(30), on="customer.profile_updated", condition=where("fields", "contains", "birthday"))
    await put_in_force(house, "birthday", birthday | {"limits": [at_most(1, per="ever", what="awards", way="refuse")]})

    await house.learn(
        an_event(CustomerCreated(), about=li, time=at(1)),
        an_event(CustomerProfileUpdated(fields=("name",)), about=li, time=at(2)),
        an_event(CustomerProfileUpdated(fields=("birthday", "name")), about=li, time=at(3)),
        an_event(CustomerProfileUpdated(fields=("birthday",)), about=li, time=at(4)),
    )

    assert await house.points(li) == (40, 40, 0)


async def test_the_tier_that_a_member_has_multiplies(house: House):
    li = uuid7()
    await put_in_force(house, "tiered", a_rule(fixed(10), by_tier={"gold": "1.5"}))
    await house.learn(paid(li, 50_000, day=1))

    await house.learn(paid(li, 0, day=2))

    assert await house.points(li) == (525, 525, 0)


async def test_late_orders_are_judged_by_the_version_valid_when_they_were_paid(house: House):
    li = uuid7()
    await put_in_force(house, "order-points", a_rule(PER_UNIT | {"points": 3}), begins=at(10))

    await house.learn(paid(li, 10_000, day=11), paid(li, 10_000, day=9))

    assert await house.points(li) == (400, 400, 0)
    said = {told["rule"] for _, _, told in await house.said("points.earned")}
    assert said == {"order-points@2", "order-points@1"}


async def test_a_retired_rule_still_judges_what_happened_before(house: House):
    li = uuid7()
    await put_in_force(house, "double", a_rule(times("order-points", "2")))
    await end(house, "double")
    now = house.clock.now()
    late, new = paid(li, 1_000), paid(li, 1_000)
    late.time, new.time = now - timedelta(days=1), now + timedelta(seconds=1)

    await house.learn(late, new)

    assert await house.points(li) == (30, 30, 0)


async def test_facts_in_any_order_end_the_same_where_nothing_is_cut(house: House):
    members = [uuid7() for _ in range(4)]
    await put_in_force(house, "double", a_rule(times("order-points", "2"), limits=[at_most(10_000)]))
    await put_in_force(house, "visit", a_rule(fixed(3), on="customer.activity_recorded", budget=10_000))
    events = [one for n, who in enumerate(members) for one in (paid(who, 1_050, day=n), did(who, "visit", day=n + 1))]

    await house.learn(*reversed(events))
    await house.learn_one_by_one(*events)

    assert {await house.points(who) for who in members} == {(23, 23, 0)}
