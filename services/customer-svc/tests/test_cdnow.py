"""The demo's orders, as real shops have them: the published totals come out, loaded once or twice."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from customer_svc.features import SERVICE
from moat.kit.testing import deliver, published

from .builders import paid

SAMPLE = Path(__file__).parents[3] / "deploy/local/src/moat_local/cdnow/CDNOW_sample.txt"
pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason="the CDNOW sample is not here")


async def test_the_sample_makes_its_customers_and_totals_once(db, clock):
    facts = []
    for number, line in enumerate(SAMPLE.read_text("ascii").splitlines(), start=1):
        master, _, day, _, dollars = line.split()
        fact = paid(
            f"cdnow-{number}",
            f"cdnow/customer_id/{master}",
            total=round(float(dollars) * 100),
            currency="USD",
            source="/demo/cdnow",
            id=f"cdnow-{number}-paid",
        )
        fact.time = datetime.strptime(f"{day} 12", "%Y%m%d %H").replace(tzinfo=UTC)
        facts.append(fact)

    for start in [*range(0, len(facts), 2000), 0]:
        await deliver(SERVICE, db, facts[start : start + 2000], clock)

    async with db.transaction() as tx:
        row = await tx.one(
            "SELECT count(*) AS n, sum(orders_count) AS orders, sum(CAST(spent->>'USD' AS bigint)) AS s FROM profile"
        )
        orders = await tx.scalar("SELECT count(*) FROM customer_order WHERE status = 'paid'")
    assert (row.n, row.orders, row.s, orders) == (2357, 6919, 24_409_194, 6919)
    assert len({event.about for event in await published(db)}) == 2357
