"""Tier plans as members live under them: windows and periods, warnings, a plan that changes."""

from itertools import permutations
from typing import Any

import pytest

from moat.kit.ids import uuid7

from .builders import a_customer, at, merged, paid, refunded
from .house import House
from .rulebook import a_rule, fixed, put_in_force
from .test_statements import counted
from .tier_club import FLOORS, PATH, Club, a_plan

QUARTERLY = {"kind": "calendar", "unit": "quarter"}
ROLLING = {"kind": "rolling", "days": 60}


@pytest.fixture
def club(house: House) -> Club:
    return Club(house)


async def test_the_starting_plan_is_version_one_of_a_document(club: Club):
    document = await club.get(f"{PATH}/tiers")

    assert (document["version"], document["status"]) == (1, "published")
    assert [(tier["code"], tier["from_value"]) for tier in document["document"]["tiers"]] == list(FLOORS.items())


async def test_what_is_missing_is_told_in_numbers_and_in_both_languages(club: Club):
    li = uuid7()
    await club.house.learn(a_customer(li), paid(li, 38_000))

    english, chinese = await club.prospect(li), await club.prospect(li, "zh-CN")

    assert (english["code"], english["value"]) == ("silver", 380)
    assert english["next"] | {"text": ""} == {"code": "gold", "name": "Gold", "missing": 120, "by": None, "text": ""}
    assert english["text"].startswith("120 more ")
    assert english["text"].endswith(" to Gold")
    assert chinese["text"].startswith("还差 120 ")
    assert chinese["text"].endswith("即可升级为金卡")


async def test_a_new_plan_judges_everybody_anew_and_says_how_far_it_is(club: Club):
    li, wang = uuid7(), uuid7()
    await club.house.learn(paid(li, 30_000, day=1), paid(wang, 60_000, day=2))

    await club.publish(a_plan({"member": 0, "silver": 400, "gold": 500}))

    assert (await club.house.tier(li), await club.house.tier(wang)) == (("member", at(1)), ("gold", at(2)))
    judging = await club.get(f"{PATH}/tiers/judging")
    assert (judging["members"], judging["judged"], judging["moved"]) == (2, 2, 1)
    assert judging["finished_at"] is not None
    (fall,) = await club.house.said("tier.downgraded")
    assert fall[1:] == (li, {"from_tier": "silver", "to_tier": "member", "growth": 300})


async def test_facts_that_arrive_before_their_member_is_judged_anew_are_judged_by_the_new_plan(club: Club):
    li = uuid7()
    await club.house.learn(paid(li, 30_000, day=1))
    await club.shop.publish("tiers", a_plan({"member": 0, "silver": 310}), path=PATH)

    await club.house.learn(paid(li, 1_000, day=2))

    assert await club.house.tier(li) == ("silver", at(2))


async def test_a_preview_says_who_would_move(club: Club):
    await club.house.learn(paid(uuid7(), 30_000), paid(uuid7(), 30_000), paid(uuid7(), 100))

    draft = {"document": a_plan({"member": 0, "silver": 400})}
    answer = await club.shop.post(f"{PATH}/preview", draft)

    would = next(part for part in answer.values() if isinstance(part, dict) and "moves" in part)
    assert would == {
        "members_looked_at": 3,
        "tiers": {"member": 3, "silver": 0},
        "moves": [{"from": "silver", "to": "member", "members": 2}],
    }


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (a_plan({"silver": 5}), "/document/tiers/0/from_value"),
        (a_plan({"member": 0, "silver": 300, "gold": 200}), "/document/tiers/2/from_value"),
        (a_plan(fall={"way": "keep"}), "/document/fall"),
    ],
)
async def test_a_wrong_plan_is_refused_with_its_place(club: Club, document: dict[str, Any], pointer: str):
    answer = await club.shop.ask("POST", PATH, {"code": "tiers", "document": document})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_plan_counts_what_cannot_be_spent_and_is_never_retired(club: Club):
    draft = await club.shop.ask("POST", PATH, {"code": "tiers", "document": a_plan(over="points")})
    match = {"If-Match": draft.headers["ETag"]}

    published = await club.shop.ask("POST", f"{PATH}/tiers/publish", {}, **match)
    retired = await club.shop.ask("POST", f"{PATH}/tiers/retire", {}, **match)

    assert (published.status_code, published.json()["errors"][0]["pointer"]) == (422, "/over")
    assert (retired.status_code, retired.json()["code"]) == (409, "tiers.plan-needed")


async def test_benefits_of_each_tier_are_there_for_other_services(club: Club):
    document = a_plan({"member": 0, "silver": 200})
    terms = {"code": "free-shipping", "names": {"zh-CN": "免运费", "en": "Free shipping"}, "terms": {"from_minor": 0}}
    document["tiers"][1]["benefits"] = [terms]
    await club.publish(document)

    found = await club.get(f"{PATH}/tiers/benefits?tier=silver")

    benefit = {"code": "free-shipping", "name": "Free shipping", "terms": {"from_minor": 0}}
    assert found["tiers"] == [{"tier": "silver", "name": "A tier", "benefits": [benefit]}]


async def test_a_tier_falls_when_its_window_has_passed_and_one_is_warned_before(club: Club):
    li = uuid7()
    await club.publish(a_plan(span=ROLLING, fall={"way": "by_one", "grace_days": 10, "warn_days": 20}))
    await club.house.learn(a_customer(li), paid(li, 60_000, day=101))

    await club.until(150)
    assert await club.house.said("tier.downgrade_warned") == []
    await club.until(152)
    (warned,) = await club.house.said("tier.downgrade_warned")
    prospect = await club.prospect(li)
    glance = await club.get(f"/v1/customers/{li}/loyalty")
    await club.until(172)

    assert warned[2] | {"falls_at": ""} == {"tier": "gold", "to_tier": "silver", "falls_at": "", "missing": 500}
    assert (prospect["keep"]["missing"], prospect["falls_to"]) == (500, "silver")
    assert "500 more" in prospect["keep"]["text"]
    assert (glance["tier"]["next"]["code"], glance["tier"]["next"]["missing"]) == ("black", 400)
    assert await club.house.tier(li) == ("silver", at(171))
    # Falling by one, he is on his way further down at once, and is warned of that too.
    assert [told[2]["tier"] for told in await club.house.said("tier.downgrade_warned")] == ["gold", "silver"]


async def test_who_reaches_it_again_within_grace_keeps_the_tier_and_is_told(club: Club):
    li = uuid7()
    await club.publish(a_plan(span=ROLLING, fall={"grace_days": 10}))
    await club.house.learn(paid(li, 60_000, day=101))
    await club.until(165)

    await club.house.learn(paid(li, 60_000, day=165))

    assert await club.house.tier(li) == ("gold", at(101))
    assert [told[2]["tier"] for told in await club.house.said("tier.retained")] == ["gold"]
    assert await club.house.said("tier.downgraded") == []


async def test_an_order_that_lifts_a_member_by_several_rules_is_told_of_once(club: Club):
    await club.publish(a_plan())
    for code in ("bonus", "more"):
        await put_in_force(club.house, code, a_rule(fixed(200)))
    li = uuid7()

    await club.house.learn(paid(li, 20_000, day=1), paid(li, 40_000, day=1))

    assert [told[2] for told in await club.house.said("tier.upgraded")] == [
        {"from_tier": "member", "to_tier": "gold", "growth": 600},
        {"from_tier": "gold", "to_tier": "black", "growth": 1400},
    ]
    assert await club.house.tier(li) == ("black", at(1))


async def test_a_refund_takes_the_tier_along_that_its_order_gave(club: Club):
    li, order = uuid7(), uuid7()
    await club.publish(a_plan(span=QUARTERLY))
    await club.house.learn(paid(li, 60_000, order=order, day=99))

    await club.house.learn(refunded(li, order, 60_000, day=99.5))

    assert await club.tier(li) == "member"
    assert [told[0] for told in await club.house.said("tier.upgraded", "tier.downgraded")] == [
        "tier.upgraded",
        "tier.downgraded",
    ]


@pytest.mark.parametrize("span", [ROLLING, {**ROLLING, "valid_days": 40}, QUARTERLY])
async def test_orders_refunds_and_merges_in_any_order_end_in_the_same_tier(club: Club, span: dict[str, Any]):
    await club.publish(a_plan(span=span, fall={"way": "by_one", "grace_days": 5}))
    ends = set()
    for places in permutations(range(4)):
        li, wang, order = uuid7(), uuid7(), uuid7()
        facts = [
            paid(li, 60_000, order=order, day=1),
            refunded(li, order, 20_000, day=20),
            paid(wang, 70_000, day=50),
            merged(li, wang, day=70),
        ]
        await club.house.learn_one_by_one(*(facts[place] for place in places))
        await club.ring()
        ends.add((await club.house.tier(wang), await club.house.tier(li)))

    assert len(ends) == 1, ends


async def test_a_batch_under_the_starting_plan_takes_as_many_statements_whatever_its_size(house: House):
    await house.learn(paid(uuid7(), 10_000))
    sizes = []
    for number in (1, 50):
        with counted() as sent:
            await house.learn(*(paid(uuid7(), 30_000) for _ in range(number)))
        sizes.append(len(sent))

    assert sizes[0] == sizes[1]
