"""All SQL of tiers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.ledger.owners import owned
from loyalty_svc.tiers.evaluation import Standing, TierPlan
from loyalty_svc.tiers.plans import CODE, TIER_PLANS
from loyalty_svc.tiers.settled import Member
from moat.kit.db.transaction import Transaction
from moat.kit.documents import published

_STANDINGS = """
SELECT customer_id, tier, since, enrolled_at, plan_version, granted_tier IS NOT NULL, granted_until, earned_tier
FROM membership
WHERE customer_id = ANY(CAST(:ids AS uuid[]))
"""
# A tier that was granted meanwhile is not overwritten: what comes back is fewer then, and is judged again.
_SAVE = """
INSERT INTO membership AS m (customer_id, enrolled_at, since, plan_version, tier, event_id)
SELECT m.customer_id, m.enrolled_at, m.since, :plan_version, m.tier, m.event_id
FROM unnest(CAST(:ids AS uuid[]), CAST(:enrolled_at AS timestamptz[]), CAST(:since AS timestamptz[]),
            CAST(:tiers AS text[]), CAST(:event_ids AS text[])) AS m (customer_id, enrolled_at, since, tier, event_id)
ON CONFLICT (customer_id) DO UPDATE SET enrolled_at = excluded.enrolled_at, since = excluded.since,
  plan_version = excluded.plan_version, tier = excluded.tier, event_id = excluded.event_id
WHERE m.granted_tier IS NULL
"""
_COLUMNS = """customer_id, enrolled_at, since, plan_version, tier, event_id, earned_tier, earned_since, granted_tier,
  granted_at, granted_until, retained_at, warned_for, next_at, judged_at"""
_MEMBERS = f"""
SELECT {_COLUMNS} FROM membership WHERE customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY customer_id FOR UPDATE
"""  # noqa: S608
_MEMBER = f"SELECT {_COLUMNS} FROM membership WHERE customer_id = :id"  # noqa: S608
_KEEP = f"""
INSERT INTO membership ({_COLUMNS})
SELECT * FROM unnest(
  CAST(:customer_id AS uuid[]), CAST(:enrolled_at AS timestamptz[]), CAST(:since AS timestamptz[]),
  CAST(:plan_version AS integer[]), CAST(:tier AS text[]), CAST(:event_id AS text[]), CAST(:earned_tier AS text[]),
  CAST(:earned_since AS timestamptz[]), CAST(:granted_tier AS text[]), CAST(:granted_at AS timestamptz[]),
  CAST(:granted_until AS timestamptz[]), CAST(:retained_at AS timestamptz[]), CAST(:warned_for AS timestamptz[]),
  CAST(:next_at AS timestamptz[]), CAST(:judged_at AS timestamptz[])) ORDER BY 1
ON CONFLICT (customer_id) DO UPDATE SET enrolled_at = excluded.enrolled_at, since = excluded.since,
  plan_version = excluded.plan_version, tier = excluded.tier, event_id = excluded.event_id,
  earned_tier = excluded.earned_tier, earned_since = excluded.earned_since, granted_tier = excluded.granted_tier,
  granted_at = excluded.granted_at, granted_until = excluded.granted_until, retained_at = excluded.retained_at,
  warned_for = excluded.warned_for, next_at = excluded.next_at, judged_at = excluded.judged_at
"""  # noqa: S608
# A gain belongs to the instant at which it was earned, less what was taken back of it, whenever that was.
_GAINS = f"""
WITH customer (root, id) AS (
  SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
  UNION ALL SELECT to_id, from_id FROM customer_alias WHERE to_id = ANY(CAST(:ids AS uuid[]))),
mine AS ({owned("p.id, p.at, p.kind, p.cause_id", "p.kind <> 'transferred'")})
SELECT root, at, amount FROM (
  SELECT m.root, coalesce(min(m.at) FILTER (WHERE m.kind = 'earned'), min(m.at)) AS at, sum(e.amount)::bigint AS amount
  FROM mine m JOIN entry e ON e.posting_id = m.id AND e.account_type = :account_type
  GROUP BY m.root, m.cause_id) AS gain
WHERE amount > 0 ORDER BY root, at
"""  # noqa: S608
_LOCK = """
SELECT FROM account WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND type = :account_type
ORDER BY customer_id, type FOR UPDATE
"""
_ENROL = """
INSERT INTO membership (customer_id, enrolled_at, since, plan_version, tier, event_id)
VALUES (:customer_id, :at, :at, :plan_version, :tier, '') ON CONFLICT (customer_id) DO NOTHING
"""
_MEMBERS_BY_TIER = """
SELECT (SELECT count(*) FROM known_customer k
        WHERE NOT EXISTS (SELECT FROM customer_alias a WHERE a.from_id = k.customer_id)) AS customers,
       (SELECT coalesce(jsonb_object_agg(tier, members), '{}')
        FROM (SELECT tier, count(*) AS members FROM membership GROUP BY tier) AS t) AS members
"""
_REMOVE = "DELETE FROM membership WHERE customer_id = ANY(CAST(:ids AS uuid[]))"
_GRANT = """
INSERT INTO tier_grant (id, customer_id, granted_at, until, tier, reason, granted_by)
VALUES (:id, :customer_id, :at, :until, :tier, :reason, :by)
"""
# One whose time was over has ended then.
_END_GRANTS = """
UPDATE tier_grant SET ended_at = least(:at, until), ended_by = :by, end_reason = :reason
WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND ended_at IS NULL
"""
_MOVE_GRANTS = "UPDATE tier_grant SET customer_id = :to_id WHERE customer_id = :from_id"
_GRANT_COLUMNS = "id, customer_id, tier, granted_at, until, ended_at, reason, granted_by, ended_by, end_reason"
_GRANTS = f"""
SELECT {_GRANT_COLUMNS} FROM tier_grant
WHERE customer_id = :customer_id AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
ORDER BY id DESC LIMIT :limit
"""  # noqa: S608
_GRANT_OF = f"SELECT {_GRANT_COLUMNS} FROM tier_grant WHERE id = :id AND customer_id = :customer_id FOR UPDATE"  # noqa: S608
_GIVE_TIER = """
UPDATE membership SET granted_tier = :tier, granted_at = :at, granted_until = :until WHERE customer_id = :customer_id
"""
_SLICE = """
SELECT customer_id FROM membership
WHERE plan_version <> :plan_version AND (CAST(:after AS uuid) IS NULL OR customer_id > CAST(:after AS uuid))
ORDER BY customer_id LIMIT :limit
"""
_SAMPLE = "SELECT customer_id, tier FROM membership ORDER BY customer_id LIMIT :limit"
_JUDGING_BEGINS = """
INSERT INTO tier_judging (plan_version, members, judged, moved, started_at)
VALUES (:plan_version, (SELECT count(*) FROM membership), 0, 0, :at) ON CONFLICT (plan_version) DO NOTHING
"""
_JUDGED = """
UPDATE tier_judging SET judged = judged + :judged, moved = moved + :moved,
  finished_at = coalesce(finished_at, CAST(:finished_at AS timestamptz))
WHERE plan_version = :plan_version
"""
_JUDGING = """
SELECT plan_version, members, judged, moved, started_at, finished_at FROM tier_judging
WHERE plan_version = :plan_version
"""


async def plan(tx: Transaction) -> TierPlan:
    """The plan that is published now; there always is one."""
    return (await published(tx, TIER_PLANS))[CODE].value


async def standings(tx: Transaction, customer_ids: Iterable[UUID]) -> dict[UUID, Standing]:
    """Where these customers stand; those who never got anything are missing."""
    rows = (await tx.execute(_STANDINGS, ids=list(customer_ids))).records
    return {row[0]: Standing(*row[1:]) for row in rows}


async def save(tx: Transaction, plan: TierPlan, decided: Mapping[UUID, tuple[Standing, str]]) -> bool:
    """Keep where members stand, each with the event that decided it; False: some of them have a granted tier by now."""
    rows: Sequence[tuple[Standing, str]] = list(decided.values())
    result = await tx.execute(
        _SAVE,
        ids=list(decided),
        enrolled_at=[standing.enrolled_at for standing, _ in rows],
        since=[standing.since for standing, _ in rows],
        plan_version=plan.version,
        tiers=[standing.tier for standing, _ in rows],
        event_ids=[event_id for _, event_id in rows],
    )
    return bool(result.rowcount == len(rows))


async def members(tx: Transaction, customer_ids: Iterable[UUID]) -> dict[UUID, Member]:
    """The whole rows of these members, locked."""
    rows: Sequence[Any] = await tx.all(_MEMBERS, ids=list(customer_ids))
    return {row[0]: Member(*row) for row in rows}


async def member(tx: Transaction, customer_id: UUID) -> Member | None:
    """The whole row of one."""
    row: Any = await tx.first(_MEMBER, id=customer_id)
    return None if row is None else Member(*row)


async def keep(tx: Transaction, found: Sequence[Member]) -> None:
    """Keep whole rows."""
    await tx.execute(_KEEP, **{name: [getattr(one, name) for one in found] for name in Member._fields})


async def gains(
    tx: Transaction, customer_ids: Iterable[UUID], account_type: str
) -> dict[UUID, list[tuple[datetime, int]]]:
    """What each customer (those merged into him included) earned at each instant and kept, ascending."""
    out: dict[UUID, list[tuple[datetime, int]]] = {}
    rows: Sequence[Any] = await tx.all(_GAINS, ids=list(customer_ids), account_type=account_type)
    for root, at, amount in rows:
        out.setdefault(root, []).append((at, amount))
    return out


async def lock(tx: Transaction, customer_ids: Iterable[UUID], account_type: str) -> None:
    """Lock the accounts that decide, as whoever posts does."""
    await tx.execute(_LOCK, ids=list(customer_ids), account_type=account_type)


async def enrol(tx: Transaction, plan: TierPlan, customer_id: UUID, at: datetime) -> None:
    """A row for a customer who never got anything."""
    await tx.execute(_ENROL, customer_id=customer_id, at=at, plan_version=plan.version, tier=plan.base.code)


async def grant(
    tx: Transaction, id_: UUID, customer_id: UUID, tier: str, *, until: datetime, reason: str, by: str, at: datetime
) -> None:
    """A tier given by hand."""
    await tx.execute(_GRANT, id=id_, customer_id=customer_id, tier=tier, until=until, reason=reason, by=by, at=at)


async def give_tier(
    tx: Transaction, customer_id: UUID, tier: str | None, *, at: datetime | None, until: datetime | None
) -> None:
    """What stands as granted in a member's row."""
    await tx.execute(_GIVE_TIER, customer_id=customer_id, tier=tier, at=at, until=until)


async def end_grants(tx: Transaction, customer_ids: Iterable[UUID], *, at: datetime, by: str, reason: str) -> None:
    """End what stands as granted to these customers."""
    await tx.execute(_END_GRANTS, ids=list(customer_ids), at=at, by=by, reason=reason)


async def move_grants(tx: Transaction, from_id: UUID, to_id: UUID) -> None:
    """What was granted to one customer was granted to another."""
    await tx.execute(_MOVE_GRANTS, from_id=from_id, to_id=to_id)


async def grants_of(tx: Transaction, customer_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """What was ever granted to a customer, newest first."""
    return await tx.all(_GRANTS, customer_id=customer_id, after=after, limit=limit)


async def grant_of(tx: Transaction, id_: UUID, customer_id: UUID) -> Row[Any] | None:
    """One grant of a customer, locked."""
    return await tx.first(_GRANT_OF, id=id_, customer_id=customer_id)


async def remove(tx: Transaction, customer_ids: Iterable[UUID]) -> None:
    """Forget members who became somebody else."""
    await tx.execute(_REMOVE, ids=list(customer_ids))


async def members_by_tier(tx: Transaction) -> tuple[int, dict[str, int]]:
    """How many customers there are, and how many members stand in each tier."""
    row = await tx.one(_MEMBERS_BY_TIER)
    return row.customers, row.members


async def not_judged_by(tx: Transaction, version: int, *, after: UUID | None, limit: int) -> list[UUID]:
    """Members whom another version judged, in id order."""
    rows: Sequence[Any] = await tx.all(_SLICE, plan_version=version, after=after, limit=limit)
    return [row[0] for row in rows]


async def some(tx: Transaction, limit: int) -> dict[UUID, str]:
    """Members and their tiers."""
    rows: Sequence[Any] = await tx.all(_SAMPLE, limit=limit)
    return {row[0]: row[1] for row in rows}


async def judging_begins(tx: Transaction, version: int, at: datetime) -> None:
    """Everybody is to be judged by a version."""
    await tx.execute(_JUDGING_BEGINS, plan_version=version, at=at)


async def judged(tx: Transaction, version: int, *, judged: int, moved: int, finished_at: datetime | None) -> None:
    """So many more are."""
    await tx.execute(_JUDGED, plan_version=version, judged=judged, moved=moved, finished_at=finished_at)


async def judging(tx: Transaction, version: int) -> Row[Any] | None:
    """How far it has come; None for a version that nobody had to be judged by."""
    return await tx.first(_JUDGING, plan_version=version)
