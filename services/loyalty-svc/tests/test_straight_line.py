"""A batch of paid orders becomes postings, balances, a tier and events, in one transaction."""

from moat.kit.ids import uuid7

from .builders import a_customer, at, paid
from .house import House


async def test_paid_orders_become_points_a_tier_and_events(house: House):
    li = uuid7()

    await house.learn(a_customer(li), paid(li, 2933, day=1), paid(li, 30_000, day=2))

    assert await house.points(li) == (329, 329, 0)
    assert await house.tier(li) == ("silver", at(2))
    assert [(type_, about) for type_, about, _ in await house.said()] == [
        ("member.enrolled", li),
        ("points.earned", li),
        ("points.earned", li),
        ("tier.upgraded", li),
    ]


async def test_announced_points_say_order_rule_and_balance(house: House):
    li, order = uuid7(), uuid7()

    await house.learn(paid(li, 10_000))
    await house.learn(paid(li, 2933, order=order))

    _, second = await house.said("points.earned")
    assert second[2] | {"posting_id": None} == {
        "posting_id": None,
        "account_type": "points",
        "amount": 29,
        "balance_after": 129,
        "order_uid": str(order),
        "order_id": f"o-{order}",
        "rule": "order-points@1",
        "rules": {"order-points@1": 29},
    }


async def test_the_audit_counts_both_sides_of_every_entry(house: House):
    li, wang = uuid7(), uuid7()

    await house.learn(paid(li, 10_000), paid(wang, 5_000), paid(li, 2_000))

    audit = await house.audit()
    assert (audit.accounts, audit.postings, audit.entries, audit.violations) == (4, 3, 12, [])
    assert audit.totals["points"] == audit.totals["growth"]
    assert audit.totals["points"] == {
        "earned": 170,
        "reversed": 0,
        "spent": 0,
        "expired": 0,
        "adjusted": 0,
        "available": 170,
        "pending": 0,
        "reserved": 0,
    }


async def test_an_order_below_one_unit_or_in_an_unlisted_currency_is_kept_and_earns_nothing(house: House):
    li = uuid7()

    await house.learn(paid(li, 99), paid(li, 500_000, currency="JPY"), paid(li, 0))

    assert await house.points(li) == (0, 0, 0)
    assert await house.said() == []
    async with house.db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM order_earning WHERE customer_id = :id", id=li) == 3


async def test_a_second_delivery_changes_nothing(house: House):
    li = uuid7()
    events = [paid(li, 10_000), paid(li, 5_000)]

    await house.learn(*events, *events)
    await house.learn(*reversed(events))

    assert await house.points(li) == (150, 150, 0)
    assert len(await house.said("points.earned")) == 2


async def test_the_same_order_paid_again_under_another_event_changes_nothing(house: House):
    li, order = uuid7(), uuid7()

    await house.learn(paid(li, 10_000, order=order), paid(li, 10_000, order=order))
    await house.learn(paid(li, 10_000, order=order))

    assert await house.points(li) == (100, 100, 0)


async def test_each_award_keeps_rule_version_and_the_conditions_that_matched(house: House):
    await house.learn(paid(uuid7(), 10_000))

    async with house.db.transaction() as tx:
        rule, matched = await tx.one("SELECT rule, matched FROM posting")
    assert (rule, matched) == ("order-points@1", "/condition/rules/0")
