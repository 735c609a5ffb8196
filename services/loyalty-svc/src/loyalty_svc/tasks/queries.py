"""All SQL of tasks, set-based. Rows of `task_progress` are locked in the order of their keys before facts are read."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.tasks.counting import Counted, Instance
from loyalty_svc.tasks.progress import Fact, StepState
from moat.kit.db.transaction import Transaction

_KEYS: Final = "unnest(CAST(:ids AS uuid[]), CAST(:tasks AS text[]), CAST(:periods AS text[]))"
# Locked in the order of the key whether they are new or not.
_HOLD: Final = f"""
INSERT INTO task_progress AS p (customer_id, task, period)
SELECT k.id, k.task, k.period FROM {_KEYS} AS k (id, task, period)
ORDER BY k.id, k.task COLLATE "C", k.period COLLATE "C"
ON CONFLICT (customer_id, task, period) DO UPDATE SET period = excluded.period
RETURNING customer_id, task, period, done, gift_id, code_id, completed_at IS NOT NULL AND withdrawn_at IS NULL AS stands
"""  # noqa: S608
_ADD: Final = """
INSERT INTO task_fact (fact_id, customer_id, at, day, counts, task, step, period, event_id)
SELECT t.fact_id, t.customer_id, t.at, t.day, true, t.task, t.step, t.period, t.event_id
FROM unnest(CAST(:fact_ids AS uuid[]), CAST(:ids AS uuid[]), CAST(:at AS timestamptz[]), CAST(:days AS date[]),
            CAST(:tasks AS text[]), CAST(:steps AS text[]), CAST(:periods AS text[]), CAST(:event_ids AS text[]))
  AS t (fact_id, customer_id, at, day, task, step, period, event_id)
ORDER BY t.fact_id, t.task COLLATE "C", t.step COLLATE "C" ON CONFLICT (fact_id, task, step) DO NOTHING
"""
# What earning knows of the order by now; a refund in another currency has no effect.
_FOLLOW_ORDERS: Final = """
WITH known AS (
  SELECT o.order_uid, o.currency, o.total_minor,
         o.total_minor - least(o.total_minor, coalesce((
           SELECT sum(CAST(r->>3 AS bigint)) FROM jsonb_array_elements(o.refunds) AS r WHERE r->>2 = o.currency
         ), 0)::bigint) AS kept_minor
  FROM order_earning o WHERE o.order_uid = ANY(CAST(:orders AS uuid[])) AND o.paid_at IS NOT NULL)
UPDATE task_fact f SET currency = k.currency, kept_minor = k.kept_minor, counts = k.kept_minor > 0 OR k.total_minor = 0
FROM known k WHERE f.fact_id = k.order_uid
"""
_INSTANCES_OF: Final = """
SELECT DISTINCT fact_id, customer_id, task, period FROM task_fact WHERE fact_id = ANY(CAST(:ids AS uuid[]))
"""
_INSTANCES_OF_CUSTOMERS: Final = """
SELECT customer_id, task, period FROM task_progress WHERE customer_id = ANY(CAST(:ids AS uuid[]))
UNION SELECT customer_id, task, period FROM task_fact WHERE customer_id = ANY(CAST(:ids AS uuid[]))
"""
_FACTS: Final = f"""
SELECT f.customer_id, f.task, f.period, f.at, f.fact_id, f.step, f.day, f.currency, coalesce(f.kept_minor, 0)
FROM {_KEYS} AS k (id, task, period)
JOIN task_fact f ON f.customer_id = k.id AND f.task = k.task AND f.period = k.period WHERE f.counts
"""  # noqa: S608
_SAVE: Final = """
UPDATE task_progress p SET
  done = t.done,
  gift_id = coalesce(t.gift_id, p.gift_id),
  completed_at = coalesce(t.completed_at, p.completed_at),
  withdrawn_at = CASE WHEN t.is_withdrawn THEN CAST(:at AS timestamptz)
                      WHEN t.gift_id IS NOT NULL THEN NULL ELSE p.withdrawn_at END,
  rule = CASE WHEN t.gift_id IS NULL THEN p.rule ELSE t.rule END,
  points = CASE WHEN t.gift_id IS NULL THEN p.points ELSE t.points END,
  account_type = CASE WHEN t.gift_id IS NULL THEN p.account_type ELSE t.account_type END,
  coupon = CASE WHEN t.gift_id IS NULL THEN p.coupon ELSE t.coupon END,
  code_id = CASE WHEN t.gift_id IS NULL THEN p.code_id END,
  badge = CASE WHEN t.gift_id IS NULL THEN p.badge ELSE t.badge END,
  origin_id = CASE WHEN t.gift_id IS NULL THEN p.origin_id END,
  event_id = CASE WHEN t.gift_id IS NULL THEN p.event_id ELSE t.event_id END
FROM unnest(CAST(:ids AS uuid[]), CAST(:tasks AS text[]), CAST(:periods AS text[]), CAST(:done AS jsonb[]),
            CAST(:withdrawn AS boolean[]), CAST(:gifts AS uuid[]), CAST(:completed_at AS timestamptz[]),
            CAST(:rules AS text[]), CAST(:points AS bigint[]), CAST(:types AS text[]), CAST(:coupons AS text[]),
            CAST(:badges AS text[]), CAST(:event_ids AS text[]))
  AS t (id, task, period, done, is_withdrawn, gift_id, completed_at, rule, points, account_type, coupon, badge,
        event_id)
WHERE (p.customer_id, p.task, p.period) = (t.id, t.task, t.period)
"""
_NOTE_CODES: Final = """
UPDATE task_progress p SET code_id = n.code_id
FROM unnest(CAST(:gifts AS uuid[]), CAST(:codes AS uuid[])) AS n (gift_id, code_id) WHERE p.gift_id = n.gift_id
"""
_COMPLETED: Final = """
SELECT task, period, completed_at, withdrawn_at, rule, points, account_type, coupon, badge, gift_id FROM task_progress
WHERE customer_id = :customer_id AND gift_id IS NOT NULL
  AND (CAST(:after_at AS timestamptz) IS NULL OR (completed_at, gift_id) < (:after_at, CAST(:after_id AS uuid)))
ORDER BY completed_at DESC, gift_id DESC LIMIT :limit
"""
_STANDING: Final = f"""
SELECT p.task, p.period, p.completed_at FROM {_KEYS} AS k (id, task, period)
JOIN task_progress p ON (p.customer_id, p.task, p.period) = (k.id, k.task, k.period)
WHERE p.completed_at IS NOT NULL AND p.withdrawn_at IS NULL
"""  # noqa: S608


class Held(NamedTuple):
    """What an instance had come to. stands: it is completed, by the gift `gift_id`."""

    done: Mapping[str, int]
    gift_id: UUID | None
    code_id: UUID | None
    stands: bool


class Given(NamedTuple):
    """What one completion of an instance gave: points by the cause `gift_id`, or a code."""

    instance: Instance
    gift_id: UUID
    code_id: UUID | None


class Saved(NamedTuple):
    """What an instance comes to now; the members of a completion are None unless it was completed just now."""

    instance: Instance
    steps: Sequence[StepState]
    is_withdrawn: bool = False
    gift_id: UUID | None = None
    completed_at: datetime | None = None
    rule: str | None = None
    points: int | None = None
    account_type: str | None = None
    coupon: str | None = None
    badge: str | None = None
    event_id: str | None = None


async def hold(tx: Transaction, instances: Collection[Instance]) -> dict[Instance, Held]:
    """Lock these until the commit, so that nobody else judges their facts; those that are new are made."""
    rows: Sequence[Any] = await tx.all(_HOLD, **_keys(instances))
    return {Instance(row[0], row[1], row[2]): Held(row.done, row.gift_id, row.code_id, row.stands) for row in rows}


async def add(tx: Transaction, counted: Sequence[Counted]) -> None:
    """Keep what counts; what is known already stays as it is."""
    await tx.execute(
        _ADD,
        fact_ids=[one.of.fact_id for one in counted],
        at=[one.of.at for one in counted],
        days=[one.day for one in counted],
        steps=[one.step for one in counted],
        event_ids=[one.of.event_id for one in counted],
        **_keys([one.instance for one in counted]),
    )


async def follow_orders(tx: Transaction, order_uids: Collection[UUID]) -> None:
    """Bring what was kept of these orders up to date."""
    await tx.execute(_FOLLOW_ORDERS, orders=sorted(order_uids))


async def instances_of(tx: Transaction, fact_ids: Collection[UUID]) -> list[tuple[UUID, Instance]]:
    """(fact, instance) wherever these facts count."""
    rows: Sequence[Any] = await tx.all(_INSTANCES_OF, ids=list(fact_ids))
    return [(row[0], Instance(*row[1:])) for row in rows]


async def instances_of_customers(tx: Transaction, customer_ids: Collection[UUID]) -> list[Instance]:
    """Everything these customers have begun, or did something for."""
    rows: Sequence[Any] = await tx.all(_INSTANCES_OF_CUSTOMERS, ids=list(customer_ids))
    return [Instance(*row) for row in rows]


async def facts(tx: Transaction, instances: Iterable[Instance]) -> dict[Instance, list[Fact]]:
    """Every fact that counts, of each instance."""
    found: dict[Instance, list[Fact]] = {}
    rows: Sequence[Any] = await tx.all(_FACTS, **_keys(instances))
    for customer_id, task, period, *fact in rows:
        found.setdefault(Instance(customer_id, task, period), []).append(Fact(*fact))
    return found


async def save(tx: Transaction, saved: Sequence[Saved], *, at: datetime) -> None:
    """Keep what these instances, which are held, come to; `at` is when a completion was withdrawn."""
    await tx.execute(
        _SAVE,
        at=at,
        done=[json.dumps({step.code: step.done for step in one.steps}) for one in saved],
        withdrawn=[one.is_withdrawn for one in saved],
        gifts=[one.gift_id for one in saved],
        completed_at=[one.completed_at for one in saved],
        rules=[one.rule for one in saved],
        points=[one.points for one in saved],
        types=[one.account_type for one in saved],
        coupons=[one.coupon for one in saved],
        badges=[one.badge for one in saved],
        event_ids=[one.event_id for one in saved],
        **_keys([one.instance for one in saved]),
    )


async def note_codes(tx: Transaction, codes: Mapping[UUID, UUID]) -> None:
    """Keep which code a reward was: gift → code."""
    await tx.execute(_NOTE_CODES, gifts=list(codes), codes=list(codes.values()))


async def completed_of(
    tx: Transaction, customer_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """What a customer has completed, the latest first; what was withdrawn too."""
    after_at, after_id = after or (None, None)
    return await tx.all(_COMPLETED, customer_id=customer_id, after_at=after_at, after_id=after_id, limit=limit)


async def standing(tx: Transaction, instances: Iterable[Instance]) -> dict[tuple[str, str], datetime]:
    """When those of these instances that stand were completed, by (task, period)."""
    rows: Sequence[Any] = await tx.all(_STANDING, **_keys(instances))
    return {(row.task, row.period): row.completed_at for row in rows}


def _keys(instances: Iterable[Instance]) -> dict[str, list[Any]]:
    keys = list(instances)
    return {
        "ids": [key.customer_id for key in keys],
        "tasks": [key.task for key in keys],
        "periods": [key.period for key in keys],
    }
