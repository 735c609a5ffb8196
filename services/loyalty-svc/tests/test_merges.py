"""Two customers turn out to be one: balances, totals, tier and orders follow, whatever arrives first."""

from itertools import permutations

from moat.kit.ids import uuid7

from .builders import a_customer, at, merged, paid, refunded
from .house import House


async def test_a_merge_moves_balances_and_lifetime_totals_by_a_posting(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    await house.learn(
        paid(li, 30_000, order=order, day=1), refunded(li, order, 10_000, day=2), paid(wang, 5_000, day=3)
    )
    before = await house.audit()

    await house.learn(merged(li, wang))

    after = await house.audit()
    assert await house.points(li) == (0, 0, 0)
    assert await house.points(wang) == (250, 350, 100)
    assert await house.tier(li) == ("member", None)
    assert after.violations == []
    assert after.totals == before.totals
    async with house.db.transaction() as tx:
        row = await tx.one("SELECT kind, cause_id, customer_id FROM posting WHERE kind = 'transferred'")
    assert tuple(row) == ("transferred", li, wang)


async def test_a_merge_may_raise_the_tier(house: House):
    li, wang = uuid7(), uuid7()
    await house.learn(paid(li, 15_000, day=1), paid(wang, 15_000, day=5))

    await house.learn(merged(li, wang, day=50))

    assert await house.tier(wang) == ("silver", at(5))
    (upgrade,) = await house.said("tier.upgraded")
    assert upgrade[1:] == (wang, {"from_tier": "member", "to_tier": "silver", "growth": 300})


async def test_one_who_only_brings_his_tier_along_is_not_upgraded_again(house: House):
    li, wang = uuid7(), uuid7()
    await house.learn(paid(li, 30_000, day=1))

    await house.learn(merged(li, wang))

    assert await house.tier(wang) == ("silver", at(1))
    assert len(await house.said("tier.upgraded")) == 1
    assert len(await house.said("member.enrolled")) == 1


async def test_order_refund_and_merge_in_any_order_end_in_the_same_state(house: House):
    ends = []
    for one_batch in (True, False):
        for places in permutations(range(4)):
            li, wang, order = uuid7(), uuid7(), uuid7()
            facts = [
                paid(li, 60_000, order=order, day=1),
                refunded(li, order, 30_000, day=2),
                paid(wang, 10_000, day=3),
                merged(li, wang, day=4),
            ]
            arrival = [facts[place] for place in places]
            await (house.learn(*arrival) if one_batch else house.learn_one_by_one(*arrival))
            ends.append((await house.points(wang), await house.points(li), await house.tier(wang)))

    assert (await house.audit()).violations == []
    assert len(set(ends)) == 1
    assert ends[0] == ((400, 700, 300), (0, 0, 0), ("silver", at(2)))


async def test_a_refund_after_the_merge_is_taken_from_the_survivor(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang), paid(li, 10_000, order=order, day=1), paid(wang, 1_000, day=1))
    await house.learn(merged(li, wang))

    await house.learn(refunded(li, order, 10_000, day=60))

    assert await house.points(wang) == (10, 110, 100)
    assert (await house.audit()).violations == []


async def test_a_chain_of_merges_ends_at_the_last(house: House):
    li, wang, zhao, order = uuid7(), uuid7(), uuid7(), uuid7()
    await house.learn(paid(li, 10_000, order=order), paid(wang, 20_000), paid(zhao, 30_000))

    await house.learn(merged(li, wang), merged(wang, zhao))
    await house.learn(merged(li, wang), merged(wang, zhao), refunded(wang, order, 5_000, day=60))

    assert await house.points(zhao) == (550, 600, 50)
    assert (await house.audit()).violations == []
