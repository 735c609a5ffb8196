"""What the programme owes: outstanding by tier and month, its cost, expected breakage, and a movement that ties."""

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from loyalty_svc.accounts.types import ZONE as SHANGHAI
from loyalty_svc.accounts.types import Cost
from loyalty_svc.features import SERVICE
from loyalty_svc.ledger.problems import InsufficientPoints
from loyalty_svc.liability.outlook import Breakage, Cell, Moved, Period, cost_minor, worth
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for

from .bank import Bank
from .builders import a_customer, at, merged, paid, refunded
from .house import House
from .rulebook import share

A_FEN_EACH = Cost(currency="CNY", minor_per_thousand=1000)


@pytest.fixture
def bank(house: House) -> Bank:
    return Bank(house)


async def ask(house: House, *, headers: dict[str, str] | None = None, **query: str) -> Any:
    async with client_for(SERVICE, house.db, house.clock) as http:
        own = headers or staff("loyalty:read", at=house.clock.now())
        return await http.get("/v1/loyalty/liability", params=query, headers={"Accept-Language": "en"} | own)


async def report(house: House, type: str = "points", **query: str) -> Any:
    answer = await ask(house, **query)
    assert answer.status_code == 200, answer.text
    return next(one for one in answer.json()["account_types"] if one["account_type"] == type)


def moved(movement: Any) -> int:
    return sum(movement[kind] for kind in ("earned", "reversed", "spent", "expired", "adjusted", "written_off"))


def test_cost_rounds_up_and_breakage_down():
    cell = Cell("points", "member", date(2027, 1, 1), 100, 0)

    sums = worth(cell, Cost(currency="CNY", minor_per_thousand=333), Breakage(expired=1, spent=2))

    assert (sums.expected_breakage, sums.cost_minor, sums.expected_cost_minor) == (33, 34, 23)
    assert cost_minor(1, Cost(currency="CNY", minor_per_thousand=1)) == 1


def test_points_that_never_expire_do_not_break_and_without_a_history_none_do():
    forever = Cell("points", "member", None, 100, 0)
    ends = Cell("points", "member", date(2027, 1, 1), 100, 0)

    assert worth(forever, A_FEN_EACH, Breakage(9, 1)).expected_breakage == 0
    assert worth(ends, A_FEN_EACH, Breakage(0, 0)).expected_breakage == 0
    assert Breakage(0, 0).basis_points is None


def test_a_movement_that_is_off_by_a_point_does_not_tie():
    right = Moved(opening=5, earned=10, spent=-3, closing=12, ledger=20, accounts=20, lots=20)

    assert right.ties
    assert not right._replace(closing=13).ties
    assert not right._replace(accounts=21).ties
    assert not right._replace(lots=19).ties


async def test_outstanding_points_stand_by_tier_and_by_the_month_in_which_they_can_last_be_spent(bank: Bank):
    house, li, wang = bank.house, uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang), paid(li, 1_000_000, day=100))
    await bank.give(wang, 300, ago=1)
    await bank.give(wang, 200, ago=40)

    points = await report(house)

    assert points["outstanding"] == {
        "points": 10_500,
        "pending": 0,
        "expected_breakage": 0,
        "cost_minor": 10_500,
        "expected_cost_minor": 10_500,
    }
    tiers = {one["tier"]: one["points"] for one in points["by_tier"]}
    assert sum(tiers.values()) == 10_500
    assert tiers["member"] == 500
    assert len(tiers) == 2
    assert len(points["by_month"]) == 2
    assert sum(one["points"] for one in points["by_month"]) == 10_500
    assert sum(one["cost_minor"] for one in points["cells"]) == points["outstanding"]["cost_minor"]


async def test_breakage_is_the_share_that_expired_of_all_that_left(bank: Bank):
    house, li = bank.house, uuid7()
    await house.learn(a_customer(li))
    await bank.give(li, 100, ago=729)
    await bank.give(li, 300)
    await bank.spend(li, 75)
    await bank.pass_time(days=2)
    await bank.sweep()

    points = await report(house)

    assert points["breakage"]["expired_points"] == 25
    assert points["breakage"]["spent_points"] == 75
    assert points["breakage"]["share_basis_points"] == 2_500
    assert "expired" in points["breakage"]["text"]
    assert points["outstanding"]["points"] == 300
    assert points["outstanding"]["expected_breakage"] == 75
    assert points["outstanding"]["expected_cost_minor"] == 225


async def test_a_debt_is_told_beside_what_is_outstanding_and_does_not_lessen_it(bank: Bank):
    house, li, wang = bank.house, uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang))
    gift = await bank.give(li, 50)
    await bank.spend(li, 40)
    await bank.take_back(gift)
    await bank.give(wang, 10)

    points = await report(house)

    assert (points["outstanding"]["points"], points["debt"]) == (10, 40)
    assert points["movement"]["account_points"] == points["movement"]["lot_points"] == -30
    assert points["movement"]["ties"]


async def test_two_periods_that_touch_close_and_open_with_the_same_points(bank: Bank):
    house, li, order = bank.house, uuid7(), uuid7()
    await house.learn(
        a_customer(li), paid(li, 5000, order=order, day=10), refunded(li, order, 1000, day=40), paid(li, 700, day=60)
    )

    def day(number: int) -> str:
        return f"{at(number):%Y-%m-%d}"

    first = (await report(house, **{"from": day(0), "to": day(30)}))["movement"]
    second = (await report(house, **{"from": day(31), "to": day(100)}))["movement"]

    assert (first["opening"], first["earned"], first["closing"]) == (0, 50, 50)
    assert (second["opening"], second["earned"], second["reversed"], second["closing"]) == (50, 7, -10, 47)
    assert second["closing"] == second["ledger_points"]


async def test_a_day_is_a_day_of_the_programme_and_not_of_utc(bank: Bank):
    house, li = bank.house, uuid7()
    await house.learn(a_customer(li))
    midnight = datetime.fromisoformat(f"{at(50):%Y-%m-%d}T16:00:00+00:00")
    await bank.give(li, 7, ago=(bank.now - midnight) / timedelta(days=1))

    before = f"{midnight:%Y-%m-%d}"
    after = f"{midnight + timedelta(days=1):%Y-%m-%d}"

    assert (await report(house, **{"from": before, "to": before}))["movement"]["earned"] == 0
    assert (await report(house, **{"from": after, "to": after}))["movement"]["earned"] == 7


async def test_where_the_programme_lives_elsewhere_its_days_and_months_are_counted_there(bank: Bank):
    house, li, new_york = bank.house, uuid7(), ZoneInfo("America/New_York")
    await share(house, zone=new_york.key)
    await house.learn(a_customer(li))
    day = at(50).astimezone(new_york).date()
    before_midnight = datetime.combine(day, time(23, 30), new_york)
    await bank.give(li, 7, ago=(bank.now - before_midnight) / timedelta(days=1))

    of_day = await ask(house, **{"from": str(day), "to": str(day)})
    house.clock.set(datetime(2027, 3, 1, 1, tzinfo=SHANGHAI))
    of_today = await ask(house)

    assert of_day.json()["zone"] == new_york.key
    assert [one["movement"]["earned"] for one in of_day.json()["account_types"]] == [0, 7]
    points = of_today.json()["account_types"][1]["movement"]
    assert (points["from"], points["to"]) == ("2027-02-01", "2027-02-28")


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_opening_and_movement_come_to_closing_and_the_ledger_says_the_same(
    bank: Bank, seed: int
):
    house, chance = bank.house, Random(seed)
    members = [uuid7() for _ in range(4)]
    await house.learn(*[a_customer(one) for one in members])

    for _ in range(25):
        await _anything(bank, chance, members)
    gone, stays = members[:2]
    await house.learn(merged(gone, stays, day=99))
    await _anything(bank, chance, members[1:])

    today = bank.now.date()
    for type_ in ("points", "growth"):
        for _ in range(4):
            first = today - timedelta(days=chance.randrange(0, 900))
            last = first + timedelta(days=chance.randrange(0, 900))
            movement = (await report(house, type_, **{"from": f"{first}", "to": f"{last}"}))["movement"]
            assert movement["opening"] + moved(movement) == movement["closing"]
            assert movement["closing"] - movement["opening"] == await _between(house, type_, first, last)
            assert movement["ties"]
    assert not await bank.violations_but_overdue()


async def _anything(bank: Bank, chance: Random, members: list[UUID]) -> None:
    who, points = chance.choice(members), chance.randrange(1, 90)
    match chance.randrange(6):
        case 0:
            await bank.give(who, points, ago=chance.randrange(0, 800))
        case 1:
            await bank.take_back(await bank.give(who, points, ago=chance.randrange(0, 300)))
        case 2:
            try:
                await bank.spend(who, points)
            except InsufficientPoints:
                return
        case 3:
            order = uuid7()
            await bank.house.learn(
                refunded(who, order, points * 50, day=chance.randrange(0, 90)),
                paid(who, points * 100, order=order, day=chance.randrange(0, 90)),
            )
        case 4:
            await bank.pass_time(hours=12)
            await bank.sweep()
        case _:
            try:
                await bank.hold(who, points)
            except InsufficientPoints:
                return


async def _between(house: House, type_: str, first: date, last: date) -> int:
    """What customers' legs of these days sum to, asked another way: day by day, by the calendar of Shanghai."""
    async with house.db.transaction() as tx:
        return int(
            await tx.scalar(
                """SELECT coalesce(sum(l.amount), 0) FROM leg l JOIN posting p ON p.id = l.posting_id
                   WHERE l.customer_id IS NOT NULL AND l.account_type = :type
                     AND CAST(p.at AT TIME ZONE 'Asia/Shanghai' AS date) BETWEEN :first AND :last""",
                type=type_,
                first=first,
                last=last,
            )
        )


async def test_a_type_that_cannot_be_spent_moves_and_costs_nothing(bank: Bank):
    li = uuid7()
    await bank.house.learn(a_customer(li), paid(li, 5000, day=99))

    growth = await report(bank.house, "growth", **{"from": f"{at(0):%Y-%m-%d}"})

    assert growth["movement"]["earned"] == 50
    assert growth["movement"]["ties"]
    assert growth["outstanding"]["points"] == 0
    assert growth["outstanding"]["cost_minor"] is None
    assert growth["movement"]["lot_points"] is None


async def test_days_that_make_no_period_are_refused_by_name(bank: Bank):
    for query, pointer in (
        ({"from": "2026-02-02", "to": "2026-02-01"}, "#/query/from"),
        ({"from": "0001-01-01"}, "#/query/from"),
        ({"to": "9999-12-31"}, "#/query/to"),
        ({"to": "yesterday"}, "#/query/to"),
    ):
        answer = await ask(bank.house, **query)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_the_liability_is_not_for_members_nor_for_those_without_the_scope(bank: Bank):
    li = uuid7()
    await bank.house.learn(a_customer(li))

    assert (await ask(bank.house, headers=customer(li))).status_code == 403
    assert (await ask(bank.house, headers=staff("tickets:read"))).status_code == 403


def test_a_period_is_whole_days_with_both_ends():
    begins, ends = Period(date(2026, 3, 1), date(2026, 3, 1)).instants(SHANGHAI)

    assert ends - begins == timedelta(days=1)
    assert begins.isoformat() == "2026-03-01T00:00:00+08:00"
