"""All SQL of honours, set-based: what is known of members, and who holds what."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.honours.members import Facts
from loyalty_svc.ledger.owners import owned
from moat.kit.db.transaction import Transaction

# What is asked for is joined, the rest is not. Orders and tasks follow merges when they are read, or were moved.
_MEMBERS: Final = "SELECT c.id AS customer_id{columns} FROM unnest(CAST(:ids AS uuid[])) AS c (id){joins} ORDER BY c.id"
_PARTS: Final = (
    (
        {"tier", "enrolled_at", "days_a_member"},
        "m.tier, m.enrolled_at",
        "LEFT JOIN membership m ON m.customer_id = c.id",
    ),
    (
        {"growth"},
        "coalesce(g.available, 0) AS growth",
        "LEFT JOIN account g ON g.customer_id = c.id AND g.type = 'growth'",
    ),
    (
        {"points"},
        "greatest(coalesce(p.available, 0), 0) AS points",
        "LEFT JOIN account p ON p.customer_id = c.id AND p.type = 'points'",
    ),
    (
        {"orders_count", "spent_minor"},
        "coalesce(o.orders_count, 0) AS orders_count, o.spent",
        f"""LEFT JOIN (
  WITH customer (root, id) AS (
    SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
    UNION ALL SELECT to_id, from_id FROM customer_alias WHERE to_id = ANY(CAST(:ids AS uuid[]))),
  mine AS ({owned("p.cause_id", "p.kind = 'earned' AND p.order_id IS NOT NULL")}),
  paid AS (SELECT DISTINCT root, cause_id FROM mine),
  kept AS (
    SELECT p.root, e.currency, e.total_minor, e.total_minor - least(e.total_minor, coalesce((
      SELECT sum(CAST(r->>3 AS bigint)) FROM jsonb_array_elements(e.refunds) AS r WHERE r->>2 = e.currency
    ), 0)::bigint) AS minor
    FROM paid p JOIN order_earning e ON e.order_uid = p.cause_id WHERE e.paid_at IS NOT NULL),
  summed AS (
    SELECT root, currency, count(*) FILTER (WHERE minor > 0 OR total_minor = 0) AS orders, sum(minor)::bigint AS minor
    FROM kept GROUP BY root, currency)
  SELECT root, sum(orders)::bigint AS orders_count, jsonb_object_agg(currency, minor) AS spent
  FROM summed GROUP BY root) AS o ON o.root = c.id""",  # noqa: S608
    ),
    (
        {"referrals_rewarded"},
        "coalesce(r.rewarded, 0) AS referrals_rewarded",
        """LEFT JOIN (
  SELECT customer_id, count(*) AS rewarded FROM referral
  WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND status = 'rewarded' GROUP BY customer_id) AS r
  ON r.customer_id = c.id""",
    ),
    (
        {"tasks_completed", "badges"},
        "coalesce(t.completed, 0) AS tasks_completed, coalesce(t.badges, ARRAY[]::text[]) AS badges",
        """LEFT JOIN (
  SELECT customer_id, count(*) AS completed,
         array_agg(DISTINCT badge) FILTER (WHERE badge IS NOT NULL) AS badges FROM task_progress
  WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND completed_at IS NOT NULL AND withdrawn_at IS NULL
  GROUP BY customer_id) AS t ON t.customer_id = c.id""",
    ),
    (
        {"honours"},
        "coalesce(h.honours, ARRAY[]::text[]) AS honours",
        """LEFT JOIN (
  SELECT customer_id, array_agg(honour) AS honours FROM honour_holding
  WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND ended_at IS NULL
    AND (valid_until IS NULL OR valid_until > :now) GROUP BY customer_id) AS h ON h.customer_id = c.id""",
    ),
)
# Those who are somebody else by now are left out.
_CUSTOMERS: Final = """
SELECT k.customer_id FROM known_customer k
WHERE (CAST(:after AS uuid) IS NULL OR k.customer_id > CAST(:after AS uuid))
  AND NOT EXISTS (SELECT FROM customer_alias a WHERE a.from_id = k.customer_id)
ORDER BY k.customer_id LIMIT :limit
"""
_COLUMNS: Final = """h.id, h.customer_id, h.honour, h.rule, h.given_at, h.valid_until, h.ended_at, h.is_by_rule,
  h.is_barred, h.given_by, h.reason, h.ended_by, h.end_reason"""
_STANDS: Final = "h.ended_at IS NULL AND (h.valid_until IS NULL OR h.valid_until > :now)"
_PAIRS: Final = "unnest(CAST(:ids AS uuid[]), CAST(:honours AS text[])) AS w (customer_id, honour)"
_SETTLED: Final = f"""
SELECT DISTINCT h.customer_id, h.honour
FROM honour_holding h JOIN {_PAIRS} ON w.customer_id = h.customer_id AND w.honour = h.honour
WHERE h.is_barred OR ({_STANDS})
"""  # noqa: S608
# Who takes one back at this moment is waited for, so a rule sees that it was.
_LOCKED: Final = f"""
SELECT h.id, h.customer_id, h.honour, h.is_barred, {_STANDS} AS stands, h.ended_at IS NULL AS is_open
FROM honour_holding h JOIN {_PAIRS} ON w.customer_id = h.customer_id AND w.honour = h.honour
ORDER BY h.customer_id, h.honour, h.id FOR UPDATE OF h
"""  # noqa: S608
_LAPSE: Final = """
UPDATE honour_holding SET ended_at = valid_until, ended_by = 'moat', end_reason = 'honour.lapsed'
WHERE id = ANY(CAST(:ids AS uuid[])) AND ended_at IS NULL
"""
_GIVE: Final = """
INSERT INTO honour_holding (id, customer_id, given_at, valid_until, is_by_rule, is_barred, honour, rule, given_by,
                            reason, event_id)
SELECT n.id, n.customer_id, CAST(:at AS timestamptz), n.valid_until, CAST(:reason AS text) IS NULL, false, n.honour,
       n.rule, CAST(:by AS text), CAST(:reason AS text), n.event_id
FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:until AS timestamptz[]), CAST(:honours AS text[]),
            CAST(:rules AS text[]), CAST(:event_ids AS text[]))
  AS n (id, customer_id, valid_until, honour, rule, event_id)
ORDER BY n.customer_id, n.honour COLLATE "C"
ON CONFLICT (customer_id, honour) WHERE ended_at IS NULL DO NOTHING RETURNING id
"""
_ONE: Final = f"""
SELECT {_COLUMNS} FROM honour_holding h WHERE h.id = :id AND h.customer_id = :customer_id FOR UPDATE
"""  # noqa: S608
_WITHDRAW: Final = """
UPDATE honour_holding SET ended_at = :at, ended_by = :by, end_reason = :reason, is_barred = :bars WHERE id = :id
"""
_ALLOW: Final = """
UPDATE honour_holding SET is_barred = false WHERE customer_id = :customer_id AND honour = :honour AND is_barred
"""
# Of what both hold, the one that holds longest stands, and of those the first.
_JOIN: Final = """
UPDATE honour_holding h SET ended_at = greatest(h.given_at, least(h.valid_until, CAST(:at AS timestamptz))),
                            ended_by = 'moat', end_reason = 'customer.merged'
FROM (SELECT id, row_number() OVER (PARTITION BY honour ORDER BY valid_until DESC NULLS FIRST, given_at, id) AS place
      FROM honour_holding WHERE customer_id IN (:from_id, :into_id) AND ended_at IS NULL) AS d
WHERE d.id = h.id AND d.place > 1
"""
_MOVE: Final = "UPDATE honour_holding SET customer_id = :into_id WHERE customer_id = :from_id"
_OF_CUSTOMER: Final = f"""
SELECT {_COLUMNS} FROM honour_holding h
WHERE h.customer_id = :customer_id AND (NOT :only_standing OR ({_STANDS}))
  AND (CAST(:after AS uuid) IS NULL OR h.id < CAST(:after AS uuid))
ORDER BY h.id DESC LIMIT :limit
"""  # noqa: S608
_HOLDERS: Final = f"""
SELECT {_COLUMNS} FROM honour_holding h
WHERE h.honour = :honour AND {_STANDS} AND (CAST(:after AS uuid) IS NULL OR h.id < CAST(:after AS uuid))
ORDER BY h.id DESC LIMIT :limit
"""  # noqa: S608

Pair = tuple[UUID, str]
"""A customer and the code of an honour."""


class NewHolding(NamedTuple):
    """An honour as it is given."""

    id: UUID
    customer_id: UUID
    honour: str
    rule: str
    valid_until: datetime | None
    event_id: str | None


async def members(
    tx: Transaction, customer_ids: Iterable[UUID], fields: Collection[str], *, now: datetime
) -> dict[UUID, Facts]:
    """What is known of these customers, as far as these fields need it; everybody has a row."""
    parts = [(columns, join) for known, columns, join in _PARTS if known & set(fields)]
    columns, joins = "".join(f", {one}" for one, _ in parts), "".join(f"\n{one}" for _, one in parts)
    values = {"now": now} if "honours" in fields else {}
    rows: Sequence[Any] = await tx.all(_MEMBERS.format(columns=columns, joins=joins), ids=list(customer_ids), **values)
    return {row.customer_id: row._mapping for row in rows}


async def customers(tx: Transaction, *, after: UUID | None, limit: int) -> list[UUID]:
    """The next known customers, in the order of their ids."""
    rows: Sequence[Any] = await tx.all(_CUSTOMERS, after=after, limit=limit)
    return [row[0] for row in rows]


async def settled(tx: Transaction, pairs: Collection[Pair], *, now: datetime) -> set[Pair]:
    """Which of these stand already, or were taken back for good."""
    rows: Sequence[Any] = await tx.all(_SETTLED, **_bound(pairs), now=now)
    return {(row[0], row[1]) for row in rows}


async def locked(tx: Transaction, pairs: Collection[Pair], *, now: datetime) -> Sequence[Any]:
    """Every holding of these, also those that are over: id, customer_id, honour, is_barred, stands, is_open."""
    return await tx.all(_LOCKED, **_bound(pairs), now=now)


def _bound(pairs: Collection[Pair]) -> dict[str, object]:
    ordered = sorted(pairs)
    return {"ids": [one for one, _ in ordered], "honours": [honour for _, honour in ordered]}


async def lapse(tx: Transaction, ids: Sequence[UUID]) -> None:
    """These are over: their time was."""
    await tx.execute(_LAPSE, ids=list(ids))


async def give(tx: Transaction, new: Sequence[NewHolding], *, by: str, reason: str | None, at: datetime) -> set[UUID]:
    """Give honours; the ids of those that nobody else gave meanwhile. `reason` is of staff, None for a rule."""
    result = await tx.execute(
        _GIVE,
        ids=[one.id for one in new],
        customers=[one.customer_id for one in new],
        until=[one.valid_until for one in new],
        honours=[one.honour for one in new],
        rules=[one.rule for one in new],
        event_ids=[one.event_id for one in new],
        by=by,
        reason=reason,
        at=at,
    )
    rows: Sequence[Any] = result.all()
    return {row[0] for row in rows}


async def one(tx: Transaction, id_: UUID, customer_id: UUID) -> Row[Any] | None:
    """One holding of a customer, locked."""
    return await tx.first(_ONE, id=id_, customer_id=customer_id)


async def withdraw(tx: Transaction, id_: UUID, *, by: str, reason: str, bars: bool, at: datetime) -> None:
    """It was taken back; with `bars` the rule does not give it again."""
    await tx.execute(_WITHDRAW, id=id_, by=by, reason=reason, bars=bars, at=at)


async def allow(tx: Transaction, customer_id: UUID, honour: str) -> bool:
    """The rule may give it again; False when nothing kept it from that."""
    return bool((await tx.execute(_ALLOW, customer_id=customer_id, honour=honour)).rowcount)


async def move(tx: Transaction, from_id: UUID, into_id: UUID, *, at: datetime) -> None:
    """The survivor holds what either held, once; what was taken back from either stays so."""
    await tx.execute(_JOIN, from_id=from_id, into_id=into_id, at=at)
    await tx.execute(_MOVE, from_id=from_id, into_id=into_id)


async def of_customer(
    tx: Transaction, customer_id: UUID, *, only_standing: bool, after: UUID | None, limit: int, now: datetime
) -> Sequence[Row[Any]]:
    """A customer's honours, newest first; `only_standing` leaves out what is over."""
    return await tx.all(
        _OF_CUSTOMER, customer_id=customer_id, only_standing=only_standing, after=after, limit=limit, now=now
    )


async def holders(tx: Transaction, honour: str, *, after: UUID | None, limit: int, now: datetime) -> Sequence[Row[Any]]:
    """Who holds an honour now, the latest first."""
    return await tx.all(_HOLDERS, honour=honour, after=after, limit=limit, now=now)
