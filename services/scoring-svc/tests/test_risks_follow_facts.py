"""Facts in, risks out, on real PostgreSQL."""

from datetime import timedelta

from moat.kit.clock import FrozenClock
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase, deliver, published
from moat.kit.timers.runner import fire
from scoring_svc.features import SERVICE
from scoring_svc.risk.timers import timers

from .builders import created, paid, refunded
from .reading import CHANGED, CLEARED, NOW, RAISED, ago, state_of, times_of, told


async def test_a_recent_buyer_gets_a_timer_for_the_instant_of_his_crossing(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()

    await deliver(SERVICE, scoring.db, [created(customer, NOW), paid(customer, NOW)], clock)

    _, risks, due = await state_of(scoring.db)
    assert await told(scoring.db) == []
    assert len(risks) == 1
    [(kind, key, due_at)] = due
    assert (kind, key) == ("risk.crossing", str(customer))
    assert abs(due_at - (NOW + timedelta(days=240))) <= timedelta(milliseconds=1)


async def test_silence_raises_the_risk_by_itself_at_the_crossing(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, scoring.db, [paid(customer, NOW, 12_345)], clock)
    [(_, _, due_at)] = (await state_of(scoring.db))[2]
    clock.set(due_at)

    fired = await fire(SERVICE, timers.kinds[0], scoring.db, clock)

    [event] = await published(scoring.db)
    assert fired == 1
    assert (event.type, event.about) == (RAISED, customer)
    assert event.data["score"] >= 80
    assert (event.data["band"], event.data["value_minor"], event.data["value_currency"]) == ("high", 12_345, "CNY")
    assert event.data["reasons"] == ["silence.days", "silence.single_day"]
    assert await times_of(scoring.db) == [due_at]
    assert (await state_of(scoring.db))[2] == []


async def test_nothing_fires_a_millisecond_early(scoring: TestDatabase, clock: FrozenClock):
    await deliver(SERVICE, scoring.db, [paid(uuid7(), NOW)], clock)
    [(_, _, due_at)] = (await state_of(scoring.db))[2]
    clock.set(due_at - timedelta(milliseconds=1))

    await fire(SERVICE, timers.kinds[0], scoring.db, clock)

    assert await published(scoring.db) == []
    assert len((await state_of(scoring.db))[2]) == 1


async def test_a_purchase_moves_the_one_timer(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, scoring.db, [paid(customer, ago(days=10))], clock)
    [(_, _, before)] = (await state_of(scoring.db))[2]

    await deliver(SERVICE, scoring.db, [paid(customer, NOW)], clock)

    [(_, _, after)] = (await state_of(scoring.db))[2]
    assert after != before


async def test_a_timer_that_outlived_its_purchase_only_sets_itself_anew(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, scoring.db, [paid(customer, NOW)], clock)
    async with scoring.db.transaction() as tx:
        await tx.execute("UPDATE timer SET due_at = :at", at=NOW)

    await fire(SERVICE, timers.kinds[0], scoring.db, clock)

    [(_, _, due_at)] = (await state_of(scoring.db))[2]
    assert await published(scoring.db) == []
    assert due_at > NOW + timedelta(days=239)


async def test_history_loaded_late_is_raised_at_once_with_the_time_of_its_crossing(
    scoring: TestDatabase, clock: FrozenClock
):
    customer, order_at = uuid7(), ago(days=500)

    await deliver(SERVICE, scoring.db, [paid(customer, order_at)], clock)

    assert await told(scoring.db) == [(RAISED, customer)]
    [time] = await times_of(scoring.db)
    assert abs(time - (order_at + timedelta(days=240))) <= timedelta(milliseconds=1)


async def test_a_purchase_clears_what_silence_raised(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, scoring.db, [paid(customer, ago(days=500))], clock)

    again = paid(customer, ago(hours=1))
    await deliver(SERVICE, scoring.db, [again], clock)

    assert await told(scoring.db) == [(RAISED, customer), (CLEARED, customer)]
    assert (await times_of(scoring.db))[-1] == again.time
    assert len((await state_of(scoring.db))[2]) == 1


async def test_while_raised_a_refund_is_announced_as_a_change_of_value(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    order = paid(customer, ago(days=500), 15_000)
    await deliver(SERVICE, scoring.db, [order], clock)

    await deliver(SERVICE, scoring.db, [refunded(order, NOW, 6_000)], clock)

    events = await published(scoring.db)
    assert [event.type for event in events] == [RAISED, CHANGED]
    assert events[1].data["value_minor"] == 9_000


async def test_a_fact_that_changes_neither_score_nor_value_is_not_announced(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    order = paid(customer, ago(days=500), 15_000)
    await deliver(SERVICE, scoring.db, [order], clock)

    await deliver(SERVICE, scoring.db, [refunded(order, NOW, 6_000, currency="USD")], clock)
    await deliver(SERVICE, scoring.db, [order], clock)

    assert await told(scoring.db) == [(RAISED, customer)]


async def test_a_refund_that_comes_first_waits_for_its_order(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    order = paid(customer, ago(days=500), 15_000)

    await deliver(SERVICE, scoring.db, [refunded(order, NOW, 20_000)], clock)
    assert (await state_of(scoring.db))[1] == []
    await deliver(SERVICE, scoring.db, [order], clock)

    [event] = await published(scoring.db)
    assert event.data["value_minor"] == 0


async def test_the_value_is_in_the_currency_he_spent_most_in(scoring: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    at = ago(days=500)

    await deliver(
        SERVICE,
        scoring.db,
        [
            paid(customer, at, 700, currency="USD"),
            paid(customer, at, 500),
            paid(customer, at, 200),
            paid(customer, at, 699, currency="EUR"),
        ],
        clock,
    )

    [event] = await published(scoring.db)
    assert (event.data["value_minor"], event.data["value_currency"]) == (700, "CNY")
