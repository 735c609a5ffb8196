"""All SQL of tiers."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from loyalty_svc.tiers.evaluation import Standing, Tier, TierPlan
from moat.kit.db.transaction import Transaction

_PLAN = "SELECT version, document::text AS document FROM tier_plan WHERE status = 'published'"
_STANDINGS = """
SELECT customer_id, tier, since, enrolled_at FROM membership WHERE customer_id = ANY(CAST(:ids AS uuid[]))
"""
_SAVE = """
INSERT INTO membership (customer_id, enrolled_at, since, plan_version, tier, event_id)
SELECT m.customer_id, m.enrolled_at, m.since, :plan_version, m.tier, m.event_id
FROM unnest(CAST(:ids AS uuid[]), CAST(:enrolled_at AS timestamptz[]), CAST(:since AS timestamptz[]),
            CAST(:tiers AS text[]), CAST(:event_ids AS text[])) AS m (customer_id, enrolled_at, since, tier, event_id)
ON CONFLICT (customer_id) DO UPDATE SET enrolled_at = excluded.enrolled_at, since = excluded.since,
  plan_version = excluded.plan_version, tier = excluded.tier, event_id = excluded.event_id
"""
_MEMBERS_BY_TIER = """
SELECT (SELECT count(*) FROM known_customer k
        WHERE NOT EXISTS (SELECT FROM customer_alias a WHERE a.from_id = k.customer_id)) AS customers,
       (SELECT coalesce(jsonb_object_agg(tier, members), '{}')
        FROM (SELECT tier, count(*) AS members FROM membership GROUP BY tier) AS t) AS members
"""
_REMOVE = "DELETE FROM membership WHERE customer_id = ANY(CAST(:ids AS uuid[]))"


class _TierDocument(BaseModel):
    code: str
    names: dict[str, str]
    from_growth: int


class _PlanDocument(BaseModel):
    tiers: list[_TierDocument]


_DOCUMENT = TypeAdapter(_PlanDocument)


@lru_cache(maxsize=16)
def _plan(version: int, document: str) -> TierPlan:
    """A published version; it never changes, so it is read once."""
    tiers = _DOCUMENT.validate_json(document).tiers
    return TierPlan(version, tuple(Tier(tier.code, tier.names, tier.from_growth) for tier in tiers))


async def plan(tx: Transaction) -> TierPlan:
    """The plan that is published now; there always is one."""
    row = await tx.one(_PLAN)
    return _plan(row.version, row.document)


async def standings(tx: Transaction, customer_ids: Iterable[UUID]) -> dict[UUID, Standing]:
    """Where these customers stand; those who never got anything are missing."""
    rows: Sequence[Any] = await tx.all(_STANDINGS, ids=list(customer_ids))
    return {row[0]: Standing(row[1], row[2], row[3]) for row in rows}


async def save(tx: Transaction, plan: TierPlan, decided: Mapping[UUID, tuple[Standing, str]]) -> None:
    """Keep where members stand, each with the event that decided it."""
    rows: Sequence[tuple[Standing, str]] = list(decided.values())
    await tx.execute(
        _SAVE,
        ids=list(decided),
        enrolled_at=[standing.enrolled_at for standing, _ in rows],
        since=[standing.since for standing, _ in rows],
        plan_version=plan.version,
        tiers=[standing.tier for standing, _ in rows],
        event_ids=[event_id for _, event_id in rows],
    )


async def remove(tx: Transaction, customer_ids: Iterable[UUID]) -> None:
    """Forget members who became somebody else."""
    await tx.execute(_REMOVE, ids=list(customer_ids))


async def members_by_tier(tx: Transaction) -> tuple[int, dict[str, int]]:
    """How many customers there are, and how many members stand in each tier."""
    row = await tx.one(_MEMBERS_BY_TIER)
    return row.customers, row.members
