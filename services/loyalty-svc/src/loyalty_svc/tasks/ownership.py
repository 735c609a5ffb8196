"""The SQL of merges and splits in tasks: whose facts and whose completions are whose.

Where both of two who turn out to be one have completed the same, one completion stands in `task_progress` and the other
beside it in `task_gift`: what keeps the one keeps both, and when its reason falls away both are taken back.
"""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from loyalty_svc.tasks.counting import Instance
from loyalty_svc.tasks.queries import Given
from moat.customers import Parting, give_back
from moat.kit.db.transaction import Transaction

_COMPLETION: Final = """gift_id, customer_id, origin_id, completed_at, points, code_id, task, period, rule,
  account_type, coupon, badge, event_id"""
_SET_ASIDE: Final = f"""
WITH gone AS (
  UPDATE task_progress SET gift_id = NULL, origin_id = NULL, completed_at = NULL, points = NULL, code_id = NULL,
    rule = NULL, account_type = NULL, coupon = NULL, badge = NULL, event_id = NULL
  WHERE customer_id = :customer_id AND completed_at IS NOT NULL AND withdrawn_at IS NULL
    AND (CAST(:origins AS uuid[]) IS NULL OR origin_id = ANY(CAST(:origins AS uuid[])))
  RETURNING old.*)
INSERT INTO task_gift ({_COMPLETION}) SELECT {_COMPLETION} FROM gone
"""  # noqa: S608
_MOVE_FACTS: Final = """
UPDATE task_fact SET customer_id = :into_id, origin_id = coalesce(origin_id, :from_id) WHERE customer_id = :from_id
"""
_MOVE_GIFTS: Final = """
UPDATE task_gift SET customer_id = :into_id, origin_id = coalesce(origin_id, :from_id) WHERE customer_id = :from_id
"""
# How far he was follows from the facts; what was completed and withdrawn goes along where the survivor has nothing.
_MOVE_PROGRESS: Final = f"""
WITH gone AS (DELETE FROM task_progress WHERE customer_id = :from_id RETURNING *)
INSERT INTO task_progress ({_COMPLETION}, done, withdrawn_at)
SELECT gift_id, :into_id, CASE WHEN gift_id IS NOT NULL THEN coalesce(origin_id, :from_id) END, completed_at, points,
       code_id, task, period, rule, account_type, coupon, badge, event_id, done, withdrawn_at
FROM gone ORDER BY task, period ON CONFLICT (customer_id, task, period) DO NOTHING
"""  # noqa: S608
_TAKE_UP: Final = f"""
WITH first AS (
  SELECT DISTINCT ON (g.customer_id, g.task, g.period) g.* FROM task_gift g
  WHERE g.customer_id = ANY(CAST(:ids AS uuid[])) AND NOT EXISTS (
    SELECT FROM task_progress p WHERE (p.customer_id, p.task, p.period) = (g.customer_id, g.task, g.period)
      AND p.completed_at IS NOT NULL AND p.withdrawn_at IS NULL)
  ORDER BY g.customer_id, g.task, g.period, g.completed_at, g.gift_id),
gone AS (DELETE FROM task_gift g USING first WHERE g.gift_id = first.gift_id)
INSERT INTO task_progress AS p ({_COMPLETION}) SELECT {_COMPLETION} FROM first ORDER BY customer_id, task, period
ON CONFLICT (customer_id, task, period) DO UPDATE SET
  gift_id = excluded.gift_id, origin_id = excluded.origin_id, completed_at = excluded.completed_at,
  withdrawn_at = NULL, points = excluded.points, code_id = excluded.code_id, rule = excluded.rule,
  account_type = excluded.account_type, coupon = excluded.coupon, badge = excluded.badge, event_id = excluded.event_id
"""  # noqa: S608
_GIVE_ORDERS_BACK: Final = """
UPDATE task_fact SET customer_id = :customer_id, origin_id = NULL
WHERE fact_id = ANY(CAST(:orders AS uuid[])) AND customer_id = :survivor_id
"""
_TAKE_BESIDE: Final = """
DELETE FROM task_gift g
USING unnest(CAST(:ids AS uuid[]), CAST(:tasks AS text[]), CAST(:periods AS text[])) AS k (id, task, period)
WHERE (g.customer_id, g.task, g.period) = (k.id, k.task, k.period)
RETURNING g.customer_id, g.task, g.period, g.gift_id, g.code_id
"""


async def move(tx: Transaction, from_id: UUID, into_id: UUID) -> None:
    """What a merged customer did and completed is the survivor's; `take_up` says what of it stands."""
    await tx.execute(_MOVE_FACTS, from_id=from_id, into_id=into_id)
    await tx.execute(_SET_ASIDE, customer_id=from_id, origins=None)
    await tx.execute(_MOVE_GIFTS, from_id=from_id, into_id=into_id)
    await tx.execute(_MOVE_PROGRESS, from_id=from_id, into_id=into_id)


async def part(tx: Transaction, one: Parting) -> None:
    """What was his before the merge is his again, and so are his orders since; `take_up` says what of it stands."""
    await tx.execute(_SET_ASIDE, customer_id=one.survivor_id, origins=list(one.origins))
    await give_back(tx, "task_gift", [one])
    await give_back(tx, "task_fact", [one])
    await tx.execute(
        _GIVE_ORDERS_BACK,
        orders=list(one.order_uids),
        customer_id=one.customer_id,
        survivor_id=one.survivor_id,
    )


async def take_up(tx: Transaction, customer_ids: Collection[UUID]) -> None:
    """Where nothing stands of what these customers have beside, the first of it stands."""
    await tx.execute(_TAKE_UP, ids=sorted(customer_ids))


async def take_beside(tx: Transaction, instances: Collection[Instance]) -> list[Given]:
    """Everything that stood beside these completions, which are withdrawn; it is kept no longer."""
    rows: Any = await tx.all(
        _TAKE_BESIDE,
        ids=[one.customer_id for one in instances],
        tasks=[one.task for one in instances],
        periods=[one.period for one in instances],
    )
    return [Given(Instance(*row[:3]), row[3], row[4]) for row in rows]
