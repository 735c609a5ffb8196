"""All SQL of milestones, set-based."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.earning.unrewarded import UNREWARDED
from loyalty_svc.ledger.owners import owned
from loyalty_svc.milestones.plans import OnOccasion, Order, Reached
from moat.customers import Parting, give_back
from moat.kit.db.transaction import Transaction

# What was reached before does not come back, unless it was withdrawn since. In the order of the key.
_REACH: Final = """
INSERT INTO milestone_reached AS m (customer_id, plan, period, gift_id, at, points, by_orders, rule, account_type,
                                    coupon, event_id)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:plans AS text[]), CAST(:periods AS text[]), CAST(:gifts AS uuid[]),
                     CAST(:at AS timestamptz[]), CAST(:points AS bigint[]), CAST(:by_orders AS text[]),
                     CAST(:rules AS text[]), CAST(:types AS text[]), CAST(:coupons AS text[]),
                     CAST(:event_ids AS text[])) ORDER BY 1, 2, 3
ON CONFLICT (customer_id, plan, period) DO UPDATE SET
  gift_id = excluded.gift_id, at = excluded.at, points = excluded.points, by_orders = excluded.by_orders,
  rule = excluded.rule, account_type = excluded.account_type, coupon = excluded.coupon, event_id = excluded.event_id,
  code_id = NULL, withdrawn_at = NULL
WHERE m.withdrawn_at IS NOT NULL
RETURNING gift_id
"""
_NOTE_CODES: Final = """
UPDATE milestone_reached m SET code_id = n.code_id
FROM unnest(CAST(:gifts AS uuid[]), CAST(:codes AS uuid[])) AS n (gift_id, code_id) WHERE m.gift_id = n.gift_id
"""
_FORGET: Final = "DELETE FROM milestone_reached WHERE gift_id = ANY(CAST(:gifts AS uuid[]))"
_STANDING: Final = """
SELECT customer_id, plan, period FROM milestone_reached
WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND by_orders IS NOT NULL AND withdrawn_at IS NULL
"""
_KEYS: Final = """
unnest(CAST(:ids AS uuid[]), CAST(:plans AS text[]), CAST(:periods AS text[])) AS w (customer_id, plan, period)
"""
_WITHDRAW: Final = f"""
WITH gone AS (
  UPDATE milestone_reached m SET withdrawn_at = :at FROM {_KEYS}
  WHERE (m.customer_id, m.plan, m.period) = (w.customer_id, w.plan, w.period) AND m.withdrawn_at IS NULL
  RETURNING m.customer_id, m.plan, m.period, m.gift_id, m.code_id),
second AS (
  DELETE FROM milestone_second s USING {_KEYS}
  WHERE (s.customer_id, s.plan, s.period) = (w.customer_id, w.plan, w.period)
  RETURNING s.customer_id, s.plan, s.period, s.gift_id, s.code_id)
SELECT * FROM gone UNION ALL SELECT * FROM second
"""  # noqa: S608
# A code that was used cannot be taken back: what gave it has been reached, so that it gives no other.
_STAND: Final = f"""
UPDATE milestone_reached m SET withdrawn_at = NULL FROM {_KEYS}
WHERE (m.customer_id, m.plan, m.period) = (w.customer_id, w.plan, w.period)
"""  # noqa: S608
_GIFT: Final = "plan, period, gift_id, at, points, by_orders, rule, account_type, coupon, code_id, event_id"
# What either had that stands is the survivor's. Of two gifts that stand one is kept beside the other, so that a refund
# takes both back and a split gives it back.
_MOVE: Final = f"""
WITH gone AS (DELETE FROM milestone_reached WHERE customer_id = :from_id RETURNING *),
moved AS (
  INSERT INTO milestone_reached AS m (customer_id, withdrawn_at, {_GIFT})
  SELECT CAST(:into_id AS uuid), withdrawn_at, {_GIFT} FROM gone ORDER BY plan, period
  ON CONFLICT (customer_id, plan, period) DO UPDATE SET
    gift_id = excluded.gift_id, at = excluded.at, withdrawn_at = NULL, points = excluded.points,
    by_orders = excluded.by_orders, rule = excluded.rule, account_type = excluded.account_type,
    coupon = excluded.coupon, code_id = excluded.code_id, event_id = excluded.event_id
  WHERE m.withdrawn_at IS NOT NULL AND excluded.withdrawn_at IS NULL
  RETURNING gift_id),
carried AS (UPDATE milestone_second SET customer_id = :into_id WHERE customer_id = :from_id)
INSERT INTO milestone_second (customer_id, origin_id, {_GIFT})
SELECT CAST(:into_id AS uuid), CAST(:from_id AS uuid), {_GIFT} FROM gone
WHERE withdrawn_at IS NULL AND gift_id NOT IN (SELECT gift_id FROM moved)
"""  # noqa: S608
# Who has parted has reached by himself what he was given by himself.
_PART: Final = f"""
WITH own AS (
  INSERT INTO milestone_reached (customer_id, {_GIFT})
  SELECT customer_id, {_GIFT} FROM milestone_second
  WHERE customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY customer_id, plan, period, origin_id NULLS FIRST, gift_id
  ON CONFLICT (customer_id, plan, period) DO NOTHING RETURNING gift_id)
DELETE FROM milestone_second WHERE gift_id IN (SELECT gift_id FROM own)
"""  # noqa: S608
# Every paid order counts, whatever it earned; it belongs to whom its customer has become.
_ORDERS: Final = f"""
WITH customer (root, id) AS (
  SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
  UNION ALL SELECT to_id, from_id FROM customer_alias WHERE to_id = ANY(CAST(:ids AS uuid[]))),
paid (root, order_uid) AS (
  SELECT * FROM ({owned("p.cause_id", "p.kind = 'earned' AND p.order_id IS NOT NULL")}) AS earned
  UNION {UNREWARDED})
SELECT p.root, o.paid_at, o.currency, o.total_minor,
       o.total_minor - least(o.total_minor, coalesce((
         SELECT sum(CAST(r->>3 AS bigint)) FROM jsonb_array_elements(o.refunds) AS r WHERE r->>2 = o.currency
       ), 0)::bigint) AS kept_minor
FROM paid p JOIN order_earning o USING (order_uid) WHERE o.paid_at IS NOT NULL
"""  # noqa: S608
_OF: Final = """
SELECT plan, period, at, withdrawn_at, points, account_type, coupon, code_id, rule, gift_id FROM milestone_reached
WHERE customer_id = :customer_id
  AND (CAST(:after_at AS timestamptz) IS NULL OR (at, gift_id) < (:after_at, CAST(:after_id AS uuid)))
ORDER BY at DESC, gift_id DESC LIMIT :limit
"""


Key = tuple[UUID, str, str]
"""(customer, plan, period): what is reached once."""


class Attained(NamedTuple):
    """What one customer reached, the id of the gift it gives, and the event that showed it."""

    customer_id: UUID
    gift_id: UUID
    what: Reached
    event_id: str


async def reach(tx: Transaction, attained: Sequence[Attained]) -> set[UUID]:
    """Note what was reached; the gifts that are to be given now."""
    plans = [one.what.plan for one in attained]
    rows = await tx.all(
        _REACH,
        ids=[one.customer_id for one in attained],
        plans=[plan.code for plan in plans],
        periods=[one.what.period for one in attained],
        gifts=[one.gift_id for one in attained],
        at=[one.what.at for one in attained],
        points=[getattr(plan.gift, "points", None) for plan in plans],
        by_orders=[None if isinstance(plan.trigger, OnOccasion) else plan.trigger.kind for plan in plans],
        rules=[plan.rule for plan in plans],
        types=[getattr(plan.gift, "account_type", None) for plan in plans],
        coupons=[getattr(plan.gift, "coupon", None) for plan in plans],
        event_ids=[one.event_id for one in attained],
    )
    return {row.gift_id for row in rows}


async def note_codes(tx: Transaction, codes: Mapping[UUID, UUID]) -> None:
    """Keep which code a gift was: gift → code."""
    await tx.execute(_NOTE_CODES, gifts=list(codes), codes=list(codes.values()))


async def forget(tx: Transaction, gifts: Collection[UUID]) -> None:
    """These gifts could not be given, so nothing was reached."""
    await tx.execute(_FORGET, gifts=list(gifts))


async def standing(tx: Transaction, customer_ids: Collection[UUID]) -> dict[UUID, set[tuple[str, str]]]:
    """What stands as reached by the orders of each customer: (plan, period)."""
    found: dict[UUID, set[tuple[str, str]]] = {}
    for row in await tx.all(_STANDING, ids=list(customer_ids)):
        found.setdefault(row.customer_id, set()).add((row.plan, row.period))
    return found


async def withdraw(tx: Transaction, gone: Sequence[Key], at: datetime) -> Sequence[Row[Any]]:
    """Note that these stand no more; the gifts of those that did, both where a customer has two."""
    return await tx.all(_WITHDRAW, **_columns(gone), at=at)


async def stand(tx: Transaction, keys: Collection[Key]) -> None:
    """These stand after all, since their gifts could not be taken back."""
    await tx.execute(_STAND, **_columns(sorted(keys)))


async def move(tx: Transaction, from_id: UUID, into_id: UUID) -> None:
    """What a customer reached who was merged away, the survivor has reached."""
    await tx.execute(_MOVE, from_id=from_id, into_id=into_id)


async def part(tx: Transaction, splits: Sequence[Parting]) -> None:
    """Gifts that survivors have beside their own are theirs again to whom they were given."""
    await give_back(tx, "milestone_second", splits)
    await tx.execute(_PART, ids=[one.customer_id for one in splits])


async def orders(tx: Transaction, customer_ids: Iterable[UUID]) -> Mapping[UUID, list[Order]]:
    """All orders that count of each customer, those of customers merged into him included."""
    found: dict[UUID, list[Order]] = {}
    rows: Sequence[Any] = await tx.all(_ORDERS, ids=list(customer_ids))
    for root, *order in rows:
        found.setdefault(root, []).append(Order(*order))
    return found


async def reached_of(
    tx: Transaction, customer_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """What a customer has reached, the latest first."""
    return await tx.all(
        _OF,
        customer_id=customer_id,
        after_at=after[0] if after else None,
        after_id=after[1] if after else None,
        limit=limit,
    )


def _columns(keys: Collection[Key]) -> dict[str, list[Any]]:
    ids, plans, periods = map(list, zip(*keys, strict=True))
    return {"ids": ids, "plans": plans, "periods": periods}
