"""Two who were one are two again: points, growth, totals, tiers and orders part, whatever arrives first."""

from itertools import permutations
from uuid import UUID

from moat.kit.ids import uuid7

from .bank import Bank
from .builders import a_customer, again, at, merged, paid, parted, refunded
from .house import House


async def test_each_gets_back_what_he_earned_and_the_sums_stay(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    merge = merged(li, wang)
    await house.learn(paid(li, 30_000, order=order, day=1), paid(wang, 5_000, day=3))
    await house.learn(refunded(li, order, 10_000, day=5), again(merge))
    before = await house.audit()

    await house.learn(parted(merge, order))

    after = await house.audit()
    assert await house.points(li) == (200, 300, 100)
    assert await house.points(wang) == (50, 50, 0)
    assert after.violations == []
    assert after.totals == before.totals
    assert await house.tier(li) == ("silver", at(1))
    assert await house.tier(wang) == ("member", at(3))
    told = await house.said("tier.upgraded", "tier.downgraded")
    assert [(name, who) for name, who, _ in told[-2:]] == [("tier.downgraded", wang), ("tier.upgraded", li)]


async def test_what_was_spent_together_is_gone_from_the_lots_that_paid(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    merge = merged(li, wang)
    await house.learn(paid(li, 10_000, order=order, day=1), paid(wang, 10_000, day=2))
    await house.learn(again(merge))
    await Bank(house).spend(wang, 130)

    await house.learn(parted(merge, order))

    assert (await house.points(li))[0] == 0
    assert (await house.points(wang))[0] == 70
    assert (await house.audit()).violations == []


async def test_an_order_of_his_that_came_while_they_were_one_is_his_and_so_is_its_refund(house: House):
    li, wang, order, since = uuid7(), uuid7(), uuid7(), uuid7()
    merge = merged(li, wang)
    await house.learn(paid(li, 10_000, order=order, day=1), paid(wang, 20_000, day=2))
    await house.learn(again(merge))
    await house.learn(paid(wang, 40_000, order=since, day=52))

    await house.learn(parted(merge, order, since))
    await house.learn(refunded(li, since, 10_000, day=70), refunded(li, order, 10_000, refund="r-2", day=70))

    assert await house.points(li) == (300, 500, 200)
    assert await house.points(wang) == (200, 200, 0)
    assert (await house.audit()).violations == []


async def test_debts_and_what_is_held_stay_with_the_survivor(house: House):
    li, wang, order, own, bank = uuid7(), uuid7(), uuid7(), uuid7(), Bank(house)
    merge = merged(li, wang)
    await house.learn(paid(li, 10_000, order=order, day=1), paid(wang, 3_000, order=own, day=2))
    await house.learn(again(merge))
    await bank.hold(wang, 20)

    await house.learn(parted(merge, order))

    assert await bank.holds_of(wang) == (10, 0, 20)
    assert await bank.holds_of(li) == (100, 0, 0)
    await house.learn(again(again_merge := merged(li, wang, day=61)))
    await bank.hold(wang, 60)
    await bank.spend(wang, 50)
    await house.learn(refunded(wang, own, 3_000, day=62))
    assert await bank.holds_of(wang) == (-30, 0, 80)

    await house.learn(parted(again_merge, order, day=63))

    assert await bank.holds_of(wang) == (-30, 0, 80)
    assert await bank.holds_of(li) == (0, 0, 0)
    assert await bank.violations() == []


async def test_two_may_be_merged_and_part_again_and_again(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    await house.learn(paid(li, 10_000, order=order, day=1), paid(wang, 20_000, day=2))

    for day in range(50, 56):
        merge = merged(li, wang, day=day)
        await house.learn(again(merge))
        assert ((await house.points(li))[0], (await house.points(wang))[0]) == (0, 300)
        await house.learn(parted(merge, order, day=day))
        assert ((await house.points(li))[0], (await house.points(wang))[0]) == (100, 200)

    assert (await house.audit()).violations == []


async def test_a_chain_parts_from_its_end_and_who_came_along_goes_along(house: House):
    li, wang, zhao, hers, his = uuid7(), uuid7(), uuid7(), uuid7(), uuid7()
    first, second = merged(li, wang, day=50), merged(wang, zhao, day=51)
    await house.learn(paid(li, 10_000, order=hers), paid(wang, 20_000, order=his), paid(zhao, 30_000))
    await house.learn(again(first), again(second))

    await house.learn(parted(second, hers, his, formers=(li,)))
    assert [(await house.points(who))[0] for who in (li, wang, zhao)] == [0, 300, 300]
    await house.learn(parted(first, hers))

    assert [(await house.points(who))[0] for who in (li, wang, zhao)] == [100, 200, 300]
    assert (await house.audit()).violations == []


async def test_orders_refunds_merge_and_split_in_any_order_and_again_end_in_the_same_state(house: House):
    """The merge comes before the split that undoes it, as both are about one customer; all else comes as it likes."""
    ends = []
    for places in list(permutations(range(6)))[::23]:
        li, wang, order, since = uuid7(), uuid7(), uuid7(), uuid7()
        merge = merged(li, wang, day=4)
        facts = [
            paid(li, 60_000, order=order, day=1),
            refunded(li, order, 30_000, day=2),
            paid(wang, 10_000, day=3),
            paid(wang, 20_000, order=since, day=5),
            refunded(wang, since, 10_000, day=6),
            parted(merge, order, since, day=7),
        ]
        arrival = [facts[place] for place in places]
        cut = arrival.index(facts[5])
        arrival.insert(places[0] % (cut + 1), merge)
        for event in [*arrival, *arrival]:
            await house.learn(again(event))
        ends.append(await state_of(house, li, wang))

    assert (await house.audit()).violations == []
    assert len(set(ends)) == 1
    assert ends[0][0] == ((400, 800, 400), ("silver", at(6)))


async def state_of(house: House, *customers: UUID) -> tuple[object, ...]:
    return tuple([(await house.points(id_), await house.tier(id_)) for id_ in customers])


async def test_one_batch_may_part_merge_and_part_them_again(house: House):
    li, wang, zhao, order = uuid7(), uuid7(), uuid7(), uuid7()
    first, second, third = merged(li, wang), merged(li, wang, day=52), merged(li, zhao, day=54)
    await house.learn(paid(li, 10_000, order=order), paid(wang, 5_000), paid(zhao, 3_000), again(first))

    await house.learn(
        parted(first, order, day=51),
        again(second),
        parted(second, order, day=53),
        again(third),
        parted(third, order, day=55),
    )

    assert [await house.points(who) for who in (li, wang, zhao)] == [(100, 100, 0), (50, 50, 0), (30, 30, 0)]
    assert (await house.audit()).violations == []


async def test_a_split_whose_merge_is_not_known_yet_moves_nothing(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    merge = merged(li, wang)
    await house.learn(paid(li, 10_000, order=order), paid(wang, 5_000))

    await house.learn_one_by_one(parted(merge, order), again(merge))

    assert [await house.points(who) for who in (li, wang)] == [(100, 100, 0), (50, 50, 0)]
    assert (await house.audit()).violations == []


async def test_one_batch_may_bring_them_together_and_apart(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    merge = merged(li, wang)

    await house.learn(
        a_customer(li), a_customer(wang), paid(li, 10_000, order=order), merge, paid(wang, 5_000), parted(merge, order)
    )

    assert [(await house.points(who))[0] for who in (li, wang)] == [100, 50]
    assert (await house.audit()).violations == []
