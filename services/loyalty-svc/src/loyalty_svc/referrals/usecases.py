"""What referrals do inside the transaction they are given. Merges are held off, or it is a consumed batch."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.coupons import codes
from loyalty_svc.referrals import judging, merging, queries, settling
from loyalty_svc.referrals.judging import Reason, Referral, Status
from loyalty_svc.referrals.problems import NoProgramme, UnknownCode
from loyalty_svc.referrals.programme import CODE, REFERRALS, Programme
from loyalty_svc.referrals.settling import REFERRAL
from moat.contracts.loyalty import ReferralCreated, ReferralRejected
from moat.contracts.orders import OrderPaid
from moat.customers.follow import aliases_of
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, WrongDocument, published
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, nearest
from moat.kit.timers import set_timers

CODE_LETTERS: Final = 8
CODE_TRIES_MAX: Final = 5
LOOK_AGAIN: Final = timedelta(minutes=5)
"""How long after a code was used the friend's orders are read once more: a batch that took one of them at that moment
saw no referral, and was not seen. No batch takes so long."""


async def current(tx: Transaction, now: datetime) -> Programme:
    """The programme that is published now. Raises NoProgramme."""
    found = (await published(tx, REFERRALS, at=now)).get(CODE)
    if found is None:
        raise NoProgramme
    return found.value


async def check_publishable(tx: Transaction, version: Published[Programme], now: datetime) -> None:
    """Raises WrongDocument for a reward in an account type that does not exist."""
    known = (await account_types(tx)).offered()
    errors = [
        FieldError(f"/{role}/account_type", f"no account type has this code{nearest(reward.account_type, known)}")
        for role, reward in version.value.rewards()
        if reward.account_type not in known
    ]
    if errors:
        raise WrongDocument(errors=errors)


async def own_code(tx: Transaction, customer_id: UUID, now: datetime) -> str:
    """The customer's own code, made when he first asks for it."""
    for _ in range(CODE_TRIES_MAX):
        code = await queries.code_of(tx, customer_id)
        if code is not None:
            return code
        (made,) = codes.codes_from(secrets.token_bytes(codes.random_bytes_for(1)), 1)
        await queries.make_code(tx, customer_id, made[:CODE_LETTERS], now)
    raise RuntimeError("no free referral code was found")


async def claim(tx: Transaction, friend_id: UUID, typed: str, *, now: datetime) -> tuple[Referral, Programme]:
    """A friend uses a code: accepted, or refused with its reason; the same again gets the same answer.

    Raises NoProgramme, UnknownCode.
    """
    programme = await current(tx, now)
    code = codes.normalised(typed)
    referrer_id = code and await queries.owner(tx, code)
    if not code or not referrer_id:
        raise UnknownCode
    await queries.one_at_a_time(tx)
    terms = programme.terms
    has_ordered = bool((await queries.orders(tx, [friend_id])).get(friend_id))
    since = now - timedelta(days=terms.friends_days)
    asked = await queries.claim_of(tx, referrer_id, friend_id, since=since, now=now, has_ordered=has_ordered)
    reason = judging.refusal(asked, terms)
    known = await queries.before(tx, referrer_id, friend_id, reason)
    if known is not None:
        return known, programme
    referral = Referral(
        id=uuid7(),
        referrer_id=referrer_id,
        friend_id=friend_id,
        rule=programme.rule,
        claimed_at=now,
        expires_at=now + timedelta(days=terms.attribution_days),
        status=Status.REJECTED if reason else Status.CLAIMED,
        reason=reason,
    )
    await queries.insert(tx, referral, code)
    await _begin(tx, referral)
    return referral, programme


async def _begin(tx: Transaction, referral: Referral) -> None:
    named: dict[str, Any] = {"referral_id": referral.id, "friend_id": referral.friend_id, "rule": referral.rule}
    about, at = referral.referrer_id, referral.claimed_at
    if referral.reason is not None:
        tx.publish(ReferralRejected(**named, reason=referral.reason, stage="refused"), about=about, time=at)
        return
    tx.publish(ReferralCreated(**named, expires_at=referral.expires_at), about=about, time=at)
    await set_timers(tx, REFERRAL, [(str(referral.id), at + LOOK_AGAIN, {})])


async def follow_orders(tx: Transaction, facts: Sequence[Event[Any]], *, now: datetime) -> None:
    """Friends have bought or got money back."""
    last = {event.about: event for event in facts}
    live = await queries.live_of_friends(tx, last)
    if live:
        payments = {event.data.order_uid: event for event in facts if isinstance(event.data, OrderPaid)}
        await settling.settle(tx, live, now=now, causes=last, payments=payments)


async def come_due(tx: Transaction, ids: Sequence[UUID], *, now: datetime) -> None:
    """Time to buy is over, or nothing can be returned any more."""
    await settling.settle(tx, await queries.live(tx, ids), now=now)


async def suspect(tx: Transaction, proposals: Sequence[Event[Any]], *, now: datetime) -> None:
    """Customers share an identifier: what one gets for bringing the other is held back for good."""
    became = await aliases_of(tx, {event.data.other_id for event in proposals})
    pairs = [(event.about, became.get(event.data.other_id, event.data.other_id), event.time) for event in proposals]
    pairs = [pair for pair in pairs if pair[0] != pair[1]]
    if pairs:
        await queries.note_twins(tx, pairs)
        live = await queries.live_of_either(tx, {event.about for event in proposals})
        await settling.settle(tx, live, now=now, causes={event.about: event for event in proposals})


async def follow_merges(tx: Transaction, merges: Sequence[Event[Any]], *, now: datetime) -> None:
    """What was whose is the survivor's; who brought himself, or was brought twice, is found out."""
    for event in merges:
        from_id, into_id = event.data.from_id, event.about
        if from_id == into_id:
            continue
        brought = await merging.accepted_of(tx, [from_id, into_id])
        if len(brought) > 1:
            stays = judging.first_of(brought)
            others = [one for one in brought if one.id != stays.id]
            await settling.reject(tx, others, Reason.ALREADY_REFERRED, now=now, cause=event)
            await merging.give_way(tx, [one.id for one in others])
        await merging.move(tx, from_id, into_id)
        await _find_out(tx, event, now)
        await settling.settle(tx, await queries.live_of_either(tx, [into_id]), now=now, causes=_by(event))


async def _find_out(tx: Transaction, merge: Event[Any], now: datetime) -> None:
    """A survivor may have been known before he was brought, or have been brought by somebody whom he led to."""
    known_at = await merging.known_at(tx, merge.about)
    brought = await merging.accepted_of(tx, [merge.about])
    if known_at is not None and brought:
        programmes = await settling.programmes_of(tx)
        old = [one for one in brought if judging.is_too_old(one.claimed_at - known_at, programmes[one.rule].terms)]
        await settling.reject(tx, old, Reason.KNOWN_BEFORE, now=now, cause=merge)
    last = judging.closing(await merging.ring_of(tx, merge.about))
    if last is not None:
        await settling.reject(tx, [last], Reason.RING, now=now, cause=merge)


def _by(event: Event[Any]) -> Mapping[UUID, Event[Any]]:
    return {event.about: event}
