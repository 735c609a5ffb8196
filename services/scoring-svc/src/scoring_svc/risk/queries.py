"""All SQL of risk, set-based. Bands at an instant are ranges of `medium_at` and `high_at`; no score is stored."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from moat.kit.db.transaction import Transaction
from scoring_svc.risk.bands import Assessment, Band
from scoring_svc.silence.rhythm import Rhythm

_LOCK = "SELECT * FROM risk WHERE customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY customer_id FOR UPDATE"
_MAKE = """
INSERT INTO risk (customer_id) SELECT id FROM unnest(CAST(:ids AS uuid[])) AS t (id) ORDER BY id
ON CONFLICT (customer_id) DO NOTHING
"""
_SAVE = """
UPDATE risk SET
  orders_count = new.orders_count, purchase_days = new.purchase_days, span_days = new.span_days,
  last_paid_at = new.last_paid_at, value_minor = new.value_minor, value_currency = new.value_currency,
  medium_at = new.medium_at, high_at = new.high_at, raised_at = new.raised_at
FROM unnest(
  CAST(:customer_ids AS uuid[]), CAST(:orders_counts AS bigint[]), CAST(:purchase_days AS integer[]),
  CAST(:span_days AS integer[]), CAST(:last_paid_ats AS timestamptz[]), CAST(:value_minors AS bigint[]),
  CAST(:value_currencies AS text[]), CAST(:medium_ats AS timestamptz[]), CAST(:high_ats AS timestamptz[]),
  CAST(:raised_ats AS timestamptz[])
) AS new (customer_id, orders_count, purchase_days, span_days, last_paid_at, value_minor, value_currency,
          medium_at, high_at, raised_at)
WHERE risk.customer_id = new.customer_id
"""
_FORGET = "DELETE FROM risk WHERE customer_id = ANY(CAST(:ids AS uuid[]))"
_ONE = "SELECT * FROM risk WHERE customer_id = :id AND high_at IS NOT NULL"
_BANDS = """
SELECT count(*) AS customers,
       count(*) FILTER (WHERE medium_at > :at) AS low,
       count(*) FILTER (WHERE medium_at <= :at AND high_at > :at) AS medium,
       count(*) FILTER (WHERE high_at <= :at) AS high
FROM risk WHERE high_at IS NOT NULL
"""
_AT_RISK_VALUE = """
SELECT value_currency AS currency, CAST(sum(value_minor) AS bigint) AS amount_minor
FROM risk WHERE high_at <= :at GROUP BY value_currency ORDER BY value_currency
"""
_IN_BAND: Final[dict[Band, str]] = {
    "low": "SELECT * FROM risk WHERE high_at IS NOT NULL AND medium_at > :at",
    "medium": "SELECT * FROM risk WHERE high_at IS NOT NULL AND medium_at <= :at AND high_at > :at",
    "high": "SELECT * FROM risk WHERE high_at IS NOT NULL AND high_at <= :at",
}
_FURTHER = " AND (value_minor, customer_id) < (:value_minor, CAST(:customer_id AS uuid))"
_BY_VALUE = " ORDER BY value_minor DESC, customer_id DESC LIMIT :limit"


class Risk(NamedTuple):
    """A customer's row: `assessment` is None while no order of his is paid; `raised_at` is what was announced."""

    customer_id: UUID
    assessment: Assessment | None
    raised_at: datetime | None


async def lock(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, Risk]:
    """Lock the rows of these customers, in id order; those without a row are absent."""
    rows = await tx.all(_LOCK, ids=sorted(ids))
    return {row.customer_id: _risk(row) for row in rows}


async def lock_or_make(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, Risk]:
    """The same, where customers without a row get an empty one first."""
    found = await lock(tx, ids)
    missing = sorted(set(ids) - found.keys())
    if missing:
        await tx.execute(_MAKE, ids=missing)
        found |= await lock(tx, missing)
    return found


async def save(tx: Transaction, risks: Sequence[tuple[UUID, Assessment, datetime | None]]) -> None:
    """Store assessments and what was announced; the rows are there and locked."""
    assessments = [assessment for _, assessment, _ in risks]
    await tx.execute(
        _SAVE,
        customer_ids=[customer_id for customer_id, _, _ in risks],
        orders_counts=[a.orders_count for a in assessments],
        purchase_days=[a.rhythm.purchase_days for a in assessments],
        span_days=[a.rhythm.span_days for a in assessments],
        last_paid_ats=[a.rhythm.last_paid_at for a in assessments],
        value_minors=[a.value_minor for a in assessments],
        value_currencies=[a.value_currency for a in assessments],
        medium_ats=[a.medium_at for a in assessments],
        high_ats=[a.high_at for a in assessments],
        raised_ats=[raised_at for _, _, raised_at in risks],
    )


async def forget(tx: Transaction, ids: Collection[UUID]) -> None:
    """Drop the rows of customers who are no more."""
    await tx.execute(_FORGET, ids=list(ids))


async def one(tx: Transaction, customer_id: UUID) -> Assessment | None:
    """A customer's assessment; None without a paid order."""
    row = await tx.first(_ONE, id=customer_id)
    return None if row is None else _risk(row).assessment


async def bands(tx: Transaction, at: datetime) -> Mapping[str, int]:
    """How many customers have a paid order, and how many of them are in each band at `at`."""
    row = await tx.one(_BANDS, at=at)
    return dict(row._mapping)


async def at_risk_value(tx: Transaction, at: datetime) -> Sequence[Any]:
    """(currency, amount_minor) of all customers in the high band at `at`, by currency."""
    return await tx.all(_AT_RISK_VALUE, at=at)


async def in_band(
    tx: Transaction, band: Band, at: datetime, *, after: tuple[Any, ...] | None, limit: int
) -> Sequence[tuple[UUID, Assessment]]:
    """Customers in a band at `at`, the most value first; `after` is (value_minor, customer_id) of the last one seen."""
    if after is None:
        rows = await tx.all(_IN_BAND[band] + _BY_VALUE, at=at, limit=limit)
    else:
        sql = _IN_BAND[band] + _FURTHER + _BY_VALUE
        rows = await tx.all(sql, at=at, limit=limit, value_minor=after[0], customer_id=after[1])
    return [(row.customer_id, _assessment(row)) for row in rows]


def _risk(row: Any) -> Risk:
    return Risk(row.customer_id, None if row.high_at is None else _assessment(row), row.raised_at)


def _assessment(row: Any) -> Assessment:
    return Assessment(
        rhythm=Rhythm(row.purchase_days, row.span_days, row.last_paid_at),
        orders_count=row.orders_count,
        value_minor=row.value_minor,
        value_currency=row.value_currency,
        medium_at=row.medium_at,
        high_at=row.high_at,
    )
