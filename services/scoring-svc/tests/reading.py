"""What tests read of the scoring service's database."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from moat.kit.db.database import Database
from moat.kit.testing import published

NOW: Final = datetime(2026, 11, 20, 8, tzinfo=UTC)
RAISED, CHANGED, CLEARED = (f"moat.risk.{name}.v1" for name in ("raised", "changed", "cleared"))


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


async def state_of(db: Database) -> tuple[list[Any], list[Any], list[Any]]:
    async with db.transaction() as tx:
        purchases = await tx.all(
            "SELECT order_uid, customer_id, paid_at, purchase_date, currency, total_minor, net_minor, refunds "
            "FROM purchase ORDER BY order_uid"
        )
        risks = await tx.all("SELECT * FROM risk WHERE high_at IS NOT NULL ORDER BY customer_id")
        timer = await tx.all("SELECT kind, key, due_at FROM timer ORDER BY key")
    return [tuple(row) for row in purchases], [tuple(row) for row in risks], [tuple(row) for row in timer]


async def told(db: Database) -> list[tuple[str, UUID]]:
    return [(event.type, event.about) for event in await published(db)]


async def times_of(db: Database) -> list[datetime]:
    async with db.transaction() as tx:
        rows = await tx.all("SELECT headers FROM outbox ORDER BY seq")
    return [datetime.fromisoformat(row.headers["time"]) for row in rows]
