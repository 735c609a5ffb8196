"""An earning rule run over what happened: it says to the point what the ledger got, and would have got."""

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from loyalty_svc.earning.rules import RULES
from moat.kit.clock import FrozenClock
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.messaging.log import Record
from moat.kit.testing.plugin import DatabaseOf

from .builders import a_customer, at, merged, paid, refunded
from .house import House
from .past import Past, given, net, record_of
from .rulebook import PER_UNIT, a_rule, at_most, end, fixed, put_in_force, share, times, where
from .task_plans import did


@pytest.fixture
async def past(house: House, pglog_url: str) -> AsyncIterator[Past]:
    shop = await Past.begin(house, pglog_url)
    yield shop
    await shop.log.close()


def facts_of_a_shop(seed: int) -> list[Event[Any]]:
    """Orders, refunds before and after them, told twice, and visits, of a dozen customers."""
    dice = random.Random(seed)
    who = [uuid7() for _ in range(12)]
    found: list[Event[Any]] = [a_customer(one) for one in who]
    for _ in range(45):
        one, order, day = dice.choice(who), uuid7(), dice.uniform(1, 60)
        total = dice.randrange(0, 60_000)
        buys = paid(one, total, order=order, day=day, currency=dice.choice(["CNY", "CNY", "CNY", "JPY", "SEK"]))
        own = [buys, *([buys] if dice.random() < 0.1 else [])]
        if total > 1 and dice.random() < 0.35:
            own += [
                refunded(one, order, dice.randrange(1, total), refund=f"r{n}", day=day + n, currency=buys.data.currency)
                for n in range(1, dice.randrange(2, 4))
            ]
            dice.shuffle(own)
        found += own
        if dice.random() < 0.4:
            found.append(did(one, day=day))
    return found


async def put_rules_in_force(house: House, **changed: dict[str, Any]) -> None:
    """Limits, a budget, tiers, something on top, and a rule about visits."""
    await end(house, "order-points")
    await share(house, limits=[at_most(900, per="week")])
    rules = {
        "base": a_rule(limits=[at_most(400)], by_tier={"silver": 1.5, "gold": 2}),
        "twice": a_rule(times("base", "2"), condition=where("total_minor", ">", 30_000), budget=1_200),
        "big": a_rule(fixed(50), condition=where("total_minor", ">=", 50_000), cooldown_hours=48, credits=["points"]),
        "visits": a_rule(
            fixed(3), on="customer.activity_recorded", limits=[at_most(1, per="day", what="awards", way="refuse")]
        ),
    }
    for code, document in (rules | changed).items():
        await put_in_force(house, code, document)


async def test_what_it_says_of_what_is_published_is_what_the_ledger_got_to_the_point(past: Past):
    await put_rules_in_force(past.house)
    await past.happen(*facts_of_a_shop(1))
    published = (await past.ask("GET", "/v1/loyalty/earning-rules/base")).json()["document"]

    found = await past.simulate("earning_rule", "base", published)

    result = found["result"]
    for account_type in ("points", "growth"):
        got = sum((await net(past.house, account_type)).values())
        assert got > 500
        assert given(result, account_type) == (got, got)
    assert (result["winners"], result["losers"], result["difference"]) == (0, 0, 0)
    assert sum(week["published"] for week in result["by_week"]) == result["published"]
    assert sum(tier["customers"] for tier in result["by_tier"]) == result["customers"] > 8
    assert await past.customers(found["id"]) == {}


async def test_what_it_says_of_a_draft_is_what_members_get_where_that_is_published(
    past: Past, database_of: DatabaseOf, clock: FrozenClock
):
    draft = a_rule(PER_UNIT | {"points": 3}, limits=[at_most(700)], by_tier={"silver": 2})
    facts = facts_of_a_shop(2)
    await put_rules_in_force(past.house)
    await past.happen(*facts)
    elsewhere = House((await database_of("loyalty_svc")).db, clock)
    await put_rules_in_force(elsewhere, base=draft)
    await elsewhere.learn_one_by_one(*facts)

    found = await past.simulate("earning_rule", "base", draft)

    before, after = await net(past.house), await net(elsewhere)
    assert given(found["result"]) == (sum(before.values()), sum(after.values()))
    assert given(found["result"], "growth")[1] == sum((await net(elsewhere, "growth")).values())
    differ = {who for who in {*before, *after} if before.get(who, 0) != after.get(who, 0)}
    assert await past.customers(found["id"]) == {who: (before.get(who, 0), after.get(who, 0)) for who in differ}
    winners = {who for who in differ if after.get(who, 0) > before.get(who, 0)}
    assert set(await past.customers(found["id"], "winners")) == winners
    assert (found["result"]["winners"], found["result"]["losers"]) == (len(winners), len(differ) - len(winners))
    top = found["result"]["top"]
    assert [abs(one["difference"]) for one in top] == sorted((abs(one["difference"]) for one in top), reverse=True)


async def test_a_new_rule_is_run_beside_those_that_are_published(past: Past):
    li, wang = uuid7(), uuid7()
    await past.happen(paid(li, 10_000, day=3), paid(wang, 90_000, day=12))

    found = await past.simulate(
        "earning_rule", "big", a_rule(fixed(50), condition=where("total_minor", ">", 50_000), credits=["points"])
    )

    result = found["result"]
    assert (result["published"], result["draft"], result["counted"]) == (1_000, 1_050, ["points"])
    assert [(one["customer_id"], one["difference"]) for one in result["top"]] == [(str(wang), 50)]
    assert [(week["published"], week["draft"]) for week in result["by_week"]] == [(100, 100), (900, 950)]
    assert [(one["tier"], one["winners"]) for one in result["by_tier"]] == [("member", 0), ("gold", 1)]
    assert found["progress"] == 100
    assert found["events_read"] == 2
    assert result["summary"] == (
        "Over the last 1100 days 1 customers would have got more with the draft, 0 less, 1 the same; "
        "in all 1,050 instead of 1,000 (+50). The cost changes by +0.50 CNY."
    )


async def test_costs_are_those_of_the_account_type_rounded_up(past: Past):
    answer = await past.ask("GET", "/v1/loyalty/account-types/points")
    document = answer.json()["document"] | {"unit_cost": {"currency": "CNY", "minor_per_thousand": 1_501}}
    etag = await past.ask("POST", "/v1/loyalty/account-types", {"code": "points", "document": document})
    path = "/v1/loyalty/account-types/points/publish"
    assert (await past.ask("POST", path, {}, **{"If-Match": etag.headers["ETag"]})).status_code == 200
    await past.happen(paid(uuid7(), 10_100))

    found = await past.simulate("earning_rule", "more", a_rule(fixed(100), credits=["points"]))

    points = found["result"]["accounts"][1]
    assert (points["account_type"], points["currency"]) == ("points", "CNY")
    assert (points["published_cost_minor"], points["draft_cost_minor"]) == (152, 302)
    assert found["result"]["summary"].endswith("The cost changes by +1.50 CNY.")
    assert "成本变化：+1.50 CNY。" in (await past.read(UUID(found["id"]), "zh-CN"))["result"]["summary"]


async def test_what_is_told_late_is_judged_by_the_version_that_was_valid_when_it_happened(past: Past):
    await put_in_force(past.house, "base", a_rule(), begins=at(0))
    await put_in_force(past.house, "base", a_rule(PER_UNIT | {"points": 10}), begins=at(10))
    li = uuid7()
    await past.happen(paid(li, 10_000, day=11), paid(li, 10_000, day=9), paid(li, 10_000, day=-3))

    found = await past.simulate("earning_rule", "base", a_rule(PER_UNIT | {"points": 2}))

    # Beside it the first rule gives 100 for each. Nobody judged by `base` before its first day; the draft always does.
    assert given(found["result"]) == (300 + 1_000 + 100, 300 + 3 * 200)
    assert (await past.house.points(li))[0] == 1_400


async def test_what_happened_before_the_window_is_left_out_and_so_are_refunds_of_it(past: Past):
    li, old = uuid7(), uuid7()
    await past.happen(paid(li, 50_000, order=old, day=60), paid(li, 10_000, day=98), refunded(li, old, 50_000, day=99))

    found = await past.simulate("earning_rule", "order-points", a_rule(PER_UNIT | {"points": 2}), days=5)

    assert given(found["result"]) == (100, 200)


async def test_merged_customers_are_one(past: Past):
    li, lee = uuid7(), uuid7()
    await past.happen(a_customer(li), a_customer(lee), paid(li, 10_000), paid(lee, 20_000), merged(lee, li))

    found = await past.simulate("earning_rule", "order-points", a_rule(PER_UNIT | {"points": 2}))

    assert await past.customers(found["id"]) == {li: (300, 600)}


async def test_records_that_nobody_can_read_are_skipped_and_counted(past: Past):
    good = record_of(paid(uuid7(), 10_000))
    await past.write(
        Record(good.topic, good.key, b"{", good.headers),
        Record(good.topic, b"nobody", good.value, tuple(one for one in good.headers if one[0] != "ce_subject")),
        Record(good.topic, good.key, b"\xff", (("ce_type", b"moat.order.shipped.v1"),)),
        good,
    )

    found = await past.simulate("earning_rule", "order-points", a_rule(PER_UNIT | {"points": 2}))

    assert (found["events_read"], found["events_skipped"]) == (1, 2)
    assert given(found["result"]) == (100, 200)


async def test_an_empty_past_gives_an_empty_result(past: Past):
    found = await past.simulate("earning_rule", "order-points", a_rule())

    assert (found["result"]["customers"], found["result"]["published"], found["result"]["top"]) == (0, 0, [])


async def test_what_a_limit_would_hold_is_told_apart(past: Past):
    await past.append(*(paid(uuid7(), 10_000) for _ in range(3)))

    held = a_rule(limits=[at_most(1, of="everyone", what="awards", way="hold")])
    found = await past.simulate("earning_rule", "order-points", held)

    assert given(found["result"]) == (300, 100)
    assert found["result"]["held"] == {"published": 0, "draft": 200}


async def test_conditions_over_tiers_see_the_tier_that_the_draft_itself_leads_to(past: Past):
    li = uuid7()
    await past.happen(paid(li, 10_000, day=1), paid(li, 10_000, day=2), paid(li, 10_000, day=3))
    document = a_rule(PER_UNIT | {"points": 2}, by_tier={"silver": 2})

    found = await past.simulate("earning_rule", "order-points", document)

    # By the draft he is in silver, from 200 growth on, at the second order, and in gold at the third.
    assert given(found["result"]) == (300, 200 + 400 + 200)
    assert RULES.name == found["kind"]
