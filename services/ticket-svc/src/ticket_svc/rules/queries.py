"""All SQL of rules."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from moat.kit.db.transaction import Transaction
from ticket_svc.rules.documents import Rule

_PUBLISHED = "SELECT code, version, document FROM rule WHERE status = 'published' ORDER BY code"
# In id order; of two transactions the second waits here, and then sees what the first has opened.
_ADVANCE = """
INSERT INTO rule_signal AS seen (signal, customer_id, sequence)
SELECT :signal, id, sequence FROM unnest(CAST(:ids AS uuid[]), CAST(:sequences AS bigint[])) AS new (id, sequence)
ORDER BY id
ON CONFLICT (signal, customer_id) DO UPDATE SET sequence = excluded.sequence
WHERE seen.sequence <= excluded.sequence
RETURNING customer_id
"""
_INHERIT = """
WITH gone AS (DELETE FROM rule_signal WHERE customer_id = :from_id RETURNING signal, sequence)
INSERT INTO rule_signal AS seen (signal, customer_id, sequence)
SELECT signal, CAST(:to_id AS uuid), sequence FROM gone
ON CONFLICT (signal, customer_id) DO UPDATE SET sequence = greatest(seen.sequence, excluded.sequence)
"""
_LOCALES = """
SELECT customer_id, locale FROM known_customer
WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND locale IS NOT NULL
"""


async def published(tx: Transaction) -> Sequence[Rule]:
    """The rules in force, by code."""
    return [Rule.of(row.code, row.version, row.document) for row in await tx.all(_PUBLISHED)]


async def advance(tx: Transaction, signal: str, sequences: Mapping[UUID, int]) -> set[UUID]:
    """Note how far the signal of each customer has come; returns whose is not older than what was seen before."""
    rows = await tx.all(_ADVANCE, signal=signal, ids=list(sequences), sequences=list(sequences.values()))
    return {row.customer_id for row in rows}


async def inherit(tx: Transaction, from_id: UUID, to_id: UUID) -> None:
    """Let the survivor of a merge stand where the later of the two stood."""
    await tx.execute(_INHERIT, from_id=from_id, to_id=to_id)


async def locales(tx: Transaction, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The locale of each customer who has one."""
    return {row.customer_id: row.locale for row in await tx.all(_LOCALES, ids=list(ids))}
