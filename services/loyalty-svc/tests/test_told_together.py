"""What one event gave or took in one account is told of once, by whatever rules; everything else by itself."""

from datetime import timedelta
from uuid import UUID

from loyalty_svc.ledger.announcing import moved_by
from loyalty_svc.ledger.posting import Basis, Cause, Kind, Posted, Posting, Touched
from moat.kit.events import Cause as EventCause
from moat.kit.ids import uuid7

from .builders import at, paid, refunded
from .house import House
from .rulebook import a_rule, fixed, put_in_force


async def test_an_order_that_several_rules_reward_is_told_of_once(house: House):
    li, order = uuid7(), uuid7()
    await put_in_force(house, "gift", a_rule(fixed(20), credits=["points"]))

    await house.learn(paid(li, 10_000, order=order))

    ((_, who, told),) = await house.said("points.earned")
    assert (who, told["account_type"], told["amount"], told["balance_after"]) == (li, "points", 120, 120)
    assert (told["order_uid"], told["rule"]) == (str(order), None)
    assert told["rules"] == {"gift@1": 20, "order-points@1": 100}
    assert told["posting_id"] == str(await posting_of(house, "order-points@1"))


async def test_orders_of_one_batch_are_told_of_each_by_itself(house: House):
    li = uuid7()
    await put_in_force(house, "gift", a_rule(fixed(20)))

    await house.learn(paid(li, 10_000), paid(li, 5_000, day=2))

    told = [(data["amount"], data["balance_after"]) for _, _, data in await house.said("points.earned")]
    assert told == [(120, 120), (70, 190)]


async def test_what_waits_is_told_apart_from_what_can_be_spent(house: House):
    li = uuid7()
    await put_in_force(house, "later", a_rule(fixed(20), pending_days=366))
    await put_in_force(house, "latest", a_rule(fixed(30), pending_days=365))

    await house.learn(paid(li, 10_000))

    # Each of them comes of age by itself, and names its posting then.
    assert {(type_, data["amount"], data["rule"]) for type_, _, data in await house.said("points.earned")} == {
        ("points.earned", 100, "order-points@1")
    }
    assert {(data["amount"], data["rule"]) for _, _, data in await house.said("points.pending")} == {
        (20, "later@1"),
        (30, "latest@1"),
    }


async def test_what_a_refund_takes_back_in_one_account_is_told_of_once(house: House):
    li, order = uuid7(), uuid7()
    await put_in_force(house, "gift", a_rule(fixed(20), credits=["points"]))

    await house.learn(paid(li, 10_000, order=order))
    await house.learn(refunded(li, order, 5_000))

    ((_, _, told),) = await house.said("points.reversed")
    assert (told["amount"], told["balance_after"], told["order_uid"]) == (60, 60, str(order))


async def test_other_customers_instants_account_types_and_causes_are_told_of_apart(house: House):
    li, wang, cause = uuid7(), uuid7(), EventCause("e-1", None, None)
    run = [
        earned(li, 1),
        earned(li, 2),
        earned(wang, 3),
        earned(wang, 4, day=2),
        earned(wang, 5, day=2, account_type="stars"),
        earned(wang, 6, day=2),
        earned(wang, 7, day=2),
        earned(wang, 8, day=2),
        earned(wang, 9, day=2),
    ]
    causes = [cause, cause, cause, cause, cause, cause, EventCause("e-1", None, None), None, None]

    async with house.db.transaction() as tx:
        moved_by(tx, run, causes)

    told = await house.said("points.earned")
    assert [(who, data["account_type"], data["amount"]) for _, who, data in told] == [
        (li, "points", 1 + 2),
        (wang, "points", 3),
        (wang, "points", 4 + 6),
        (wang, "stars", 5),
        (wang, "points", 7),
        (wang, "points", 8),
        (wang, "points", 9),
    ]


def earned(who: UUID, amount: int, *, day: float = 1, account_type: str = "points") -> Posted:
    """A posting in an account that is not new."""
    basis = Basis(Kind.EARNED, "order.paid", (account_type,), "rule@1")
    posting = Posting(who, basis, at(day), Cause(uuid7(), "", ""), (amount,))
    account = Touched(who, account_type, at(day), before_at=at(day) - timedelta(days=1))
    return Posted(uuid7(), posting, [account], [amount])


async def posting_of(house: House, rule: str) -> UUID:
    async with house.db.transaction() as tx:
        return await tx.scalar("SELECT id FROM posting WHERE rule = :rule", rule=rule)
