"""All SQL of simulations. Nothing but its own tables is written."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_svc.ledger.owners import owned
from loyalty_svc.simulation.comparing import Outcome
from loyalty_svc.tiers.settled import Member
from moat.kit.db.transaction import Transaction

LOCK: Final = 7305021
"""Held while one is taken up, so that one runs at a time."""
LEASE_SECONDS: Final = 30
_COLUMNS: Final = """id, kind, code, version, draft_revision, days, since, state, progress, events_read, events_skipped,
  attempts, author, created_at, started_at, finished_at, published_at, failure"""
_ADD: Final = """
INSERT INTO simulation (id, kind, code, version, draft_revision, document, days, since, state, author, created_at)
VALUES (:id, :kind, :code, :version, :draft_revision, CAST(:document AS jsonb), :days, :since, 'queued', :author, :at)
"""
_ONE: Final = f"SELECT {_COLUMNS}, result FROM simulation WHERE id = :id"  # noqa: S608
_LIST: Final = f"""
SELECT {_COLUMNS}, result FROM simulation
WHERE CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid) ORDER BY id DESC LIMIT :limit
"""  # noqa: S608
_WAITING: Final = "SELECT count(*) FROM simulation WHERE state IN ('queued', 'running')"
_CANCEL: Final = "UPDATE simulation SET state = 'cancelled', finished_at = :at WHERE id = :id"
_PRUNE: Final = """
DELETE FROM simulation WHERE state NOT IN ('queued', 'running') AND id NOT IN (
  SELECT id FROM simulation WHERE state NOT IN ('queued', 'running') ORDER BY id DESC LIMIT :kept)
"""
_IS_ANY: Final = "SELECT EXISTS (SELECT FROM simulation WHERE state IN ('queued', 'running'))"
_LOCK: Final = "SELECT pg_advisory_xact_lock(:key)"
_GIVE_UP: Final = """
UPDATE simulation SET state = 'failed', failure = 'interrupted', finished_at = :at
WHERE state = 'running' AND lease_until < clock_timestamp() AND attempts >= :attempts_max
"""
_TAKE_UP: Final = """
UPDATE simulation SET state = 'running', claim = :claim, attempts = attempts + 1, progress = 0, events_read = 0,
  events_skipped = 0, started_at = coalesce(started_at, :at),
  lease_until = clock_timestamp() + make_interval(secs => :seconds)
WHERE id = (SELECT id FROM simulation
            WHERE state = 'queued' OR (state = 'running' AND lease_until < clock_timestamp()) ORDER BY id LIMIT 1)
  AND NOT EXISTS (SELECT FROM simulation WHERE state = 'running' AND lease_until >= clock_timestamp())
RETURNING id, kind, code, version, document, since
"""
_GO_ON: Final = """
UPDATE simulation SET progress = :progress, events_read = :read, events_skipped = :skipped,
  lease_until = clock_timestamp() + make_interval(secs => :seconds)
WHERE id = :id AND claim = :claim AND state = 'running' RETURNING true
"""
_RELEASE: Final = """
UPDATE simulation SET state = 'queued', claim = NULL, lease_until = NULL, attempts = attempts - 1
WHERE id = :id AND claim = :claim AND state = 'running'
"""
_END: Final = """
UPDATE simulation SET state = :state, progress = CASE WHEN :state = 'done' THEN 100 ELSE progress END,
  finished_at = :at, failure = :failure, result = CAST(:result AS jsonb), lease_until = NULL
WHERE id = :id AND claim = :claim AND state = 'running' RETURNING true
"""
_KEEP: Final = """
INSERT INTO simulation_customer (simulation_id, rank, customer_id, published, draft, tier, to_tier)
SELECT :id, c.* FROM unnest(CAST(:ranks AS integer[]), CAST(:ids AS uuid[]), CAST(:published AS bigint[]),
                            CAST(:draft AS bigint[]), CAST(:tiers AS text[]), CAST(:to_tiers AS text[])) AS c
"""
_CUSTOMERS: Final = """
SELECT rank, customer_id, published, draft, tier, to_tier FROM simulation_customer
WHERE simulation_id = :id AND rank > :after
  AND (CAST(:side AS text) IS NULL OR (draft > published) = (CAST(:side AS text) = 'winners'))
ORDER BY rank LIMIT :limit
"""
_PUBLISHED: Final = "UPDATE simulation SET published_at = :at WHERE id = :id"
_GROWN_BEFORE: Final = f"""
WITH customer (root, id) AS (
  SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
  UNION ALL SELECT to_id, from_id FROM customer_alias WHERE to_id = ANY(CAST(:ids AS uuid[]))),
mine AS ({owned("p.id", "p.kind <> 'transferred' AND p.at < :since")})
SELECT m.root, sum(e.amount)::bigint FROM mine m JOIN entry e ON e.posting_id = m.id AND e.account_type = :account_type
GROUP BY m.root
"""  # noqa: S608
_MEMBERS: Final = """
SELECT customer_id, enrolled_at, since, plan_version, tier, event_id, earned_tier, earned_since, granted_tier,
  granted_at, granted_until, retained_at, warned_for, next_at, judged_at
FROM membership WHERE CAST(:after AS uuid) IS NULL OR customer_id > CAST(:after AS uuid)
ORDER BY customer_id LIMIT :limit
"""
_HOW_MANY_MEMBERS: Final = "SELECT count(*) FROM membership"


@dataclass(frozen=True, slots=True)
class Claim:
    """A simulation that this worker runs, as long as it says so in time."""

    id: UUID
    claim: UUID
    kind: str
    code: str
    version: int
    document: Mapping[str, Any]
    since: datetime


async def add(tx: Transaction, id_: UUID, *, document: Mapping[str, Any], **columns: object) -> None:
    """A new one, waiting."""
    await tx.execute(_ADD, id=id_, document=json.dumps(document, ensure_ascii=False), **columns)


async def one(tx: Transaction, id_: UUID, *, locked: bool = False) -> Any:
    """One with its result; None for an unknown one."""
    return await tx.first(_ONE + (" FOR UPDATE" if locked else ""), id=id_)


async def newest(tx: Transaction, *, before: UUID | None, limit: int) -> Sequence[Any]:
    """Simulations, newest first."""
    return await tx.all(_LIST, before=before, limit=limit)


async def waiting(tx: Transaction) -> int:
    """How many are not over; whoever asks holds others off until the commit."""
    await tx.execute(_LOCK, key=LOCK)
    return int(await tx.scalar(_WAITING))


async def cancel(tx: Transaction, id_: UUID, *, at: datetime) -> None:
    """It is over; the worker that runs it notices when it goes on."""
    await tx.execute(_CANCEL, id=id_, at=at)


async def prune(tx: Transaction, *, kept: int) -> None:
    """Forget the oldest of those that are over."""
    await tx.execute(_PRUNE, kept=kept)


async def take_up(tx: Transaction, claim: UUID, *, attempts_max: int, at: datetime) -> Claim | None:
    """Begin the oldest that waits, or that somebody left; None while one runs, or where there is none."""
    # Every worker asks every second, and seldom is there anything.
    if not await tx.scalar(_IS_ANY):
        return None
    await tx.execute(_LOCK, key=LOCK)
    await tx.execute(_GIVE_UP, attempts_max=attempts_max, at=at)
    row: Any = await tx.first(_TAKE_UP, claim=claim, seconds=LEASE_SECONDS, at=at)
    return None if row is None else Claim(row.id, claim, row.kind, row.code, row.version, row.document, row.since)


async def go_on(tx: Transaction, claim: Claim, *, progress: int, read: int, skipped: int) -> bool:
    """Say how far it is; False: it was cancelled, or is somebody else's by now."""
    found = await tx.scalar(
        _GO_ON,
        id=claim.id,
        claim=claim.claim,
        seconds=LEASE_SECONDS,
        progress=progress,
        read=read,
        skipped=skipped,
    )
    return bool(found)


async def release(tx: Transaction, claim: Claim) -> None:
    """Let it wait again; that was no attempt."""
    await tx.execute(_RELEASE, id=claim.id, claim=claim.claim)


async def end(
    tx: Transaction,
    claim: Claim,
    state: str,
    *,
    at: datetime,
    failure: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> bool:
    """It is over; False: it was cancelled, or is somebody else's by now."""
    text = None if result is None else json.dumps(result, ensure_ascii=False)
    found = await tx.scalar(_END, id=claim.id, claim=claim.claim, state=state, at=at, failure=failure, result=text)
    return bool(found)


async def keep(tx: Transaction, id_: UUID, first_rank: int, outcomes: Sequence[Outcome]) -> None:
    """Keep these customers, in their order."""
    await tx.execute(
        _KEEP,
        id=id_,
        ranks=list(range(first_rank, first_rank + len(outcomes))),
        ids=[one.customer_id for one in outcomes],
        published=[one.published for one in outcomes],
        draft=[one.draft for one in outcomes],
        tiers=[one.tier for one in outcomes],
        to_tiers=[one.to_tier for one in outcomes],
    )


async def customers(tx: Transaction, id_: UUID, side: str | None, *, after: int, limit: int) -> Sequence[Any]:
    """The customers whom it changes most, of one side or both."""
    return await tx.all(_CUSTOMERS, id=id_, side=side, after=after, limit=limit)


async def note_published(tx: Transaction, id_: UUID, *, at: datetime) -> None:
    """The draft was published from it."""
    await tx.execute(_PUBLISHED, id=id_, at=at)


async def look_at_once(tx: Transaction) -> None:
    """See one state of the database in every statement, and write none; the first thing in the transaction."""
    await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


async def grown_before(
    tx: Transaction, customer_ids: Iterable[UUID], account_type: str, since: datetime
) -> dict[UUID, int]:
    """What each customer (those merged into him included) had of an account type at an instant, by when it happened."""
    rows: Sequence[Any] = await tx.all(_GROWN_BEFORE, ids=list(customer_ids), account_type=account_type, since=since)
    return {row[0]: row[1] for row in rows}


async def members(tx: Transaction, *, after: UUID | None, limit: int) -> list[Member]:
    """Members in id order, unlocked."""
    rows: Sequence[Any] = await tx.all(_MEMBERS, after=after, limit=limit)
    return [Member(*row) for row in rows]


async def how_many_members(tx: Transaction) -> int:
    """All of them."""
    return int(await tx.scalar(_HOW_MANY_MEMBERS))
