"""The HTTP doors: membership and postings, for staff, keys and the customer himself."""

from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.web import client_for

from .builders import a_customer, merged, paid, refunded
from .house import House

READER = staff("loyalty:read")
ZEROS = {
    "available": 0,
    "pending": 0,
    "reserved": 0,
    "earned_total": 0,
    "spent_total": 0,
    "expired_total": 0,
    "reversed_total": 0,
}


async def get(house: House, path: str, headers: dict[str, str]):
    async with client_for(SERVICE, house.db, house.clock) as http:
        return await http.get(path, headers=headers)


def membership_of(who: UUID) -> str:
    return f"/v1/customers/{who}/loyalty"


async def test_a_known_customer_without_postings_has_zeros_and_the_first_tier(house: House):
    li = uuid7()
    await house.learn(a_customer(li))

    answer = await get(house, membership_of(li), READER | {"Accept-Language": "en"})

    assert answer.json() == {
        "customer_id": str(li),
        "accounts": [{"type": "points", **ZEROS}, {"type": "growth", **ZEROS}],
        "tier": {
            "code": "member",
            "name": "Member",
            "since": None,
            "next": {"code": "silver", "name": "Silver", "missing": 200},
        },
    }


async def test_a_membership_says_balances_tier_and_what_is_missing(house: House):
    li, order = uuid7(), uuid7()
    await house.learn(a_customer(li), paid(li, 40_000, order=order, day=1), refunded(li, order, 10_000, day=2))

    answer = (await get(house, membership_of(li), READER)).json()

    assert answer["accounts"][0] == {
        "type": "points",
        **ZEROS,
        "available": 300,
        "earned_total": 400,
        "reversed_total": 100,
    }
    assert (answer["tier"]["code"], answer["tier"]["name"]) == ("silver", "银卡")
    assert answer["tier"]["next"] == {"code": "gold", "name": "金卡", "missing": 200}


async def test_nothing_is_missing_at_the_top(house: House):
    li = uuid7()
    await house.learn(a_customer(li), paid(li, 1_000_000))

    tier = (await get(house, membership_of(li), READER)).json()["tier"]

    assert (tier["code"], tier["name"], tier["next"]) == ("black", "黑金", None)


async def test_the_merged_id_answers_the_survivor(house: House):
    li, wang = uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang), paid(li, 10_000), merged(li, wang))

    answer = (await get(house, membership_of(li), READER)).json()

    assert answer["customer_id"] == str(wang)
    assert answer["accounts"][0]["available"] == 100


async def test_postings_are_paged_newest_first_with_their_causes(house: House):
    li, order = uuid7(), uuid7()
    first = paid(li, 30_000, order=order, day=1)
    back = refunded(li, order, 10_000, day=2)
    await house.learn(a_customer(li), first, back, paid(li, 5_000, day=3))

    page = (await get(house, membership_of(li) + "/postings?limit=2", READER)).json()
    rest = (await get(house, membership_of(li) + f"/postings?limit=2&cursor={page['next_cursor']}", READER)).json()

    rows = page["items"] + rest["items"]
    assert [(row["kind"], row["amount"], row["balance_after"], row["reason"]) for row in rows] == [
        ("earned", 50, 250, "order.paid"),
        ("reversed", -100, 200, "order.refunded"),
        ("earned", 300, 300, "order.paid"),
    ]
    assert rows[1]["cause"] == {"event_id": back.id, "order_id": f"o-{order}", "rule": None}
    assert rows[2]["cause"] == {"event_id": first.id, "order_id": f"o-{order}", "rule": "order-points@1"}
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("path", ["", "/postings"])
async def test_a_customer_reads_his_own_and_no_other(house: House, path: str):
    li, wang = uuid7(), uuid7()
    await house.learn(a_customer(li), a_customer(wang), paid(li, 10_000), paid(wang, 20_000))

    own = await get(house, membership_of(li) + path, customer(li))
    foreign = await get(house, membership_of(wang) + path, customer(li))
    missing = await get(house, membership_of(UUID(int=5)) + path, customer(li))

    assert own.status_code == 200
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json()["title"] == missing.json()["title"]


async def test_a_customer_reads_what_staff_read_of_him(house: House):
    li = uuid7()
    await house.learn(a_customer(li), paid(li, 30_000), paid(li, 10_000))

    for path in (membership_of(li), membership_of(li) + "/postings"):
        assert (await get(house, path, customer(li))).json() == (await get(house, path, READER)).json()


@pytest.mark.parametrize("query", ["?cursor=nonsense", "?limit=0", "?limit=201", "?colour=red", "?account_type=stamps"])
async def test_a_bad_query_is_named(house: House, query: str):
    li = uuid7()
    await house.learn(a_customer(li))

    assert (await get(house, membership_of(li) + "/postings" + query, READER)).status_code == 422


async def test_row_level_security_shows_no_foreign_row_and_takes_no_change(house: House):
    li, wang, order = uuid7(), uuid7(), uuid7()
    await house.learn(paid(li, 30_000), paid(wang, 30_000, order=order), refunded(wang, order, 100))

    for table in ("account", "posting", "entry", "membership", "order_earning"):
        async with house.db.transaction(customer=li) as tx:
            owners = set((await tx.execute(f"SELECT customer_id FROM {table}")).scalars())
        assert owners == {li}, table
        with pytest.raises(DBAPIError, match="permission denied"):
            async with house.db.transaction(customer=li) as tx:
                await tx.execute(f"DELETE FROM {table}")
