"""All SQL of liability: three statements over one snapshot, whatever the number of members."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from loyalty_svc.liability.outlook import Breakage, Cell, Moved
from moat.kit.db.transaction import Transaction

TIMEOUT: Final = "15s"
"""Of each statement; the movement reads every entry."""
# The month is the last one in which points can be spent: what expires at midnight of the first is of the month before.
_OUTSTANDING = """
SELECT l.account_type, coalesce(m.tier, :base) AS tier,
       CAST(date_trunc('month', (l.expires_at - interval '1 microsecond') AT TIME ZONE :zone) AS date) AS month,
       sum(l.remaining)::bigint AS points, coalesce(sum(l.remaining) FILTER (WHERE l.is_pending), 0)::bigint AS pending
FROM lot l LEFT JOIN membership m USING (customer_id)
WHERE l.remaining > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_HELD = """
SELECT type, sum(available + pending + reserved)::bigint AS held, sum(reserved)::bigint AS reserved,
       sum(greatest(0, -(available + reserved)))::bigint AS owed
FROM account GROUP BY type
"""
# A transfer is within the sum of all members.
_MOVED = """
SELECT e.account_type AS type,
       coalesce(sum(e.amount) FILTER (WHERE p.at < t.begins), 0)::bigint AS opening,
       coalesce(sum(e.amount) FILTER (WHERE t.is_in AND p.kind = 'earned'), 0)::bigint AS earned,
       coalesce(sum(e.amount) FILTER (WHERE t.is_in AND p.kind = 'reversed'), 0)::bigint AS reversed,
       coalesce(sum(e.amount) FILTER (WHERE t.is_in AND p.kind = 'spent'), 0)::bigint AS spent,
       coalesce(sum(e.amount) FILTER (WHERE t.is_in AND p.kind = 'expired'), 0)::bigint AS expired,
       coalesce(sum(e.amount) FILTER (WHERE t.is_in AND p.kind = 'adjusted' AND e.programme <> 'loss'), 0)::bigint
         AS adjusted,
       coalesce(sum(e.amount) FILTER (WHERE t.is_in AND p.kind = 'adjusted' AND e.programme = 'loss'), 0)::bigint
         AS written_off,
       coalesce(sum(e.amount) FILTER (WHERE p.at < t.ends), 0)::bigint AS closing,
       sum(e.amount)::bigint AS ledger,
       greatest(0, coalesce(-sum(e.amount) FILTER (WHERE t.is_recent AND p.kind = 'expired'), 0))::bigint AS broken,
       greatest(0, coalesce(-sum(e.amount) FILTER (WHERE t.is_recent AND p.kind = 'spent'), 0))::bigint AS used
FROM entry e JOIN posting p ON p.id = e.posting_id
CROSS JOIN LATERAL (
  SELECT CAST(:begins AS timestamptz) AS begins, CAST(:ends AS timestamptz) AS ends,
         p.at >= CAST(:begins AS timestamptz) AND p.at < CAST(:ends AS timestamptz) AS is_in,
         p.at >= CAST(:since AS timestamptz) AND p.at <= CAST(:now AS timestamptz) AS is_recent) AS t
WHERE e.programme IS NOT NULL GROUP BY e.account_type
"""


class Held(NamedTuple):
    """What all accounts of a type come to, what of it is reserved, and what members owe."""

    points: int = 0
    reserved: int = 0
    owed: int = 0


async def look_at_once(tx: Transaction) -> None:
    """See one state of the database in every statement; the first thing in the transaction."""
    await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    await tx.execute(f"SET LOCAL statement_timeout = '{TIMEOUT}'")


async def outstanding(tx: Transaction, *, base: str, zone: str) -> list[Cell]:
    """What is left in all lots by account type, tier (`base` for who is in none) and month."""
    rows: Sequence[Any] = await tx.all(_OUTSTANDING, base=base, zone=zone)
    return [Cell(*row) for row in rows]


async def held(tx: Transaction) -> dict[str, Held]:
    """All balances by account type."""
    return {row.type: Held(row.held, row.reserved, row.owed) for row in await tx.all(_HELD)}


async def moved(
    tx: Transaction, *, begins: datetime, ends: datetime, since: datetime, now: datetime
) -> dict[str, tuple[Moved, Breakage]]:
    """By account type what happened from `begins` until before `ends`, and what left accounts since `since`."""
    rows: Any = await tx.all(_MOVED, begins=begins, ends=ends, since=since, now=now)
    names = Moved._fields[:9]
    return {row.type: (Moved(*(getattr(row, name) for name in names)), Breakage(row.broken, row.used)) for row in rows}
