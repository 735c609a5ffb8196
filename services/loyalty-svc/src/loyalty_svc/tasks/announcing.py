"""What the other services are told of tasks."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from loyalty_svc.tasks.counting import Instance
from loyalty_svc.tasks.queries import Saved
from moat.contracts.tasks import TaskCompleted, TaskProgressed, TaskStep, TaskWithdrawn
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event


def announce(
    tx: Transaction,
    saved: Sequence[Saved],
    causes: Mapping[Instance, Event[Any]],
    postings: Mapping[UUID, UUID],
) -> None:
    """How far these are now, which was completed, and which is no more. `postings`: gift → posting."""
    for one in saved:
        cause, customer_id = causes[one.instance], one.instance.customer_id
        what = {"task": one.instance.task, "period": one.instance.period}
        steps = tuple(TaskStep(step=step.code, done=step.done, needed=step.needed) for step in one.steps)
        tx.publish(TaskProgressed(**what, steps=steps), about=customer_id, time=cause.time, cause=cause)
        if one.is_withdrawn:
            tx.publish(TaskWithdrawn(**what), about=customer_id, time=cause.time, cause=cause)
        if one.gift_id is not None and one.completed_at is not None and one.rule is not None:
            completed = TaskCompleted(
                **what,
                rule=one.rule,
                badge=one.badge,
                account_type=one.account_type,
                points=one.points,
                posting_id=postings.get(one.gift_id),
                coupon=one.coupon,
            )
            tx.publish(completed, about=customer_id, time=one.completed_at, cause=cause)
