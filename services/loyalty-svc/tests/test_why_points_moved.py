"""What moves because of a reward says which event led there, and goes on with its correlation and trace."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from moat.kit.events import Event
from moat.kit.ids import uuid7

from .builders import a_customer, paid, refunded
from .house import House
from .milestone_plans import publish_third_order
from .referral_club import START, bring, days_pass, some_customers
from .task_plans import three_orders


def led(event: Event[Any], correlation_id: str) -> Event[Any]:
    return replace(event, correlation_id=correlation_id, traceparent=f"00-{correlation_id * 16}-{'1' * 16}-01")


async def headers(house: House, type_: str, who: UUID) -> list[tuple[str, str | None, str | None]]:
    """Cause, correlation and trace of what was told of a customer, in order."""
    async with house.db.transaction() as tx:
        rows = await tx.all(
            """SELECT headers ->> 'causationid', headers ->> 'correlationid', headers ->> 'traceparent' FROM outbox
               WHERE type = :type AND key = :key ORDER BY seq""",
            type=f"moat.{type_}.v1",
            key=str(who),
        )
    return [tuple(row) for row in rows]


def why(event: Event[Any]) -> tuple[str, str | None, str | None]:
    return event.id, event.correlation_id, event.traceparent


async def test_rewards_of_tasks_and_milestones_go_on_with_what_led_to_them(house: House):
    li, order = uuid7(), uuid7()
    await three_orders(house)
    await publish_third_order(house)
    await house.learn(a_customer(li), paid(li, 1_000, day=80), paid(li, 1_000, day=85))
    third = led(paid(li, 1_000, order=order, day=90), "a1")
    gone = led(refunded(li, order, 1_000, day=91), "b2")

    await house.learn(third)
    await house.learn(gone)

    # The points of the order, of the task, and of the milestone.
    assert (await headers(house, "points.earned", li))[2:] == [why(third)] * 3
    assert await headers(house, "points.reversed", li) == [why(gone)] * 3


async def test_a_referral_that_is_returned_takes_back_with_the_return_as_its_cause(house: House):
    li, wang = await some_customers(house)
    order = uuid7()
    await bring(house, li, wang)
    await house.learn(paid(wang, 10_000, order=order, day=START))
    await days_pass(house, 15)
    gone = led(refunded(wang, order, 10_000, day=START + 1), "c3")

    await house.learn(gone)

    assert await headers(house, "points.reversed", li) == [why(gone)]
    assert set(await headers(house, "points.reversed", wang)) == {why(gone)}
