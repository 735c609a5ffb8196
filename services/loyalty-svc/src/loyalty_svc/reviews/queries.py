"""All SQL of reviews."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_svc.earning.bench import AwardNote
from loyalty_svc.earning.events import CATALOGUES
from loyalty_svc.earning.judging import WITH_BASE
from loyalty_svc.earning.limits import EPOCH, scope_of
from loyalty_svc.ledger.owners import owned
from moat.kit.db.transaction import Transaction

_NOTE: Final = """customer_id, cause_id, at, wanted, points, status, code, rule, event_type, event_id, order_id,
  matched, cut_by"""
_COLUMNS: Final = f"id, noted_at, decided_at, decided_by, reason, {_NOTE}"
_WHOSE: Final = "SELECT customer_id FROM award WHERE id = :id"
_LOCK: Final = f"SELECT {_COLUMNS} FROM award WHERE id = :id FOR UPDATE"  # noqa: S608
_LOCK_ON_TOP: Final = f"""
SELECT {_COLUMNS} FROM award WHERE cause_id = :cause_id AND status = 'held' AND cut_by = :cut_by ORDER BY id FOR UPDATE
"""  # noqa: S608
_DECIDE: Final = f"""
UPDATE award SET status = :status, points = :points, decided_at = :at, decided_by = :by, reason = :reason
WHERE id = :id RETURNING {_COLUMNS}
"""  # noqa: S608
# What stands of a rule is what was given, under whichever version of it, and what is held still.
_COOL_DOWN_BEFORE: Final = f"""
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
_PAGE: Final = f"""
SELECT {_COLUMNS} FROM award
WHERE (CAST(:customer_id AS uuid) IS NULL OR customer_id = :customer_id)
  AND (CAST(:status AS text) IS NULL OR status = :status)
  AND (CAST(:after AS uuid) IS NULL OR id < :after)
ORDER BY id DESC LIMIT :limit
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An award as it was noted, and what was decided of it if it was held."""

    id: UUID
    noted_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    note: AwardNote


async def whose(tx: Transaction, award_id: UUID) -> UUID | None:
    """Whose award it is; None for an unknown one."""
    found: UUID | None = await tx.scalar(_WHOSE, id=award_id)
    return found


async def lock(tx: Transaction, award_id: UUID) -> Reviewed:
    """An award that there is, held until the transaction ends."""
    return _read(await tx.one(_LOCK, id=award_id))


async def lock_on_top(tx: Transaction, base: AwardNote) -> list[Reviewed]:
    """The awards that are held because they are on top of this one, held until the transaction ends."""
    rows: Sequence[Any] = await tx.all(_LOCK_ON_TOP, cause_id=base.cause_id, cut_by=WITH_BASE + base.code)
    return [_read(row) for row in rows]


async def decide(
    tx: Transaction, award_id: UUID, *, status: str, points: int, reason: str, by: str, at: datetime
) -> Reviewed:
    """Keep what was decided."""
    row = await tx.one(_DECIDE, id=award_id, status=status, points=points, reason=reason, by=by, at=at)
    return _read(row)


async def cool_down_before(tx: Transaction, note: AwardNote, codes: Sequence[str]) -> None:
    """Let cooldowns of these rules run from the customer's latest awards of other events; their counters are held."""
    await tx.execute(
        _COOL_DOWN_BEFORE,
        customer_id=note.customer_id,
        cause_id=note.cause_id,
        events=list(CATALOGUES),
        codes=codes,
        scopes=[scope_of(code) for code in codes],
        epoch=EPOCH,
    )


async def page(
    tx: Transaction, *, customer_id: UUID | None, status: str | None, after: UUID | None, limit: int
) -> list[Reviewed]:
    """Awards worth a note, newest first."""
    rows: Sequence[Any] = await tx.all(_PAGE, customer_id=customer_id, status=status, after=after, limit=limit)
    return [_read(row) for row in rows]


def _read(row: Any) -> Reviewed:
    id_, noted_at, decided_at, decided_by, reason, *note = row
    return Reviewed(id_, noted_at, decided_at, decided_by, reason, AwardNote(*note))
