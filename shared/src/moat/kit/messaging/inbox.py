"""The inbox: which events a consumer has taken, so that a second delivery changes nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from moat.kit.db.transaction import Transaction
from moat.kit.events import Event

if TYPE_CHECKING:
    from moat.kit.db.database import Database

KEPT_DAYS: Final = 14
SLICE_ROWS: Final = 5_000

_CLAIM: Final = """
INSERT INTO inbox (consumer, source, event_id)
SELECT :consumer, source, event_id
FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS t (source, event_id)
ON CONFLICT DO NOTHING
"""
# The usual batch: everything comes from one service.
_CLAIM_OF_ONE: Final = """
INSERT INTO inbox (consumer, source, event_id)
SELECT :consumer, :source, event_id FROM unnest(CAST(:ids AS text[])) AS event_id
ON CONFLICT DO NOTHING
"""
# Which of them this transaction has put there; asked only when some were there before.
_CLAIMED: Final = """
SELECT source, event_id FROM inbox JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS t (source, event_id)
USING (source, event_id) WHERE consumer = :consumer AND inbox.xmin = CAST(pg_current_xact_id() AS xid)
"""
_PRUNE: Final = """
DELETE FROM inbox WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM inbox WHERE at < now() - make_interval(days => :days) LIMIT :rows))
"""


async def claim(tx: Transaction, consumer: str, events: Sequence[Event[Any]]) -> list[Event[Any]]:
    """Mark the events as taken by this transaction; returns those that were not taken before, in order.

    Of two with one (source, id) in a batch the first counts. Keys go in sorted, so that two members of a group that
    were both given a batch wait for each other instead of deadlocking.
    """
    source = events[0].source
    if all(event.source == source for event in events):
        ids = sorted({event.id for event in events})
        sources = [source] * len(ids)
        put = (await tx.execute(_CLAIM_OF_ONE, consumer=consumer, source=source, ids=ids)).rowcount
    else:
        names = sorted({(event.source, event.id) for event in events})
        sources, ids = [source for source, _ in names], [id_ for _, id_ in names]
        put = (await tx.execute(_CLAIM, consumer=consumer, sources=sources, ids=ids)).rowcount
    if put == len(events):
        return list(events)
    if not put:
        return []
    rows = await tx.all(_CLAIMED, consumer=consumer, sources=sources, ids=ids)
    new = {(row.source, row.event_id) for row in rows}
    first = {(event.source, event.id): event for event in reversed(events)}
    return [event for event in events if (name := (event.source, event.id)) in new and first[name] is event]


async def prune(db: "Database", *, days: int = KEPT_DAYS, rows: int = SLICE_ROWS) -> int:
    """Forget marks older than `days` in slices of one short transaction each; returns how many."""
    forgotten = 0
    while True:
        async with db.transaction() as tx:
            count = (await tx.execute(_PRUNE, days=days, rows=rows)).rowcount
        forgotten += count
        if count < rows:
            return forgotten
