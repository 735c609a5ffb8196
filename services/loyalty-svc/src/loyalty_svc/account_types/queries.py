"""The SQL of changes to account types."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from moat.kit.db.transaction import Transaction

# Along the key, so that all slices together read the accounts once.
_OWING: Final = """
SELECT customer_id FROM account
WHERE type = :account_type AND available + reserved < 0
  AND (CAST(:after AS uuid) IS NULL OR customer_id > CAST(:after AS uuid))
ORDER BY customer_id LIMIT :limit
"""


async def owing(tx: Transaction, account_type: str, *, after: UUID | None, limit: int) -> list[UUID]:
    """The next customers who have spent more of a type than they have, in the order of their ids."""
    rows: Sequence[Any] = await tx.all(_OWING, account_type=account_type, after=after, limit=limit)
    return [row[0] for row in rows]
