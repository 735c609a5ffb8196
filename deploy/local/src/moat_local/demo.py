"""The demo: real orders, sent once through the public intake as any shop would send them.

The shift of the dates is remembered before the first fact is sent, so that a resumed or repeated load gives identical
facts, which change nothing the second time.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from moat.kit.clock import Clock
from moat_local.calling import Gateway
from moat_local.cdnow.orders import Order, fact_of, read_orders, shift_to
from moat_local.home import Home
from moat_local.story import Story
from moat_local.troubles import Trouble

BATCH_FACTS: Final = 500
SETTLE_SECONDS_MAX: Final = 900.0
_FILE: Final = "demo.json"


def is_loaded(home: Home) -> bool:
    """Whether this home's demo was sent and has settled."""
    return bool((home.read(_FILE) or {}).get("settled"))


async def load_demo(home: Home, gateway: Gateway, story: Story, clock: Clock, *, again: bool = False) -> None:
    """Send what was not sent yet (all of it with `again`) and wait until the house has digested it. Raises Trouble."""
    orders = read_orders()
    state = home.read(_FILE)
    if state is None:
        yesterday = clock.now().date() - timedelta(days=1)
        state = {"shift_days": shift_to(orders, yesterday), "sent": 0, "settled": False}
        home.write(_FILE, state)
    begin = 0 if again else int(state["sent"])
    with story.bar(f"Replaying {len(orders):,} real orders through POST /v1/events", len(orders)) as bar:
        bar.at(begin, len(orders))
        while begin < len(orders):
            end = end_of_batch(orders, begin)
            await _send(gateway, orders[begin:end], int(state["shift_days"]))
            state["sent"] = max(int(state["sent"]), end)
            home.write(_FILE, state)
            bar.at(end, len(orders))
            begin = end
    await settle(gateway, story)
    home.write(_FILE, {**state, "settled": True})


def end_of_batch(orders: Sequence[Order], begin: int) -> int:
    """Where the batch that begins at `begin` ends: at most 500 orders on, and between two customers.

    Between two batches the services draw conclusions; half of a customer's history would look like a silence that the
    other half then ends, and staff would find a follow-up that was opened and solved in one breath.
    """
    end = min(begin + BATCH_FACTS, len(orders))
    while begin < end < len(orders) and orders[end].customer == orders[end - 1].customer:
        end -= 1
    return end if end > begin else min(begin + BATCH_FACTS, len(orders))


async def _send(gateway: Gateway, orders: list[Order], shift_days: int) -> None:
    answer = await gateway.send([fact_of(order, shift_days) for order in orders])
    if answer["accepted"] != len(orders):
        raise Trouble(f"The intake refused orders of the demo: {answer['rejected'][:3]}")


async def settle(gateway: Gateway, story: Story) -> None:
    """Wait until every service has handled all there is. Raises Trouble when that takes too long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS_MAX
    most = 0
    with story.bar("Waiting until every service has handled them", 0) as bar:
        while True:
            status = await gateway.get("/v1/ops/status")
            if status["settled"]:
                return
            left = sum(_left(service) for service in status["services"])
            most = max(most, left)
            bar.at(most - left, most)
            if loop.time() > deadline:
                raise Trouble(f"The services are still busy after {SETTLE_SECONDS_MAX / 60:.0f} minutes: {status}")
            await asyncio.sleep(0.3)


def _left(service: dict[str, Any]) -> int:
    """How much one service has still to do, as far as it says."""
    return sum(int(service.get(name) or 0) for name in ("outbox", "lag", "timers_overdue"))
