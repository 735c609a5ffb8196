"""Lines that come back take along what they earned, on real PostgreSQL and in every order of arrival."""

from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.accounts.types import ACCOUNT_TYPES
from loyalty_svc.earning import queries
from loyalty_svc.features import SERVICE
from moat.contracts.orders import Line, OrderPaid, OrderRefunded
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import an_event
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .builders import a_customer, at, paid
from .house import House
from .referral_club import START, available, bring, days_pass, rejections, some_customers
from .rulebook import a_rule, at_most, put_in_force, times, where
from .task_plans import a_step, a_task, completed, progress, publish

TEA, CUP = {"sku": "t-1", "category": "tea"}, {"sku": "c-1", "category": "cup"}


def bought(about: UUID, order: UUID, *lines: Line, total: int | None = None, day: float = 1) -> Event[Any]:
    data = OrderPaid(
        order_uid=order,
        order_source="/shops/main",
        order_id=f"o-{order}",
        currency="CNY",
        total_minor=sum(line.amount_minor for line in lines) if total is None else total,
        lines=lines,
    )
    return an_event(data, about=about, time=at(day))


def returned(
    about: UUID, order: UUID, amount: int, *lines: Line, refund: str = "r-1", currency: str = "CNY", day: float = 2
) -> Event[Any]:
    data = OrderRefunded(
        order_uid=order,
        order_source="/shops/main",
        order_id=f"o-{order}",
        refund_id=refund,
        currency=currency,
        amount_minor=amount,
        lines=lines,
    )
    return an_event(data, about=about, time=at(day))


def tea(amount: int, quantity: int = 1) -> Line:
    return Line(**TEA, amount_minor=amount, quantity=quantity)


def cup(amount: int, quantity: int = 1) -> Line:
    return Line(**CUP, amount_minor=amount, quantity=quantity)


def per_line(points: int, category: str = "tea", **more: Any) -> dict[str, Any]:
    return a_rule({"kind": "per_line", "points": points, "lines": where("category", "=", category)}, **more)


async def collect_stamps(house: House) -> None:
    """Let there be stamps beside points and growth."""
    names = {"zh-CN": "印花", "en": "Stamps"}
    document = {"names": names, "units": {"zh-CN": "枚", "en": "stamps"}, "spendable": True}
    await put_in_force(house, "stamps", document, begins=None, kind=ACCOUNT_TYPES)


async def order_of(house: House, order: UUID) -> dict[str, Any]:
    async with client_for(SERVICE, house.db, house.clock) as http:
        headers = staff("loyalty:read", at=house.clock.now())
        answer = await http.get(f"/v1/loyalty/orders/{order}", headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def balances(house: House, who: UUID) -> dict[str, tuple[int, int, int]]:
    """(available and pending, earned, reversed) by account type."""
    async with house.db.transaction() as tx:
        rows = await tx.all(
            "SELECT type, available + pending, earned_total, reversed_total FROM account WHERE customer_id = :id",
            id=who,
        )
    return {row[0]: tuple(row[1:]) for row in rows}


async def test_a_returned_line_takes_back_what_it_earned_and_the_rest_of_the_order_keeps_its_own(house: House):
    li, order = uuid7(), uuid7()
    await put_in_force(house, "tea", per_line(2, credits=["points"]))

    await house.learn(bought(li, order, tea(10_000), cup(10_000)))
    await house.learn(returned(li, order, 10_000, tea(10_000)))

    # 200 for the tea are gone, and half of the 200 for the whole order.
    assert await balances(house, li) == {"points": (100, 400, 300), "growth": (100, 200, 100)}
    assert (await house.audit()).violations == []


async def test_an_order_says_what_its_lines_earned_and_how_each_refund_is_read(house: House):
    li, order = uuid7(), uuid7()
    await put_in_force(house, "tea", per_line(2, credits=["points"]))
    await house.learn(
        returned(li, order, 2_500, tea(2_500), refund="early"),
        bought(li, order, tea(10_000), cup(10_000)),
        returned(li, order, 1_000, refund="money"),
        returned(li, order, 500, Line(sku="unheard-of", amount_minor=500), refund="strange"),
        returned(li, order, 500, tea(500), refund="dollars", currency="USD"),
    )

    told = await order_of(house, order)

    assert {one["refund_id"]: one["read_as"] for one in told["refunds"]} == {
        "early": "by_line",
        "money": "in_proportion",
        "strange": "unknown_lines",
        "dollars": "other_currency",
    }
    left = 150 * (17_500 - 1_500) // 17_500
    assert told["by_line"] == [{"rule": "tea", "points": 200, "per": "currency_unit", "lines": [0]}]
    assert [one["sku"] for one in told["lines"]] == ["t-1", "c-1"]
    assert told["earned"][1] == {"account_types": ["points"], "earned": 200, "reversed": 200 - left, "kept": left}
    assert told["earned"][0]["kept"] == 200 * 16_000 // 20_000


async def test_a_refund_that_waits_for_its_order_is_seen_and_an_unheard_of_order_is_not(house: House):
    li, order = uuid7(), uuid7()
    await house.learn(returned(li, order, 2_500, tea(2_500)))

    told = await order_of(house, order)
    async with client_for(SERVICE, house.db, house.clock) as http:
        headers = staff("loyalty:read", at=house.clock.now())
        unheard = await http.get(f"/v1/loyalty/orders/{uuid7()}", headers=headers)

    assert (told["paid_at"], told["total_minor"], told["earned"]) == (None, None, [])
    assert told["refunds"][0]["read_as"] == "waiting"
    assert told["refunds"][0]["lines"][0]["sku"] == "t-1"
    assert (unheard.status_code, unheard.json()["code"]) == (404, "orders.unknown")


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_the_same_refunds_in_any_order_end_in_the_same_state(house: House, in_one_batch: bool):
    await collect_stamps(house)
    await put_in_force(house, "tea", per_line(3, credits=["points"], pending_days=3))
    await put_in_force(house, "twice", a_rule(times("tea", "1.7"), credits=["stamps"]))
    await put_in_force(house, "cups", per_line(5, "cup"))
    facts_of = {}
    for number, _ in enumerate(permutations(range(4))):
        li, order = uuid7(), uuid7()
        facts_of[li] = [
            bought(li, order, tea(30_000, 3), cup(25_000), total=50_000),
            returned(li, order, 10_000, tea(10_000), refund="r-1", day=2),
            returned(li, order, 7_000, refund="r-2", day=3 + number % 2),
            returned(li, order, 9_000, cup(12_500), refund="r-3", day=3),
        ]
    arrivals = [
        [facts[place] for place in places]
        for facts, places in zip(facts_of.values(), permutations(range(4)), strict=True)
    ]

    if in_one_batch:
        await house.learn(*[event for arrival in arrivals for event in arrival])
    else:
        for step in zip(*arrivals, strict=True):
            await house.learn(*step)

    ends = [await balances(house, li) for li in facts_of]
    assert all(end == ends[0] for end in ends)
    money = (31_000, 24_000)  # what is left of it: after what lines took back, after everything
    whole, cups = 500 * 24_000 // 50_000, (1_250 * 12_500 * money[1]) // (25_000 * money[0])
    teas, stamps = (900 * 2 * money[1]) // (3 * money[0]), (630 * 2 * money[1]) // (3 * money[0])
    assert ends[0]["points"][:2] == (whole + cups + teas, 500 + 1_250 + 900)
    assert ends[0]["growth"][:2] == (whole + cups, 500 + 1_250)
    assert ends[0]["stamps"][:2] == (stamps, 630)
    assert (await house.audit()).violations == []


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
async def test_all_lines_back_leave_nothing_in_any_account_and_no_tier(house: House, arrival: tuple[int, ...]):
    li, order = uuid7(), uuid7()
    await collect_stamps(house)
    await put_in_force(house, "tea", per_line(3))
    await put_in_force(house, "twice", a_rule(times("tea", "2"), credits=["stamps"]))
    facts = [
        bought(li, order, tea(70_001), cup(9_999)),
        returned(li, order, 70_001, tea(70_001), refund="r-1"),
        returned(li, order, 9_999, cup(9_999), refund="r-2", day=3),
    ]

    await house.learn_one_by_one(*[facts[place] for place in arrival])

    assert {type_: end[0] for type_, end in (await balances(house, li)).items()} == {
        "points": 0,
        "growth": 0,
        "stamps": 0,
    }
    assert (await house.tier(li))[0] == "member"
    assert (await house.audit()).violations == []


async def test_lines_that_all_came_back_undo_what_a_referral_gave(house: House):
    await put_in_force(house, "tea", per_line(3))
    li, wang = await some_customers(house)
    order = uuid7()
    await bring(house, li, wang)
    await house.learn(bought(wang, order, tea(20_000), cup(20_000), day=START + 0.5))

    await house.learn(
        returned(wang, order, 20_000, tea(20_000), day=START + 1),
        returned(wang, order, 20_000, cup(20_000), refund="r-2", day=START + 1),
    )
    await days_pass(house, 15)

    assert [reason for reason, _ in await rejections(house)] == ["returned"]
    assert (await available(house, li), await available(house, wang)) == (0, 0)


async def test_an_order_that_is_paid_again_changes_nothing_and_what_was_left_out_comes_as_a_refund(house: House):
    li, order = uuid7(), uuid7()
    await put_in_force(house, "tea", per_line(2, credits=["points"]))
    await house.learn(bought(li, order, tea(10_000), cup(10_000)))

    await house.learn(bought(li, order, cup(10_000), day=1.5))
    assert (await house.points(li))[0] == 400
    await house.learn(returned(li, order, 10_000, tea(10_000), refund="edited"))

    assert (await house.points(li))[0] == 100


async def test_a_held_award_of_lines_is_given_less_the_lines_that_came_back(house: House):
    li, first, order = uuid7(), uuid7(), uuid7()
    guard = at_most(1, per="hour", what="awards", way="hold")
    await put_in_force(house, "tea", per_line(2, credits=["points"], limits=[guard]))
    await house.learn(a_customer(li), bought(li, first, tea(100)), bought(li, order, tea(10_000, 2), cup(10_000)))
    await house.learn(returned(li, order, 5_000, tea(5_000)))
    before = (await house.points(li))[0]

    async with client_for(SERVICE, house.db, house.clock) as http:
        headers = staff("loyalty:read", "loyalty:write", at=house.clock.now())
        held = (await http.get("/v1/loyalty/awards?status=held", headers=headers)).json()["items"][0]
        path = f"/v1/loyalty/awards/{held['id']}/approve"
        answer = await http.post(path, json={"reason": "fine"}, headers=headers)

    assert (held["points"], answer.json()["points"]) == (200, 100)
    assert (await house.points(li))[0] == before + 100


async def test_orders_that_no_line_rule_gave_for_are_written_the_short_way(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    async def long_way(*_: Any) -> None:
        pytest.fail("an ordinary order needs no more columns than before")

    await put_in_force(house, "cups", per_line(2, "cup"))
    monkeypatch.setattr(queries, "_write_changed", long_way)

    await house.learn(*[bought(uuid7(), uuid7(), tea(10_000), day=n / 100) for n in range(50)])

    async with house.db.transaction() as tx:
        assert (await tx.one("SELECT count(*), count(by_line) FROM order_earning"))[:] == (50, 0)


async def test_an_order_without_lines_is_refunded_as_it_always_was(house: House):
    li, order = uuid7(), uuid7()
    await put_in_force(house, "tea", per_line(2))

    await house.learn(paid(li, 20_000, order=order), returned(li, order, 5_000, tea(5_000)))

    assert await house.points(li) == (150, 200, 50)
    assert (await order_of(house, order))["refunds"][0]["read_as"] == "in_proportion"


@pytest.mark.parametrize("back", ["one line", "every line"])
async def test_lines_that_came_back_leave_a_tasks_progress_the_same_in_any_order(house: House, back: str):
    target = {"kind": "amount", "amount_minor": 5_000, "currency": "CNY"}
    await publish(house, "big-spender", a_task(a_step() | {"target": target}))
    ends = set()

    for places in permutations(range(3)):
        li, order = uuid7(), uuid7()
        first = returned(li, order, 1_000, cup(1_000), refund="r-1")
        second = returned(li, order, 5_000, tea(5_000), refund="r-2", day=3)
        facts = [bought(li, order, tea(5_000), cup(1_000)), first, second if back == "every line" else first]
        await house.learn(a_customer(li))
        await house.learn_one_by_one(*(facts[place] for place in places))
        (step,) = (await progress(house, li))["big-spender"]["steps"]
        ends.add((await available(house, li), step["done"], len(await standing_tasks(house, li))))

    # 60 points for the order less what came back; the task's 100 as long as 5,000 of it are left.
    assert ends == ({(0, 0, 0)} if back == "every line" else {(150, 5_000, 1)})
    assert (await house.audit()).violations == []


async def standing_tasks(house: House, who: UUID) -> list[str]:
    return [task for task, _, stands in await completed(house, who) if stands]
