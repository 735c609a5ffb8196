"""Bringing referrals to what the facts say: rewards given and taken back, events, timers. A use case of all doors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.giving import Gift, TakeBack
from loyalty_svc.ledger.posting import Cause, Posted
from loyalty_svc.referrals import judging, queries
from loyalty_svc.referrals.judging import Order, Reason, Referral, Status, Verdict
from loyalty_svc.referrals.programme import CODE, REFERRALS, Programme
from loyalty_svc.referrals.queries import Live
from loyalty_svc.tiers import usecases as tiers
from moat.contracts.loyalty import ReferralConverted, ReferralRejected, ReferralRewarded
from moat.kit.db.transaction import Transaction
from moat.kit.documents import versions
from moat.kit.events import Cause as EventCause
from moat.kit.events import Event
from moat.kit.timers import clear_timers, set_timers

REFERRAL: Final = "referral"
"""The kind of the timers; the key is the referral's id."""
REWARDED: Final = "referral.rewarded"
Causes = Mapping[UUID, Event[Any]]
"""The events that led here, by one of the two whom they are about; a timer has none."""
Payments = Mapping[UUID, Event[Any]]
"""The payments among them, by order: what earned nothing has no posting that knows its name."""


@dataclass(slots=True)
class _Outcome:
    """What a run of verdicts comes to, before any of it is carried out."""

    changed: list[Referral] = field(default_factory=list)
    decided_at: dict[UUID, datetime] = field(default_factory=dict)
    gifts: dict[tuple[UUID, str], tuple[Gift, str]] = field(default_factory=dict)
    """By cause: the gift, and the role of who gets it."""
    takes: list[TakeBack] = field(default_factory=list)


async def settle(
    tx: Transaction,
    live: Sequence[Live],
    *,
    now: datetime,
    causes: Causes | None = None,
    payments: Payments | None = None,
) -> None:
    """Judge these referrals, which are locked, by all that is known now, and carry out what follows."""
    if not live:
        return
    known = await queries.orders(tx, {one.referral.friend_id for one in live})
    programmes = await programmes_of(tx)
    verdicts = []
    for referral, is_same_person in live:
        terms = programmes[referral.rule].terms
        orders = [_named(order, payments or {}) for order in known.get(referral.friend_id, ())]
        verdicts.append((referral, judging.judge(referral, terms, orders, now=now, is_same_person=is_same_person)))
    await _carry_out(tx, verdicts, programmes, now, causes or {})


async def reject(
    tx: Transaction, referrals: Sequence[Referral], reason: Reason, *, now: datetime, cause: Event[Any]
) -> None:
    """These count no more, whatever their orders say; settled ones stay what they are."""
    verdicts = [(one, Verdict(Status.REJECTED, cause.time, reason)) for one in referrals if not one.is_settled]
    causes = {id_: cause for one, _ in verdicts for id_ in (one.referrer_id, one.friend_id)}
    await _carry_out(tx, verdicts, await programmes_of(tx), now, causes)


async def programmes_of(tx: Transaction) -> dict[str, Programme]:
    """Every version of the programme, by rule (`<code>@<version>`)."""
    known = (await versions(tx, REFERRALS)).get(CODE, ())
    return {one.value.rule: one.value for one in known}


def _named(order: Order, payments: Payments) -> Order:
    paid = payments.get(order.order_uid) if order.event_id is None else None
    return order if paid is None else order._replace(order_id=paid.data.order_id, event_id=paid.id)


async def _carry_out(
    tx: Transaction,
    verdicts: Sequence[tuple[Referral, Verdict]],
    programmes: Mapping[str, Programme],
    now: datetime,
    causes: Causes,
) -> None:
    outcome = _Outcome()
    for referral, verdict in verdicts:
        if _is_news(referral, verdict):
            _decide(tx, outcome, referral, verdict, programmes[referral.rule], _behind(referral, causes))
    if outcome.changed:
        await queries.save(tx, outcome.changed, outcome.decided_at)
    if outcome.takes:
        posted = await ledger.take_back(tx, outcome.takes, now=now, events=causes.values())
        await _follow_growth(tx, posted, outcome, causes)
    if outcome.gifts:
        await _give(tx, outcome, now, causes)
    due = [(str(one.id), judging.due_at(verdict, one)) for one, verdict in verdicts]
    await set_timers(tx, REFERRAL, [(key, due_at, {}) for key, due_at in due if due_at is not None])
    await clear_timers(tx, REFERRAL, [key for key, due_at in due if due_at is None])


def _is_news(referral: Referral, verdict: Verdict) -> bool:
    if referral.status is not verdict.status or referral.reason is not verdict.reason:
        return True
    # What was rewarded for one order stays so, even if an earlier one becomes known.
    order_uid = verdict.order and verdict.order.order_uid
    return verdict.status is Status.CONVERTED and referral.order_uid != order_uid


def _decide(
    tx: Transaction,
    outcome: _Outcome,
    before: Referral,
    verdict: Verdict,
    programme: Programme,
    cause: Event[Any] | None,
) -> None:
    """Note what follows from one verdict, and publish all of it but the rewards."""
    order = verdict.order
    is_named = order is None or order.event_id is not None or order.order_uid != before.order_uid
    named_by = order if is_named else before
    after = replace(
        before,
        status=verdict.status,
        reason=verdict.reason,
        order_uid=order and order.order_uid,
        order_id=named_by.order_id if named_by else None,
        event_id=named_by.event_id if named_by else None,
        matures_at=verdict.matures_at,
    )
    outcome.changed.append(after)
    outcome.decided_at[after.id] = verdict.at
    named: dict[str, Any] = {"referral_id": after.id, "friend_id": after.friend_id, "rule": after.rule}
    if before.status is Status.REWARDED:
        event_id = cause.id if cause else before.event_id or str(before.id)
        reason = f"referral.{verdict.reason or Reason.RETURNED}"
        outcome.takes += [
            TakeBack(verdict.at, reason, Cause(before.id, _part(before, role), event_id))
            for role, _ in programme.rewards()
        ]
    if verdict.reason is not None or verdict.status is Status.CLAIMED:
        # What was returned while there is time is a claim again.
        rejected = ReferralRejected(**named, reason=verdict.reason or Reason.RETURNED, stage=before.status)
        tx.publish(rejected, about=after.referrer_id, time=verdict.at, cause=cause)
    if order is not None and verdict.matures_at is not None:
        if before.order_uid != order.order_uid:
            converted = ReferralConverted(
                **named, order_uid=order.order_uid, order_id=order.order_id, matures_at=verdict.matures_at
            )
            tx.publish(converted, about=after.referrer_id, time=order.paid_at, cause=cause)
        if verdict.status is Status.REWARDED:
            for role, reward in programme.rewards():
                gift = _gift(after, role, reward.account_type, reward.points, verdict.at)
                outcome.gifts[gift.cause.id, gift.cause.part] = gift, role


def _gift(referral: Referral, role: str, account_type: str, points: int, at: datetime) -> Gift:
    return Gift(
        customer_id=referral.referrer_id if role == "referrer" else referral.friend_id,
        account_type=account_type,
        points=points,
        at=at,
        reason=REWARDED,
        rule=referral.rule,
        cause=Cause(referral.id, _part(referral, role), referral.event_id or str(referral.id), None),
    )


def _part(referral: Referral, role: str) -> str:
    """A reward belongs to the order it was for: should another order earn it again, it is another gift."""
    return f"{role}/{referral.order_uid}"


async def _give(tx: Transaction, outcome: _Outcome, now: datetime, causes: Causes) -> None:
    gifts = [gift for gift, _ in outcome.gifts.values()]
    given = await ledger.give(tx, gifts, now=now, events=causes.values())
    await _follow_growth(tx, given, outcome, causes)
    by_id = {one.id: one for one in outcome.changed}
    for posted in given:
        cause = posted.posting.cause
        gift, role = outcome.gifts[cause.id, cause.part]
        referral = by_id[cause.id]
        data = ReferralRewarded(
            referral_id=referral.id,
            friend_id=referral.friend_id,
            rule=referral.rule,
            role=role,
            account_type=gift.account_type,
            points=gift.points,
            posting_id=posted.id,
        )
        tx.publish(data, about=gift.customer_id, time=gift.at, cause=_behind(referral, causes))


async def _follow_growth(tx: Transaction, run: Sequence[Posted], outcome: _Outcome, causes: Causes) -> None:
    """Tiers follow rewards in what the tier plan counts; a timer has no event, but the order of the friend has one."""
    behind = {one.id: _behind(one, causes) for one in outcome.changed}
    events: list[Any] = []
    for one in run:
        cause = one.posting.cause
        events.append(behind[cause.id] or EventCause(cause.event_id, None, None))
    await tiers.follow_growth(tx, run, events)


def _behind(referral: Referral, causes: Causes) -> Event[Any] | None:
    return causes.get(referral.friend_id) or causes.get(referral.referrer_id)
