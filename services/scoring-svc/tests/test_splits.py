"""Two who were one are two again: each is judged by his own orders, whatever arrives first."""

from itertools import permutations
from typing import Any

from moat.kit.clock import FrozenClock
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase, deliver
from scoring_svc.features import SERVICE

from .builders import merged, paid, parted, refunded
from .reading import CLEARED, NOW, RAISED, ago, state_of, told
from .test_any_order import as_received


async def test_after_a_split_each_is_judged_by_his_own_orders(scoring: TestDatabase, clock: FrozenClock):
    silent, recent = uuid7(), uuid7()
    old, new = paid(silent, ago(days=500), 7_000), paid(recent, ago(days=1), 2_000)
    merge = merged(silent, recent, NOW)
    await deliver(SERVICE, scoring.db, [as_received(one) for one in (old, new, merge)], clock)

    await deliver(SERVICE, scoring.db, [parted(merge, NOW, [old])], clock)

    _, risks, due = await state_of(scoring.db)
    assert {(row[0], row[1], row[5]) for row in risks} == {(silent, 1, 7_000), (recent, 1, 2_000)}
    assert [key for _, key, _ in due] == [str(recent)]
    assert (await told(scoring.db))[-1] == (RAISED, silent)


async def test_who_has_no_order_left_has_no_risk(scoring: TestDatabase, clock: FrozenClock):
    silent, other = uuid7(), uuid7()
    old, merge = paid(silent, ago(days=500)), merged(silent, other, NOW)
    await deliver(SERVICE, scoring.db, [as_received(old)], clock)
    await deliver(SERVICE, scoring.db, [as_received(merge)], clock)

    await deliver(SERVICE, scoring.db, [parted(merge, NOW, [old])], clock)

    _, risks, due = await state_of(scoring.db)
    assert ([row[0] for row in risks], due) == ([silent], [])
    assert (await told(scoring.db))[-2:] == [(CLEARED, other), (RAISED, silent)]


async def test_orders_refunds_merge_and_split_in_any_order_end_in_the_same_state(database_of: Any, clock: FrozenClock):
    li, wang = uuid7(), uuid7()
    before, own = paid(li, ago(days=90), 5_000), paid(wang, ago(days=60), 3_000)
    since = paid(wang, ago(days=30), 4_000)
    merge = merged(li, wang, NOW)
    facts = [before, own, since, refunded(since, NOW, 1_000), parted(merge, NOW, [before, since])]
    states = []

    for places in list(permutations(range(5)))[::11]:
        database = await database_of("scoring_svc")
        await deliver(SERVICE, database.db, [as_received(merge)], clock)
        for place in (*places, *places[:2]):
            await deliver(SERVICE, database.db, [as_received(facts[place])], clock)
        states.append(await state_of(database.db))

    assert all(state == states[0] for state in states)
    assert {(row[0], row[1], row[5]) for row in states[0][1]} == {(li, 2, 8_000), (wang, 1, 3_000)}
