"""loyalty-svc is killed in the middle of a batch of orders and refunds, at each of its steps.

It gets the batch again and the end is the same as if nothing had happened: every order counts once, whichever
statement the process died in, and also when the batch was committed but nobody had told the log how far it was read.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from moat.kit.ids import uuid7
from moat.kit.messaging.log import Record
from whole.facts import word
from whole.mortal import Mortal, record_of
from whole.stopping import Moment, stopped_at

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300), pytest.mark.xdist_group("mortal-loyalty")]

CUSTOMERS = 25
# (total, refunded) of each customer's orders; the refund of the last is written before its order.
ORDERS = ((2_933, 0), (40_000, 10_000), (999, 999), (51_250, 20_500))
IN_THE_BATCH = [
    Moment("INSERT", "inbox"),
    Moment("INSERT", "order_earning"),
    Moment("INSERT", "account"),
    Moment("INSERT", "posting"),
    Moment("INSERT", "lot"),
    Moment("INSERT", "membership"),
    Moment("INSERT", "outbox"),
    Moment("INSERT", "posting", in_commit=True),
]
OFFSETS = Moment("UPDATE", "group_place")


def _earned(total: int) -> int:
    return total // 100


def _kept(total: int, refunded: int) -> int:
    return _earned(total) * (total - refunded) // total


EARNED = sum(_earned(total) for total, _ in ORDERS)
KEPT = sum(_kept(total, refunded) for total, refunded in ORDERS)


def _a_batch(loyalty: Mortal) -> tuple[list[UUID], list[Record]]:
    """Customers who have bought nothing yet, and what they bought and gave back."""
    ids, records = [uuid7() for _ in range(CUSTOMERS)], []
    loyalty.be_there()
    loyalty.welcome(ids)
    loyalty.settle()  # what it has read of them is not what a test waits for
    at = datetime.now(UTC) - timedelta(days=3)
    for id_ in ids:
        for total, refunded in ORDERS:
            order = {"order_uid": str(uuid7()), "order_source": "/shops/main", "order_id": word(), "currency": "CNY"}
            paid = order | {"total_minor": total, "lines": []}
            both = [record_of("moat.order.paid.v1", "moat.orders", id_, paid, at=at)]
            if refunded:
                back = order | {"refund_id": word(), "amount_minor": refunded, "lines": []}
                both.append(record_of("moat.order.refunded.v1", "moat.orders", id_, back, at=at + timedelta(hours=1)))
            records += reversed(both) if total == ORDERS[-1][0] else both
    return ids, records


def _assert_everything_counts_once(loyalty: Mortal, ids: list[UUID]) -> None:
    loyalty.settle()
    for id_ in ids:
        read = loyalty.get(f"/v1/customers/{id_}/loyalty")
        points = next(account for account in read["accounts"] if account["type"] == "points")
        assert (points["available"], points["earned_total"], points["reversed_total"]) == (KEPT, EARNED, EARNED - KEPT)
        assert read["tier"]["code"] == "gold"
    # One event for each order that earned, and for each refund that took something back: once each, also on the log.
    announced = loyalty.announced(*ids)
    wanted = Counter({"points.earned": len(ORDERS), "points.reversed": 3, "member.enrolled": 1})
    assert {name: announced[name] for name in wanted} == {name: times * CUSTOMERS for name, times in wanted.items()}
    assert loyalty.get("/v1/loyalty/audit")["violations"] == []
    assert loyalty.get("/v1/ops/dead-letters")["items"] == []


@pytest.mark.parametrize("moment", IN_THE_BATCH, ids=str)
def test_a_batch_that_was_killed_at_any_step_counts_once(loyalty: Mortal, moment: Moment):
    ids, records = _a_batch(loyalty)

    with stopped_at(loyalty.urls.owner, moment) as stop:
        loyalty.tell(records)
        stop.reached()
        loyalty.kill()
    loyalty.start()

    _assert_everything_counts_once(loyalty, ids)


def test_a_batch_that_was_committed_and_not_yet_told_to_the_log_counts_once(loyalty: Mortal):
    ids, records = _a_batch(loyalty)

    with stopped_at(loyalty.log_url, OFFSETS) as stop:
        loyalty.tell(records)
        stop.reached()
        committed = loyalty.sql("SELECT count(*) FROM order_earning WHERE customer_id = ANY ($1)", ids)[0][0]
        loyalty.kill()
    loyalty.start()

    assert committed > 0
    _assert_everything_counts_once(loyalty, ids)
