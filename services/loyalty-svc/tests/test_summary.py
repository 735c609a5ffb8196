"""How many customers stand in each tier, over all of them."""

from loyalty_svc.features import SERVICE
from moat.kit.ids import uuid7
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .builders import a_customer, paid
from .house import House


async def test_everybody_is_counted_once_and_who_got_nothing_stands_in_the_lowest_tier(house: House):
    silver, member, nobody = uuid7(), uuid7(), uuid7()
    await house.learn(*(a_customer(who) for who in (silver, member, nobody)))
    await house.learn(paid(silver, 20_000, order=uuid7(), day=1), paid(member, 100, order=uuid7(), day=1))

    async with client_for(SERVICE, house.db, house.clock) as http:
        answer = await http.get("/v1/loyalty/summary", headers=staff("loyalty:read") | {"Accept-Language": "en"})

    summary = answer.json()
    assert summary["customers"] == 3
    assert [(tier["name"], tier["customers"]) for tier in summary["tiers"]] == [
        ("Member", 2),
        ("Silver", 1),
        ("Gold", 0),
        ("Black", 0),
    ]
