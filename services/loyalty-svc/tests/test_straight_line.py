"""A batch of paid orders becomes postings, balances, a tier and events, in one transaction."""

from loyalty_svc.features import SERVICE
from loyalty_svc.ledger.audit import audit
from moat.kit.ids import uuid7
from moat.kit.testing import deliver, published

from .builders import a_customer, at, paid


async def test_a_paid_order_becomes_points_a_member_and_events(database_of, clock):
    db = (await database_of("loyalty_svc")).db
    li = uuid7()

    await deliver(SERVICE, db, [a_customer(li), paid(li, 2933), paid(li, 30_000, day=2)], clock)

    async with db.transaction() as tx:
        rows = await tx.all("SELECT type, available, earned_total, reversed_total FROM account ORDER BY type")
        member = await tx.one("SELECT tier, since FROM membership WHERE customer_id = :id", id=li)
        recomputed = await audit(tx)
    assert [tuple(row) for row in rows] == [("growth", 329, 329, 0), ("points", 329, 329, 0)]
    assert tuple(member) == ("silver", at(2))
    assert recomputed.violations == []
    assert (recomputed.accounts, recomputed.postings, recomputed.entries) == (2, 2, 8)
    assert recomputed.totals["points"] == {
        "earned": 329, "reversed": 0, "spent": 0, "expired": 0, "adjusted": 0, "available": 329, "pending": 0, "reserved": 0,
    }  # fmt: skip
    assert [event.type for event in await published(db)] == [
        "moat.member.enrolled.v1",
        "moat.points.earned.v1",
        "moat.points.earned.v1",
        "moat.tier.upgraded.v1",
    ]
