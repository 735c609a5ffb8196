"""The SQL of cooldowns that run again from an earlier award, because the latest was turned down."""

from collections.abc import Sequence
from uuid import UUID

from loyalty_svc.earning.events import CATALOGUES
from loyalty_svc.earning.limits import EPOCH, scope_of
from loyalty_svc.ledger.owners import owned
from moat.kit.db.transaction import Transaction

# What stands of a rule is what was given, under whichever version of it, and what is held still.
_RUN_FROM_BEFORE = f"""
WITH customer (root, id) AS (
  SELECT CAST(:customer_id AS uuid), CAST(:customer_id AS uuid)
  UNION ALL SELECT to_id, from_id FROM customer_alias WHERE to_id = :customer_id),
stands (code, at) AS (
  SELECT code, at FROM award
  WHERE customer_id = :customer_id AND cause_id <> :cause_id AND status IN ('given', 'cut', 'held', 'approved')
  UNION ALL
  SELECT cause_part, at FROM ({owned("p.cause_part, p.at", "p.kind = 'earned' AND p.reason = ANY(:events)")}) AS p)
UPDATE earning_counter c SET last_at = (SELECT max(s.at) FROM stands s WHERE s.code = t.code)
FROM unnest(CAST(:codes AS text[]), CAST(:scopes AS text[])) AS t (code, scope)
WHERE (c.scope, c.customer_id, c.per, c.starts_at) = (t.scope, :customer_id, 'ever', :epoch)
"""  # noqa: S608


async def run_from_before(tx: Transaction, customer_id: UUID, codes: Sequence[str], *, cause_id: UUID) -> None:
    """Let the cooldowns of these rules run from a customer's latest award but those of one cause; counters are held."""
    await tx.execute(
        _RUN_FROM_BEFORE,
        customer_id=customer_id,
        cause_id=cause_id,
        events=list(CATALOGUES),
        codes=codes,
        scopes=[scope_of(code) for code in codes],
        epoch=EPOCH,
    )
