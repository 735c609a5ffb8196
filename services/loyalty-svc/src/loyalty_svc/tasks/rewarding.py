"""What a completed task gives, and how it is taken back: points by the ledger, a code by coupons."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from loyalty_svc.coupons import usecases as coupons
from loyalty_svc.coupons.announcing import Issued, Wish
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.giving import Gift, TakeBack
from loyalty_svc.ledger.posting import Cause
from loyalty_svc.tasks import queries
from loyalty_svc.tasks.counting import Instance
from loyalty_svc.tasks.plans import CouponCode, Points, Task
from loyalty_svc.tasks.queries import Given
from loyalty_svc.tiers import usecases as tiers
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event

REASON: Final = "task.completed"
WITHDRAWN: Final = "task.withdrawn"


class Won(NamedTuple):
    """A completion that has just come about, and the event that showed it."""

    instance: Instance
    task: Task
    gift_id: UUID
    at: datetime
    cause: Event[Any]


async def give(tx: Transaction, won: Sequence[Won], *, now: datetime) -> dict[UUID, UUID]:
    """Give the rewards; the posting of each gift of points. A coupon that is over gives nothing, which it announces."""
    given = await _give_points(tx, won, now)
    wanted = [(one, one.task.reward.coupon) for one in won if isinstance(one.task.reward, CouponCode)]
    if wanted:
        wishes = [
            Wish(one.instance.customer_id, code, f"task {one.gift_id}", one.at, one.cause) for one, code in wanted
        ]
        outcomes = await coupons.issue(tx, wishes, at=now)
        issued = {
            one.gift_id: outcome.code_id
            for (one, _), outcome in zip(wanted, outcomes, strict=True)
            if isinstance(outcome, Issued)
        }
        if issued:
            await queries.note_codes(tx, issued)
    return given


async def _give_points(tx: Transaction, won: Sequence[Won], now: datetime) -> dict[UUID, UUID]:
    gifts = [
        Gift(
            customer_id=one.instance.customer_id,
            account_type=one.task.reward.account_type,
            points=one.task.reward.points,
            at=one.at,
            reason=REASON,
            rule=one.task.rule,
            cause=Cause(one.gift_id, one.task.code, one.cause.id),
        )
        for one in won
        if isinstance(one.task.reward, Points)
    ]
    if not gifts:
        return {}
    posted = await ledger.give(tx, gifts, now=now, events=[one.cause for one in won])
    causes = {one.gift_id: one.cause for one in won}
    await tiers.follow_growth(tx, posted, [causes[one.posting.cause.id] for one in posted])
    return {one.posting.cause.id: one.id for one in posted}


async def take_back(
    tx: Transaction, gone: Sequence[Given], causes: Mapping[Instance, Event[Any]], *, now: datetime
) -> set[UUID]:
    """Take back the points, and the codes that nobody has used yet, of completions whose reason fell away.

    Returns the gifts that stay, because their codes were used: such a completion stands, so that it gives no other.
    """
    events = {one.gift_id: causes[one.instance] for one in gone}
    takes = [
        TakeBack(events[one.gift_id].time, WITHDRAWN, Cause(one.gift_id, one.instance.task, events[one.gift_id].id))
        for one in gone
    ]
    if takes:
        posted = await ledger.take_back(tx, takes, now=now, events=events.values())
        await tiers.follow_growth(tx, posted, [events[one.posting.cause.id] for one in posted])
    # Seldom more than a few: what a refund undoes, of tasks that count orders and give a coupon.
    codes = [(one.gift_id, one.code_id) for one in gone if one.code_id is not None]
    return {gift_id for gift_id, code_id in codes if not await coupons.take_away(tx, code_id, at=now)}
