"""What a member and an auditor can follow: amounts that sum to the balance, also of those who were or are one."""

from itertools import pairwise
from uuid import UUID

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for

from .bank import Bank
from .builders import a_customer, again, merged, paid, parted, refunded
from .house import House

READER = staff("loyalty:read")


async def statement(house: House, who: UUID, limit: int = 2) -> list[tuple[str, int, int]]:
    """(kind, amount, balance after) as the member reads them, page by page; staff read the same."""
    path, found, cursor = f"/v1/customers/{who}/loyalty/postings?limit={limit}", [], ""
    async with client_for(SERVICE, house.db, house.clock) as http:
        while cursor is not None:
            page = (await http.get(path + (cursor and f"&cursor={cursor}"), headers=customer(who))).json()
            assert page == (await http.get(path + (cursor and f"&cursor={cursor}"), headers=READER)).json()
            found += [(row["kind"], row["amount"], row["balance_after"]) for row in page["items"]]
            cursor = page["next_cursor"]
    return found


async def holds_true(house: House, who: UUID) -> bool:
    """Whether amounts sum to the balance, and each balance follows from the one before."""
    rows = await statement(house, who)
    available, pending, reserved = await Bank(house).holds_of(who)
    steps = [newer[2] - older[2] == newer[1] for newer, older in pairwise(rows)]
    first_to_last = [rows[0][2], sum(amount for _, amount, _ in rows)]
    return all(steps) and first_to_last == [available + pending + reserved] * 2


async def test_what_a_merged_customer_earned_is_on_the_statement_of_whom_he_became(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang))
    await house.learn_one_by_one(
        paid(li, 10_000, order=order, day=1),
        paid(wang, 20_000, day=2),
        merged(li, wang),
        refunded(li, order, 4_000, day=60),
    )

    rows = await statement(house, wang)

    assert rows == [("reversed", -40, 260), ("earned", 200, 300), ("earned", 100, 100)]
    assert await statement(house, li) == rows


async def test_each_who_parts_reads_what_came_and_what_went(house: House):
    li, wang, order, bank = uuid7(), uuid7(), uuid7(), Bank(house)
    merge = merged(li, wang)
    await house.learn(a_customer(li), a_customer(wang))
    await house.learn_one_by_one(paid(li, 10_000, order=order, day=1), paid(wang, 20_000, day=2), again(merge))
    await bank.spend(wang, 30)

    await house.learn(parted(merge, order))

    # What he earned first was spent first.
    assert await statement(house, li) == [
        ("transferred", 70, 70),
        ("transferred", -100, 0),
        ("earned", 100, 100),
    ]
    assert await statement(house, wang) == [
        ("transferred", -70, 200),
        ("spent", -30, 270),
        ("transferred", 100, 300),
        ("earned", 200, 200),
    ]
    assert await holds_true(house, li)
    assert await holds_true(house, wang)


async def test_a_statement_holds_true_through_chains_of_merges_and_splits(house: House):
    li, wang, zhao = uuid7(), uuid7(), uuid7()
    orders = {who: uuid7() for who in (li, wang, zhao)}
    first, second = merged(li, wang, day=50), merged(wang, zhao, day=55)
    await house.learn(*map(a_customer, orders))
    await house.learn_one_by_one(
        *[paid(who, 10_000, order=order) for who, order in orders.items()], again(first), again(second)
    )
    as_one = await statement(house, zhao)

    await house.learn(parted(second, orders[li], orders[wang], formers=(li,), day=60))

    assert as_one == [("earned", 100, 300), ("earned", 100, 200), ("earned", 100, 100)]
    assert [await holds_true(house, who) for who in (wang, zhao)] == [True, True]


async def test_nobody_reads_what_is_anothers(house: House):
    li, wang, zhao = uuid7(), uuid7(), uuid7()
    await house.learn(*map(a_customer, (li, wang, zhao)))
    await house.learn_one_by_one(paid(zhao, 5_000), paid(li, 10_000), merged(li, wang))

    async with house.db.transaction(customer=zhao) as tx:
        seen = [set(await tx.all(f"SELECT DISTINCT customer_id FROM {table}")) for table in ("posting", "entry")]
    async with house.db.transaction(customer=wang) as tx:
        his = {row[0] for row in await tx.all("SELECT DISTINCT customer_id FROM posting")}

    assert [{row[0] for row in rows} for rows in seen] == [{zhao}, {zhao}]
    assert his == {li, wang}
