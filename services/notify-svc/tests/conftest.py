from uuid import uuid5

import pytest

from moat.contracts.orders import OrderPaid
from moat.kit.ids import uuid7
from moat.kit.testing.events import an_event


@pytest.fixture
async def database(database_of):
    return await database_of("notify_svc")


@pytest.fixture
def an_order():
    def build(order_id="o-1", *, about=None, **more):
        data = OrderPaid(
            order_uid=uuid5(uuid7(), order_id),
            order_source="/shop",
            order_id=order_id,
            currency="CNY",
            total_minor=2933,
        )
        return an_event(data, about=about or uuid7(), **more)

    return build
