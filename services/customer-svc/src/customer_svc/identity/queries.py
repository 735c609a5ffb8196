"""All SQL of identity, set-based."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from customer_svc.identity.matching import Added, Merged, Proposal
from customer_svc.identity.normalising import Identifier, Slot
from moat.kit.db.transaction import Transaction

_WANTED: Final = """
unnest(CAST(:values AS text[]), CAST(:kinds AS text[]), CAST(:systems AS text[])) AS wanted (value, kind, system)
"""
_OWNERS: Final = f"SELECT value, kind, system, customer_id FROM {_WANTED} JOIN identifier USING (value, kind, system)"  # noqa: S608
# A customer whom another transaction ends meanwhile is waited for and then left out, and his identifiers with him.
_LOCK_OWNERS: Final = f"""
SELECT value, kind, system, k.customer_id, k.created_at, i.origin_id
FROM {_WANTED} JOIN identifier i USING (value, kind, system) JOIN known_customer k ON k.customer_id = i.customer_id
ORDER BY k.customer_id FOR NO KEY UPDATE OF k
"""  # noqa: S608
# A row that another transaction deletes meanwhile is waited for and then left out.
_LOCK: Final = """
SELECT customer_id, created_at FROM known_customer WHERE customer_id = ANY(CAST(:ids AS uuid[]))
ORDER BY customer_id FOR NO KEY UPDATE
"""
_HOLD: Final = """
SELECT customer_id FROM known_customer WHERE customer_id = ANY(CAST(:ids AS uuid[]))
ORDER BY customer_id FOR KEY SHARE
"""
_ALIASES: Final = "SELECT from_id, to_id FROM customer_alias WHERE from_id = ANY(CAST(:ids AS uuid[]))"
_STRONG: Final = """
SELECT customer_id, system, kind, value FROM identifier WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND strong
"""
_CLAIM: Final = """
INSERT INTO identifier (value, kind, system, customer_id, strong, added_at)
SELECT *, :at FROM unnest(CAST(:values AS text[]), CAST(:kinds AS text[]), CAST(:systems AS text[]),
                          CAST(:ids AS uuid[]), CAST(:strong AS boolean[]))
ON CONFLICT (value, kind, system) DO NOTHING
"""
_RELEASE: Final = """
DELETE FROM identifier USING unnest(CAST(:values AS text[]), CAST(:kinds AS text[]), CAST(:systems AS text[]),
                                    CAST(:ids AS uuid[])) AS mine (value, kind, system, customer_id)
WHERE identifier.value = mine.value AND identifier.kind = mine.kind AND identifier.system = mine.system
  AND identifier.customer_id = mine.customer_id
"""
_CREATE: Final = """
INSERT INTO known_customer (customer_id, created_at) SELECT unnest(CAST(:ids AS uuid[])), :at
"""
_END: Final = "DELETE FROM known_customer WHERE customer_id = ANY(CAST(:ids AS uuid[]))"
_BEFORE: Final = """
SELECT customer_id, jsonb_agg(jsonb_build_object('system', system, 'kind', kind, 'value', value)
                              ORDER BY system, kind, value) AS identifiers
FROM identifier WHERE customer_id = ANY(CAST(:ids AS uuid[])) GROUP BY customer_id
"""
# Flattened: nobody is an alias of an alias.
_FLATTEN: Final = """
UPDATE customer_alias a SET to_id = m.into_id
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[])) AS m (from_id, into_id) WHERE a.to_id = m.from_id
"""
_ALIAS: Final = """
INSERT INTO customer_alias (from_id, to_id, at)
SELECT *, :at FROM unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[]))
"""
_MOVE: Final = """
UPDATE identifier i SET customer_id = m.into_id, origin_id = coalesce(i.origin_id, m.from_id)
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[])) AS m (from_id, into_id)
WHERE i.customer_id = m.from_id
"""
_RECORD_MERGE: Final = """
INSERT INTO merge (from_id, into_id, at, source, event_id, before, merge_id)
SELECT * FROM unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[]), CAST(:at AS timestamptz[]),
                     CAST(:sources AS text[]), CAST(:event_ids AS text[]), CAST(:before AS jsonb[]),
                     CAST(:merge_ids AS uuid[]))
"""
_APART: Final = """
SELECT first_id, second_id FROM kept_apart WHERE first_id = ANY(CAST(:ids AS uuid[]))
UNION SELECT first_id, second_id FROM kept_apart WHERE second_id = ANY(CAST(:ids AS uuid[]))
"""
_KEEP_APART: Final = """
INSERT INTO kept_apart (first_id, second_id) SELECT least(x, y), greatest(x, y)
FROM unnest(CAST(:ones AS uuid[]), CAST(:others AS uuid[])) AS t (x, y) WHERE x <> y ON CONFLICT DO NOTHING
"""
# From whom one was parted the survivor is, too.
_MOVE_APART: Final = """
WITH m AS (SELECT * FROM unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[])) AS m (from_id, into_id)),
gone AS (
  DELETE FROM kept_apart WHERE first_id IN (SELECT from_id FROM m) OR second_id IN (SELECT from_id FROM m) RETURNING *),
now AS (
  SELECT coalesce(a.into_id, g.first_id) AS x, coalesce(b.into_id, g.second_id) AS y
  FROM gone g LEFT JOIN m a ON a.from_id = g.first_id LEFT JOIN m b ON b.from_id = g.second_id)
INSERT INTO kept_apart (first_id, second_id) SELECT least(x, y), greatest(x, y) FROM now WHERE x <> y
ON CONFLICT DO NOTHING
"""
_PROPOSE: Final = """
INSERT INTO merge_proposal (first_id, second_id, at, source, event_id)
SELECT * FROM unnest(CAST(:firsts AS uuid[]), CAST(:seconds AS uuid[]), CAST(:at AS timestamptz[]),
                     CAST(:sources AS text[]), CAST(:event_ids AS text[]))
ON CONFLICT DO NOTHING RETURNING first_id, second_id
"""
_OF: Final = """
SELECT customer_id, system, kind, value FROM identifier WHERE customer_id = ANY(CAST(:ids AS uuid[]))
ORDER BY customer_id, added_at, kind, system, value
"""
_BY_VALUE: Final = """
SELECT DISTINCT customer_id FROM identifier WHERE value = ANY(CAST(:values AS text[])) LIMIT 1000
"""


def _columns(identifiers: Iterable[Identifier]) -> dict[str, list[str]]:
    rows = list(identifiers)
    return {
        "values": [row.value for row in rows],
        "kinds": [row.kind for row in rows],
        "systems": [row.system for row in rows],
    }


def _pairs(merged: Sequence[Merged]) -> dict[str, list[UUID]]:
    return {"from_ids": [m.from_id for m in merged], "into_ids": [m.into_id for m in merged]}


async def owners(tx: Transaction, identifiers: Iterable[Identifier]) -> dict[Identifier, UUID]:
    """Who has which of these."""
    rows = await tx.all(_OWNERS, **_columns(identifiers))
    return {Identifier(row.system, row.kind, row.value): row.customer_id for row in rows}


async def lock_owners(
    tx: Transaction, identifiers: Iterable[Identifier]
) -> tuple[dict[Identifier, UUID], dict[UUID, datetime], dict[Identifier, UUID]]:
    """Who has which of these, with other writers kept out of all of them in id order; and when each was created.

    The last says of those that a merge has moved whose they were.

    An identifier whose customer is merged away at this moment is left out, as if nobody had it: a claim of it fails.
    """
    rows = await tx.all(_LOCK_OWNERS, **_columns(identifiers))
    found = {Identifier(row.system, row.kind, row.value): row.customer_id for row in rows}
    origins = {Identifier(row.system, row.kind, row.value): row.origin_id for row in rows if row.origin_id is not None}
    return found, {row.customer_id: row.created_at for row in rows}, origins


async def lock(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Keep other writers out of these customers, in id order; those still living, with when they were created."""
    return {row.customer_id: row.created_at for row in await tx.all(_LOCK, ids=list(ids))}


async def hold(tx: Transaction, ids: Collection[UUID]) -> set[UUID]:
    """Keep merges away from these customers; those still living."""
    return {row.customer_id for row in await tx.all(_HOLD, ids=list(ids))}


async def aliases(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Who of these has become whom."""
    return {row.from_id: row.to_id for row in await tx.all(_ALIASES, ids=list(ids))}


async def strong_of(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, dict[Slot, str]]:
    """The strong identifiers of these customers."""
    found: dict[UUID, dict[Slot, str]] = {}
    for row in await tx.all(_STRONG, ids=list(ids)):
        found.setdefault(row.customer_id, {})[Slot(row.system, row.kind)] = row.value
    return found


async def claim(tx: Transaction, added: Sequence[Added], at: datetime) -> bool:
    """Write new identifiers; False, with none left behind, if another transaction was first with one of them.

    In the order of the key, so that two who claim the same wait for each other instead of deadlocking.
    """
    ordered = sorted(added, key=lambda one: (one.identifier.value, one.identifier.kind, one.identifier.system))
    columns = _columns(one.identifier for one in ordered)
    ids = [one.customer_id for one in ordered]
    strong = [one.identifier.is_strong for one in ordered]
    if (await tx.execute(_CLAIM, **columns, ids=ids, strong=strong, at=at)).rowcount == len(ordered):
        return True
    await tx.execute(_RELEASE, **columns, ids=ids)
    return False


async def create(tx: Transaction, ids: Sequence[UUID], at: datetime) -> None:
    """Write new customers."""
    await tx.execute(_CREATE, ids=list(ids), at=at)


async def end(tx: Transaction, merged: Sequence[Merged], at: datetime) -> dict[UUID, Any]:
    """End customers who were merged away, move their identifiers, and return those identifiers by customer.

    The deletion comes first and waits for everybody who holds them, so what those have written is there to be moved.
    """
    pairs = _pairs(merged)
    await tx.execute(_END, ids=pairs["from_ids"])
    before = {row.customer_id: row.identifiers for row in await tx.all(_BEFORE, ids=pairs["from_ids"])}
    await tx.execute(_FLATTEN, **pairs)
    await tx.execute(_ALIAS, **pairs, at=at)
    await tx.execute(_MOVE, **pairs)
    await tx.execute(_MOVE_APART, **pairs)
    return before


async def apart(tx: Transaction, ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """The pairs of those whom staff have parted, of which one is one of these."""
    return [(row.first_id, row.second_id) for row in await tx.all(_APART, ids=list(ids))]


async def keep_apart(tx: Transaction, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """No fact makes one of these two any more."""
    await tx.execute(_KEEP_APART, ones=[one for one, _ in pairs], others=[other for _, other in pairs])


async def record_merges(
    tx: Transaction,
    merged: Sequence[Merged],
    causes: Sequence[tuple[str, str, datetime]],
    before: Sequence[str],
    merge_ids: Sequence[UUID],
) -> None:
    """Keep what was the merged ones'; causes: (source, event id, time) of the fact, before: JSON, one each.

    merge_ids: of the events that tell of it.
    """
    await tx.execute(
        _RECORD_MERGE,
        **_pairs(merged),
        at=[time for _, _, time in causes],
        sources=[source for source, _, _ in causes],
        event_ids=[event_id for _, event_id, _ in causes],
        before=list(before),
        merge_ids=list(merge_ids),
    )


async def propose(
    tx: Transaction, proposals: Sequence[Proposal], causes: Sequence[tuple[str, str, datetime]]
) -> list[Proposal]:
    """Leave proposals for staff; one that stands already stays as it is. Returns those that are new."""
    rows = await tx.all(
        _PROPOSE,
        firsts=[one.first_id for one in proposals],
        seconds=[one.second_id for one in proposals],
        at=[time for _, _, time in causes],
        sources=[source for source, _, _ in causes],
        event_ids=[event_id for _, event_id, _ in causes],
    )
    new = {(row.first_id, row.second_id) for row in rows}
    first = {(one.first_id, one.second_id): one for one in reversed(proposals)}
    return [one for names, one in first.items() if names in new]


async def identifiers_of(tx: Transaction, ids: Collection[UUID]) -> Mapping[UUID, Sequence[Identifier]]:
    """All identifiers of these customers, the oldest first."""
    found: dict[UUID, list[Identifier]] = {}
    for row in await tx.all(_OF, ids=list(ids)):
        found.setdefault(row.customer_id, []).append(Identifier(row.system, row.kind, row.value))
    return found


async def with_value(tx: Transaction, values: Sequence[str]) -> list[UUID]:
    """Customers who have an identifier with one of these values, of any kind; at most 1,000."""
    return [row.customer_id for row in await tx.all(_BY_VALUE, values=list(values))]
