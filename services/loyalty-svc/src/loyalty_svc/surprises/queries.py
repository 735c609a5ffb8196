"""All SQL of surprises, set-based: a draw is listed and given in slices, each a few statements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.surprises.drawing import Outcome
from loyalty_svc.surprises.surprise import Spent
from moat.kit.db.transaction import Transaction

_OPEN: Final = "INSERT INTO surprise (code, gifts, points, cost_minor) VALUES (:code, 0, 0, 0) ON CONFLICT DO NOTHING"
_LOCK: Final = "SELECT points, cost_minor FROM surprise WHERE code = :code FOR UPDATE"
_LOCK_OF: Final = """
SELECT FROM surprise WHERE code IN (SELECT code FROM surprise_draw WHERE id = ANY(CAST(:ids AS uuid[])))
ORDER BY code FOR UPDATE
"""
_SPEND: Final = """
UPDATE surprise SET gifts = gifts + :gifts, points = points + :points, cost_minor = cost_minor + :cost_minor
WHERE code = :code
"""
_COLUMNS: Final = """id, code, state, version, winners, commitment, seed, committed_at, draws_at, started_at, drawn_at,
  finished_at, started_by, counted_to, customers, eligible, eligible_hash, judged, judged_to, given, ended_by"""
_COMMIT: Final = """
INSERT INTO surprise_draw (id, code, state, commitment, seed, committed_at, draws_at, customers, eligible, judged,
                           given)
VALUES (:id, :code, 'committed', :commitment, :seed, :at, :draws_at, 0, 0, 0, 0)
"""
_OPEN_DRAWS: Final = f"SELECT {_COLUMNS} FROM surprise_draw WHERE code = :code AND state <> 'finished' ORDER BY id"  # noqa: S608
_DRAWS_BY_ID: Final = f"SELECT {_COLUMNS} FROM surprise_draw WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id"  # noqa: S608
_DRAWS: Final = f"""
SELECT {_COLUMNS} FROM surprise_draw
WHERE code = :code AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid)) ORDER BY id DESC LIMIT :limit
"""  # noqa: S608
_DRAWS_AT: Final = "UPDATE surprise_draw SET draws_at = :draws_at WHERE id = :id"
_BEGIN: Final = """
UPDATE surprise_draw SET state = 'counting', started_at = :at, version = :version, winners = :winners, started_by = :by
WHERE id = :id
"""
_COUNTED: Final = """
UPDATE surprise_draw SET customers = customers + :customers, eligible = eligible + :eligible, counted_to = :counted_to
WHERE id = :id
"""
# As `drawing.hash_of`, made where the list is: the order of ids is the order of their texts.
_DRAWN: Final = """
UPDATE surprise_draw SET state = 'giving', drawn_at = :at, eligible_hash = (
  SELECT encode(sha256(convert_to(coalesce(string_agg(entry_id || E'\\n', '' ORDER BY entry_id), ''), 'UTF8')), 'hex')
  FROM surprise_entry WHERE draw_id = :id)
WHERE id = :id
"""
_JUDGED: Final = """
UPDATE surprise_draw SET judged = judged + :judged, given = given + :given, judged_to = :judged_to WHERE id = :id
"""
_FINISH: Final = "UPDATE surprise_draw SET state = 'finished', finished_at = :at, ended_by = :ended_by WHERE id = :id"
_RECENT: Final = """
SELECT customer_id FROM surprise_recipient
WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND (last_at > :since OR quiet_until > :at)
"""
# In the order of ids, so that two draws wait for each other and never in a circle; who waited judges the row as it is.
_CLAIM: Final = """
INSERT INTO surprise_recipient AS r (customer_id, last_at, quiet_until)
SELECT id, CAST(:at AS timestamptz), CAST(:quiet_until AS timestamptz)
FROM unnest(CAST(:ids AS uuid[])) AS id ORDER BY id
ON CONFLICT (customer_id) DO UPDATE SET last_at = excluded.last_at, quiet_until = excluded.quiet_until
WHERE r.last_at <= :since AND r.quiet_until <= :at
RETURNING customer_id
"""
_LIST: Final = """
INSERT INTO surprise_entry (draw_id, entry_id, digest)
SELECT CAST(:draw_id AS uuid), n.* FROM unnest(CAST(:ids AS uuid[]), CAST(:digests AS bytea[])) AS n ORDER BY 2
"""
_NEXT: Final = """
SELECT entry_id, digest FROM surprise_entry
WHERE draw_id = :draw_id AND (CAST(:after AS bytea) IS NULL OR digest > CAST(:after AS bytea))
ORDER BY digest LIMIT :limit
"""
_OUTCOMES: Final = """
UPDATE surprise_entry e SET outcome = n.outcome
FROM unnest(CAST(:ids AS uuid[]), CAST(:outcomes AS text[])) AS n (entry_id, outcome)
WHERE e.draw_id = :draw_id AND e.entry_id = n.entry_id
"""
_ENTRIES: Final = """
SELECT entry_id, digest, outcome FROM surprise_entry
WHERE draw_id = :draw_id AND (CAST(:after AS uuid) IS NULL OR digest > (
  SELECT digest FROM surprise_entry WHERE draw_id = :draw_id AND entry_id = CAST(:after AS uuid)))
ORDER BY digest LIMIT :limit
"""
_ADD_GIFTS: Final = """
INSERT INTO surprise_gift (id, customer_id, draw_id, at, points, code_id, surprise, rule, account_type, coupon)
SELECT n.id, n.customer_id, CAST(:draw_id AS uuid), CAST(:at AS timestamptz), CAST(:points AS bigint), n.code_id,
       CAST(:surprise AS text), CAST(:rule AS text), CAST(:account_type AS text), CAST(:coupon AS text)
FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:codes AS uuid[])) AS n (id, customer_id, code_id)
"""
_GIFTS_OF: Final = """
SELECT id, at, surprise, rule, account_type, points, coupon FROM surprise_gift
WHERE customer_id = :customer_id AND (CAST(:after AS uuid) IS NULL OR (at, id) < (:after_at, CAST(:after AS uuid)))
ORDER BY at DESC, id DESC LIMIT :limit
"""
_MOVE_GIFTS: Final = """
UPDATE surprise_gift SET customer_id = :into_id, origin_id = coalesce(origin_id, CAST(:from_id AS uuid))
WHERE customer_id = :from_id
"""
_MOVE_RECIPIENT: Final = """
WITH gone AS (DELETE FROM surprise_recipient WHERE customer_id = :from_id RETURNING *)
INSERT INTO surprise_recipient AS r (customer_id, last_at, quiet_until)
SELECT CAST(:into_id AS uuid), last_at, quiet_until FROM gone
ON CONFLICT (customer_id) DO UPDATE SET last_at = greatest(r.last_at, excluded.last_at),
  quiet_until = greatest(r.quiet_until, excluded.quiet_until)
"""


class NewGift(NamedTuple):
    """What one winner gets; `code_id` of the coupon's code, where there is one."""

    id: UUID
    customer_id: UUID
    code_id: UUID | None


async def open_surprise(tx: Transaction, code: str) -> None:
    """A row for what it will give."""
    await tx.execute(_OPEN, code=code)


async def lock(tx: Transaction, code: str) -> Spent:
    """What it has given until now; nobody changes that, nor its draws, until the commit."""
    row = await tx.one(_LOCK, code=code)
    return Spent(row.points, row.cost_minor)


async def lock_of_draws(tx: Transaction, draw_ids: Collection[UUID]) -> None:
    """Lock the surprises of these draws, by code."""
    await tx.execute(_LOCK_OF, ids=list(draw_ids))


async def spend(tx: Transaction, code: str, *, gifts: int, each: Spent) -> None:
    """It has given so many more."""
    points, cost_minor = each.points * gifts, each.cost_minor * gifts
    await tx.execute(_SPEND, code=code, gifts=gifts, points=points, cost_minor=cost_minor)


async def commit(
    tx: Transaction, id_: UUID, code: str, *, seed: bytes, commitment: str, draws_at: datetime | None, at: datetime
) -> None:
    """Record the next draw and what its seed is held to."""
    await tx.execute(_COMMIT, id=id_, code=code, seed=seed, commitment=commitment, draws_at=draws_at, at=at)


async def open_draws(tx: Transaction, code: str) -> Sequence[Row[Any]]:
    """The draw that waits and the one that is under way, where there are any."""
    return await tx.all(_OPEN_DRAWS, code=code)


async def draws_by_id(tx: Transaction, ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """These draws, in the order of their ids."""
    return await tx.all(_DRAWS_BY_ID, ids=list(ids))


async def draws_of(tx: Transaction, code: str, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """The draws of a surprise, the latest first."""
    return await tx.all(_DRAWS, code=code, after=after, limit=limit)


async def draws_at(tx: Transaction, id_: UUID, at: datetime | None) -> None:
    """When a draw that waits begins by itself."""
    await tx.execute(_DRAWS_AT, id=id_, draws_at=at)


async def begun(tx: Transaction, id_: UUID, *, version: int, winners: int, by: str, at: datetime) -> None:
    """It has begun: who may win is listed from now on."""
    await tx.execute(_BEGIN, id=id_, version=version, winners=winners, by=by, at=at)


async def recent(tx: Transaction, customer_ids: Collection[UUID], *, quiet: timedelta, at: datetime) -> set[UUID]:
    """Who of these had a surprise too recently, by this one's quiet days or by those of the one he had."""
    rows: Sequence[Any] = await tx.all(_RECENT, ids=list(customer_ids), since=at - quiet, at=at)
    return {row[0] for row in rows}


async def enlist(tx: Transaction, draw_id: UUID, ranked: Mapping[UUID, bytes]) -> None:
    """These may win; by customer what ranks him."""
    await tx.execute(_LIST, draw_id=draw_id, ids=list(ranked), digests=list(ranked.values()))


async def counted(tx: Transaction, draw_id: UUID, *, customers: int, eligible: int, counted_to: UUID) -> None:
    """So many more were looked at, and so many of them may win."""
    await tx.execute(_COUNTED, id=draw_id, customers=customers, eligible=eligible, counted_to=counted_to)


async def drawn(tx: Transaction, draw_id: UUID, *, at: datetime) -> None:
    """Everybody was looked at: the list stands from now on, and its hash."""
    await tx.execute(_DRAWN, id=draw_id, at=at)


async def next_entries(tx: Transaction, draw_id: UUID, *, after: bytes | None, limit: int) -> Sequence[Row[Any]]:
    """The next on the list, by rank."""
    return await tx.all(_NEXT, draw_id=draw_id, after=after, limit=limit)


async def claim(tx: Transaction, customer_ids: Collection[UUID], *, quiet: timedelta, at: datetime) -> set[UUID]:
    """Take the right of these to a surprise now; those who have had none too recently, in whatever draw."""
    rows: Sequence[Any] = await tx.all(_CLAIM, ids=list(customer_ids), at=at, since=at - quiet, quiet_until=at + quiet)
    return {row[0] for row in rows}


async def add_gifts(
    tx: Transaction,
    gifts: Sequence[NewGift],
    *,
    draw_id: UUID,
    surprise: str,
    rule: str,
    account_type: str | None,
    points: int | None,
    coupon: str | None,
    at: datetime,
) -> None:
    """What the winners got."""
    await tx.execute(
        _ADD_GIFTS,
        ids=[one.id for one in gifts],
        customers=[one.customer_id for one in gifts],
        codes=[one.code_id for one in gifts],
        draw_id=draw_id,
        surprise=surprise,
        rule=rule,
        account_type=account_type,
        points=points,
        coupon=coupon,
        at=at,
    )


async def judged(
    tx: Transaction, draw_id: UUID, outcomes: Mapping[UUID, Outcome], *, given: int, judged_to: bytes
) -> None:
    """What became of the next on the list, up to a digest."""
    await tx.execute(_OUTCOMES, draw_id=draw_id, ids=list(outcomes), outcomes=list(outcomes.values()))
    await tx.execute(_JUDGED, id=draw_id, judged=len(outcomes), given=given, judged_to=judged_to)


async def finish(tx: Transaction, draw_id: UUID, *, ended_by: str, at: datetime) -> None:
    """Nothing more is given in this draw."""
    await tx.execute(_FINISH, id=draw_id, ended_by=ended_by, at=at)


async def entries(tx: Transaction, draw_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Who may win, by rank, after one of them."""
    return await tx.all(_ENTRIES, draw_id=draw_id, after=after, limit=limit)


async def gifts_of(
    tx: Transaction, customer_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """What a customer was given, the latest first."""
    after_at, after_id = after or (None, None)
    return await tx.all(_GIFTS_OF, customer_id=customer_id, after_at=after_at, after=after_id, limit=limit)


async def move(tx: Transaction, from_id: UUID, into_id: UUID) -> None:
    """The survivor keeps what both were given, and waits for the next as either would have."""
    await tx.execute(_MOVE_GIFTS, from_id=from_id, into_id=into_id)
    await tx.execute(_MOVE_RECIPIENT, from_id=from_id, into_id=into_id)
