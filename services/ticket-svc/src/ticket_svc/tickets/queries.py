"""All SQL of tickets, set-based."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from moat.kit.db.transaction import Transaction
from ticket_svc.tickets.lifecycle import HISTORY_ENTRIES_MAX, Actor, AnotherIsOpen, Entry, Status, Ticket

ONE_OPEN_PER_RULE: Final = "ticket_one_open_per_rule"
_NUMBERS = "SELECT nextval('ticket_number') AS number FROM generate_series(1, CAST(:count AS integer))"
_OPEN = """
INSERT INTO ticket (id, number, customer_id, kind, channel, priority, subject, body, status, opened_at, updated_at,
                    rule, rule_version, entries_count)
SELECT * FROM unnest(
  CAST(:ids AS uuid[]), CAST(:numbers AS bigint[]), CAST(:customer_ids AS uuid[]), CAST(:kinds AS text[]),
  CAST(:channels AS text[]), CAST(:priorities AS text[]), CAST(:subjects AS text[]), CAST(:bodies AS text[]),
  CAST(:statuses AS text[]), CAST(:opened_ats AS timestamptz[]), CAST(:updated_ats AS timestamptz[]),
  CAST(:rules AS text[]), CAST(:rule_versions AS integer[]), CAST(:entries_counts AS integer[]))
"""
_SAVE = """
UPDATE ticket SET status = new.status, updated_at = new.updated_at, solved_at = new.solved_at,
  closed_at = new.closed_at, resolution = new.resolution, reason = new.reason, entries_count = new.entries_count
FROM unnest(
  CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:updated_ats AS timestamptz[]),
  CAST(:solved_ats AS timestamptz[]), CAST(:closed_ats AS timestamptz[]), CAST(:resolutions AS text[]),
  CAST(:reasons AS text[]), CAST(:entries_counts AS integer[])
) AS new (id, status, updated_at, solved_at, closed_at, resolution, reason, entries_count)
WHERE ticket.id = new.id
"""
_ADD_ENTRIES = """
INSERT INTO ticket_entry (id, ticket_id, customer_id, at, kind, actor_kind, actor_id, visibility, from_status,
                          to_status, body, reason, cause)
SELECT * FROM unnest(
  CAST(:ids AS uuid[]), CAST(:ticket_ids AS uuid[]), CAST(:customer_ids AS uuid[]), CAST(:ats AS timestamptz[]),
  CAST(:kinds AS text[]), CAST(:actor_kinds AS text[]), CAST(:actor_ids AS text[]), CAST(:visibilities AS text[]),
  CAST(:from_statuses AS text[]), CAST(:to_statuses AS text[]), CAST(:bodies AS text[]), CAST(:reasons AS text[]),
  CAST(:causes AS text[]))
"""
_ONE = "SELECT * FROM ticket WHERE id = :id"
_LOCK_ONE = "SELECT * FROM ticket WHERE id = :id FOR UPDATE"
_HISTORY = "SELECT * FROM ticket_entry WHERE ticket_id = :ticket_id ORDER BY id LIMIT :limit"
_FOLLOW_UPS = """
SELECT * FROM ticket
WHERE customer_id = ANY(CAST(:customer_ids AS uuid[])) AND kind = 'follow_up' AND status IN ('open', 'pending')
ORDER BY id FOR UPDATE
"""
_MOVE: Final = (
    "UPDATE ticket SET customer_id = :to_id, origin_id = coalesce(origin_id, CAST(:from_id AS uuid))"
    " WHERE customer_id = :from_id",
    # After the tickets, whose locks a reply under way still holds: so this sees the entry it has written.
    "UPDATE ticket_entry SET customer_id = :to_id WHERE customer_id = :from_id",
)
_GIVE_BACK: Final = (
    # Where he who has parted is somebody else by now who has one of the rule open, the ticket stays.
    "UPDATE ticket t SET customer_id = :to_id, origin_id = nullif(origin_id, CAST(:to_id AS uuid))"
    " WHERE customer_id = :from_id AND origin_id = ANY(CAST(:origins AS uuid[])) AND NOT EXISTS ("
    "SELECT FROM ticket o WHERE o.customer_id = :to_id AND o.rule = t.rule AND o.status IN ('open', 'pending'))",
    "UPDATE ticket_entry e SET customer_id = t.customer_id FROM ticket t"
    " WHERE t.id = e.ticket_id AND e.customer_id = :from_id AND t.customer_id = :to_id",
)
_LIST: Final = "SELECT * FROM ticket WHERE true"
_FILTERS: Final = {
    "customer_id": " AND customer_id = :customer_id",
    "status": " AND status = :status",
    "kind": " AND kind = :kind",
    "number": " AND number < :number",
}
_NEWEST_FIRST: Final = " ORDER BY number DESC LIMIT :limit"


async def next_numbers(tx: Transaction, count: int) -> list[int]:
    """As many new ticket numbers; those of a transaction that rolls back are never used."""
    return [row.number for row in await tx.all(_NUMBERS, count=count)]


async def insert(tx: Transaction, tickets: Sequence[Ticket]) -> None:
    """Store new tickets."""
    await tx.execute(
        _OPEN,
        ids=[t.id for t in tickets],
        numbers=[t.number for t in tickets],
        customer_ids=[t.customer_id for t in tickets],
        kinds=[t.kind for t in tickets],
        channels=[t.channel for t in tickets],
        priorities=[t.priority for t in tickets],
        subjects=[t.subject for t in tickets],
        bodies=[t.body for t in tickets],
        statuses=[t.status for t in tickets],
        opened_ats=[t.opened_at for t in tickets],
        updated_ats=[t.updated_at for t in tickets],
        rules=[t.rule for t in tickets],
        rule_versions=[t.rule_version for t in tickets],
        entries_counts=[t.entries_count for t in tickets],
    )


async def save(tx: Transaction, tickets: Sequence[Ticket]) -> None:
    """Store the state of tickets whose rows are locked. Raises AnotherIsOpen where the partial unique index does."""
    try:
        await tx.execute(
            _SAVE,
            ids=[t.id for t in tickets],
            statuses=[t.status for t in tickets],
            updated_ats=[t.updated_at for t in tickets],
            solved_ats=[t.solved_at for t in tickets],
            closed_ats=[t.closed_at for t in tickets],
            resolutions=[t.resolution for t in tickets],
            reasons=[t.reason for t in tickets],
            entries_counts=[t.entries_count for t in tickets],
        )
    except IntegrityError as refused:
        if ONE_OPEN_PER_RULE in str(refused.orig):
            raise AnotherIsOpen from None
        raise


async def add_entries(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Add lines to histories."""
    await tx.execute(
        _ADD_ENTRIES,
        ids=[e.id for e in entries],
        ticket_ids=[e.ticket_id for e in entries],
        customer_ids=[e.customer_id for e in entries],
        ats=[e.at for e in entries],
        kinds=[e.kind for e in entries],
        actor_kinds=[e.actor.kind for e in entries],
        actor_ids=[e.actor.id for e in entries],
        visibilities=[e.visibility for e in entries],
        from_statuses=[e.from_status for e in entries],
        to_statuses=[e.to_status for e in entries],
        bodies=[e.body for e in entries],
        reasons=[e.reason for e in entries],
        causes=[e.cause for e in entries],
    )


async def one(tx: Transaction, ticket_id: UUID, *, lock: bool = False) -> Ticket | None:
    """A ticket, locked for a change if asked."""
    row = await tx.first(_LOCK_ONE if lock else _ONE, id=ticket_id)
    return None if row is None else _ticket(row)


async def history(tx: Transaction, ticket_id: UUID) -> list[Entry]:
    """The whole history, oldest first; it is bounded where it is written (twice the bound leaves the system room)."""
    rows = await tx.all(_HISTORY, ticket_id=ticket_id, limit=2 * HISTORY_ENTRIES_MAX)
    return [_entry(row) for row in rows]


async def page(tx: Transaction, *, limit: int, **filters: object) -> list[Ticket]:
    """Tickets by any of customer_id, status, kind and `number` (older than this one), newest first."""
    wanted = {name: value for name, value in filters.items() if value is not None}
    sql = _LIST + "".join(_FILTERS[name] for name in _FILTERS if name in wanted) + _NEWEST_FIRST
    return [_ticket(row) for row in await tx.all(sql, limit=limit, **wanted)]


async def lock_open_follow_ups(tx: Transaction, customer_ids: Collection[UUID]) -> list[Ticket]:
    """The follow-ups of these customers that are not solved yet, locked, the oldest first."""
    rows = await tx.all(_FOLLOW_UPS, customer_ids=list(customer_ids))
    return [_ticket(row) for row in rows]


async def move(tx: Transaction, from_id: UUID, to_id: UUID) -> None:
    """Give the tickets of one customer to another."""
    for sql in _MOVE:
        await tx.execute(sql, from_id=from_id, to_id=to_id)


async def give_back(tx: Transaction, origins: Sequence[UUID], from_id: UUID, to_id: UUID) -> None:
    """Give tickets that were one of these customers' to who has parted again, with their history."""
    await tx.execute(_GIVE_BACK[0], origins=list(origins), from_id=from_id, to_id=to_id)
    await tx.execute(_GIVE_BACK[1], from_id=from_id, to_id=to_id)


def _ticket(row: Any) -> Ticket:
    known = {name: value for name, value in row._mapping.items() if name != "origin_id"}
    return Ticket(**{**known, "status": Status(row.status)})


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        ticket_id=row.ticket_id,
        customer_id=row.customer_id,
        at=row.at,
        kind=row.kind,
        actor=Actor(row.actor_kind, row.actor_id),
        visibility=row.visibility,
        from_status=None if row.from_status is None else Status(row.from_status),
        to_status=None if row.to_status is None else Status(row.to_status),
        body=row.body,
        reason=row.reason,
        cause=row.cause,
    )
