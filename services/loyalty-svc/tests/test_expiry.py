"""Points that come of age and that expire: each once, whatever stopped meanwhile."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from itertools import permutations

import pytest

from loyalty_svc.accounts.types import CalendarExpiry, NeverExpires, RollingExpiry, expires_at
from loyalty_svc.expiry import usecases as expiry
from loyalty_svc.expiry.calendar import next_at, warned_until
from loyalty_svc.ledger.problems import InsufficientPoints
from moat.kit.ids import uuid7

from .bank import Bank
from .builders import at, merged, paid, refunded
from .house import House
from .rulebook import share

LONG_AGO = -700  # Days before the first of all, 800 before today.


@pytest.fixture
def bank(house: House) -> Bank:
    return Bank(house)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expiry", "earned", "expires"),
    [
        (NeverExpires(), utc(2026, 3, 1), None),
        (RollingExpiry(days=730), utc(2026, 3, 1, 12), utc(2028, 2, 29, 12)),
        (CalendarExpiry(period="month"), utc(2026, 1, 31, 15, 59), utc(2026, 1, 31, 16)),
        (CalendarExpiry(period="month"), utc(2026, 1, 31, 16), utc(2026, 2, 28, 16)),
        (CalendarExpiry(period="month", grace_days=3), utc(2028, 2, 10), utc(2028, 3, 3, 16)),
        (CalendarExpiry(period="quarter"), utc(2026, 11, 20), utc(2026, 12, 31, 16)),
        (CalendarExpiry(period="year", periods_later=1), utc(2026, 11, 20), utc(2027, 12, 31, 16)),
    ],
)
def test_when_points_expire(expiry, earned: datetime, expires: datetime | None):
    assert expires_at(expiry, earned) == expires


def test_work_of_the_day_falls_due_by_the_clocks_of_shanghai():
    morning = utc(2026, 11, 20, 0, 30)  # Half past eight in Shanghai.

    assert next_at(time(9), morning) == utc(2026, 11, 20, 1)
    assert next_at(time(8), morning) == utc(2026, 11, 21, 0)
    assert warned_until(morning, 1) == utc(2026, 11, 21, 16)


async def test_a_month_ends_at_midnight_in_shanghai_whatever_the_zone_of_the_programme(bank: Bank):
    li = uuid7()
    await share(bank.house, zone="America/New_York")
    await bank.give(li, 10, expires=CalendarExpiry(period="month"))

    async with bank.house.db.transaction() as tx:
        ends = await tx.scalar("SELECT expires_at FROM lot")

    assert ends == utc(2026, 11, 30, 16)


async def test_points_are_spent_by_earliest_expiry_and_then_earliest_earned(bank: Bank):
    li = uuid7()
    await bank.give(li, 10, ago=1)
    await bank.give(li, 20, ago=5, expires=NeverExpires())
    await bank.give(li, 30, ago=9)
    await bank.give(li, 40, ago=0, expires=RollingExpiry(days=3))

    await bank.spend(li, 75)

    assert await bank.lots_of(li) == [5, 20]
    assert await bank.violations() == []


async def test_points_expire_once_when_their_time_has_come(bank: Bank):
    li = uuid7()
    await bank.give(li, 100, ago=729)
    await bank.give(li, 50, ago=10)
    await bank.spend(li, 30)
    await bank.sweep()

    await bank.pass_time(days=2)
    await bank.pass_time(hours=3)

    assert await bank.holds_of(li) == (50, 0, 0)
    (told,) = await bank.house.said("points.expired")
    assert (told[1], told[2]["amount"], told[2]["balance_after"]) == (li, 70, 50)
    audit = await bank.house.audit()
    assert (audit.totals["points"]["expired"], audit.violations) == (70, [])


async def test_what_has_expired_cannot_be_spent_although_nobody_swept(bank: Bank):
    li = uuid7()
    await bank.give(li, 100, ago=729)
    await bank.give(li, 50, ago=10)
    bank.house.clock.advance(timedelta(days=2))

    with pytest.raises(InsufficientPoints) as refused:
        await bank.spend(li, 51)
    await bank.spend(li, 50)

    assert refused.value.facts["available"] == 50
    assert await bank.holds_of(li) == (0, 0, 0)
    assert await bank.violations() == []


async def test_a_hold_keeps_points_from_expiring_until_it_ends(bank: Bank):
    li = uuid7()
    await bank.give(li, 100, ago=729)
    held, over = await bank.hold(li, 40, minutes=60 * 24 * 5), await bank.hold(li, 20, minutes=60 * 24 * 3)
    await bank.sweep()

    await bank.pass_time(days=2)
    assert await bank.holds_of(li) == (0, 0, 60)
    await bank.confirm(held)
    assert await bank.holds_of(li) == (0, 0, 20)
    await bank.pass_time(days=2)

    assert over.status == "held"
    assert await bank.holds_of(li) == (0, 0, 0)
    assert [data["amount"] for _, _, data in await bank.house.said("points.expired")] == [40, 20]
    assert await bank.violations() == []


async def test_facts_older_than_the_expiry_period_earn_and_expire_in_the_same_batch(bank: Bank):
    li = uuid7()

    await bank.house.learn(paid(li, 10_000, day=LONG_AGO), paid(li, 5_000, day=1))

    assert await bank.house.points(li) == (50, 150, 0)
    assert [(type_, data.get("amount")) for type_, _, data in await bank.house.said()][:4] == [
        ("member.enrolled", None),
        ("points.earned", 100),
        ("points.earned", 50),
        ("points.expired", 100),
    ]
    assert (await bank.house.audit()).totals["growth"]["available"] == 150
    assert await bank.violations() == []


async def test_old_orders_refunds_and_merges_end_the_same_in_any_order_of_arrival(bank: Bank):
    ends = set()
    for places in permutations(range(4)):
        li, wang, order = uuid7(), uuid7(), uuid7()
        facts = [
            paid(li, 10_000, order=order, day=LONG_AGO),
            refunded(li, order, 6_000, day=LONG_AGO + 5),
            paid(wang, 5_000, day=1),
            merged(li, wang, day=2),
        ]
        await bank.house.learn_one_by_one(*[facts[place] for place in places])
        async with bank.house.db.transaction() as tx:
            ends.add(
                tuple(
                    await tx.one(
                        "SELECT available, earned_total, reversed_total, expired_total FROM account"
                        " WHERE customer_id = :id AND type = 'points'",
                        id=wang,
                    )
                )
            )

    assert ends == {(50, 150, 60, 40)}
    assert await bank.violations() == []


async def test_an_order_refunded_after_its_points_expired_leaves_no_debt(bank: Bank):
    li, order = uuid7(), uuid7()
    await bank.house.learn(paid(li, 10_000, order=order, day=LONG_AGO))

    await bank.house.learn(refunded(li, order, 10_000))

    assert await bank.house.points(li) == (0, 100, 100)
    assert (await bank.house.audit()).totals["points"]["expired"] == 0
    assert await bank.violations() == []


async def test_points_that_wait_come_of_age_by_the_minute(bank: Bank):
    li = uuid7()
    await bank.give(li, 100, pending=timedelta(days=7))
    assert await bank.holds_of(li) == (0, 100, 0)
    with pytest.raises(InsufficientPoints):
        await bank.spend(li, 1)

    await bank.pass_time(days=6, hours=23)
    assert await bank.holds_of(li) == (0, 100, 0)
    await bank.pass_time(hours=1)

    assert await bank.holds_of(li) == (100, 0, 0)
    assert [type_ for type_, _, _ in await bank.house.said()] == ["member.enrolled", "points.pending", "points.earned"]
    assert await bank.violations() == []


async def test_old_facts_do_not_wait_again(bank: Bank):
    li = uuid7()

    await bank.give(li, 100, ago=8, pending=timedelta(days=7))

    assert await bank.holds_of(li) == (100, 0, 0)
    assert [type_ for type_, _, _ in await bank.house.said("points.pending", "points.earned")] == ["points.earned"]


async def test_what_waits_is_taken_back_from_what_waits(bank: Bank):
    li = uuid7()
    cause = await bank.give(li, 100, pending=timedelta(days=7))
    await bank.give(li, 50)

    await bank.take_back(cause)
    await bank.take_back(cause)

    assert await bank.holds_of(li) == (50, 0, 0)
    assert await bank.violations() == []


async def test_people_are_warned_once_of_each_day(bank: Bank):
    li, wang = uuid7(), uuid7()
    await bank.give(li, 100, ago=705)
    await bank.give(li, 20, ago=705)
    await bank.give(wang, 50, ago=600)
    async with bank.house.db.transaction() as tx:
        await expiry.keep_going(tx, now=bank.now)

    await bank.pass_time(days=1)
    await bank.pass_time(days=1)
    async with bank.house.db.transaction() as tx:
        await expiry.warn(tx, now=bank.now)

    (told,) = await bank.house.said("points.expiring")
    assert told[1] == li
    assert (told[2]["amount"], told[2]["expires_on"]) == (120, "2026-12-15")


async def test_an_outage_skips_nobody_and_a_restart_tells_nobody_twice(bank: Bank):
    soon, gone = uuid7(), uuid7()
    await bank.give(soon, 100, ago=690)
    await bank.give(gone, 100, ago=715)
    async with bank.house.db.transaction() as tx:
        await expiry.keep_going(tx, now=bank.now)
    bank.house.clock.advance(timedelta(days=20))  # Nobody was there.

    await asyncio.gather(bank.ring(), bank.ring())
    await bank.ring()

    assert [who for _, who, _ in await bank.house.said("points.expired")] == [gone]
    assert [who for _, who, _ in await bank.house.said("points.expiring")] == [soon]
    assert await bank.holds_of(gone) == (0, 0, 0)
    assert await bank.violations() == []


async def test_a_merge_does_not_warn_again(bank: Bank):
    li, wang = uuid7(), uuid7()
    await bank.give(li, 100, ago=705)
    await bank.give(wang, 10, ago=705)
    async with bank.house.db.transaction() as tx:
        await expiry.warn(tx, now=bank.now)

    await bank.house.learn(merged(li, wang))
    async with bank.house.db.transaction() as tx:
        await expiry.warn(tx, now=bank.now)

    assert {who for _, who, _ in await bank.house.said("points.expiring")} == {li, wang}
    assert await bank.lots_of(wang) == [10, 100] or await bank.lots_of(wang) == [100, 10]


async def test_the_nightly_audit_raises_one_alarm_that_operations_see(bank: Bank):
    li = uuid7()
    await bank.give(li, 100)
    async with bank.house.db.transaction() as tx:
        await tx.execute("UPDATE account SET available = available + 1 WHERE type = 'points'")
        await expiry.keep_going(tx, now=bank.now)

    await bank.pass_time(days=1)
    await bank.pass_time(days=1)

    async with bank.house.db.transaction() as tx:
        rows = await tx.all("SELECT topic, type, code, status, error FROM dead_letter ORDER BY error")
        again = await tx.scalar("SELECT due_at FROM timer WHERE kind = 'ledger.audit'")
    assert [tuple(row)[:4] for row in rows] == [("timers", "ledger.audit", "ledger.violated", "pending")] * 2
    assert [row.error[:2] for row in rows] == ["L2", "L5"]
    assert again > bank.now


def test_the_day_of_the_tests_is_what_they_think():
    assert at(0) < at(LONG_AGO + 800)
