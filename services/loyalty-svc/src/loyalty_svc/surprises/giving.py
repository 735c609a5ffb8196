"""How a draw goes on, slice by slice: everybody who may win is listed, then the first of them are given their gifts.

Each slice is a transaction that sets the timer of the next, so a worker that dies is followed by another where it
stood. A gift's id is made of draw and entry, so that points and codes could not be given twice even then. Merges are
held off and the draw's surprise is locked.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from loyalty_svc.coupons import usecases as coupons
from loyalty_svc.coupons.announcing import Issued, Wish
from loyalty_svc.coupons.document import COUPONS
from loyalty_svc.honours import queries as members
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.giving import Gift
from loyalty_svc.ledger.posting import Cause
from loyalty_svc.surprises import queries, usecases
from loyalty_svc.surprises.drawing import Outcome, digest_of, ended_by
from loyalty_svc.surprises.queries import NewGift
from loyalty_svc.surprises.surprise import SURPRISES, Surprise
from loyalty_svc.surprises.tables import DRAW
from moat.contracts.surprises import SurpriseGiven
from moat.customers.follow import aliases_of
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.documents import published, versions
from moat.kit.timers import set_timers

LISTED_SLICE: Final = 2_000
"""So many customers are looked at in one transaction."""
GIVEN_SLICE: Final = 500
"""So many gifts at most are given in one."""
REASON: Final = "surprise.given"


class _Winner(NamedTuple):
    gift_id: UUID
    customer_id: UUID


async def go_on(tx: Transaction, draw_ids: Collection[UUID], *, now: datetime) -> None:
    """The next slice of these draws, whatever they are at."""
    rows = await queries.draws_by_id(tx, draw_ids)
    known = await versions(tx, SURPRISES) if rows else {}
    for row in rows:
        if row.state == "committed":
            await usecases.begin_by_itself(tx, row, now=now)
        elif row.state != "finished":
            surprise = next(one.value for one in known[row.code] if one.ref.version == row.version)
            go_on_with = _list_slice if row.state == "counting" else _give_slice
            await go_on_with(tx, row, surprise, now)


async def _list_slice(tx: Transaction, row: Any, surprise: Surprise, now: datetime) -> None:
    """Look at the next customers as they are now; the condition is judged as of the draw's beginning."""
    looked_at = await members.customers(tx, after=row.counted_to, limit=LISTED_SLICE)
    fits = await usecases.eligible(tx, surprise, looked_at, at=row.started_at) if looked_at else []
    if fits:
        await queries.enlist(tx, row.id, {one: digest_of(row.seed, row.id, one) for one in fits})
    if looked_at:
        await queries.counted(tx, row.id, customers=len(looked_at), eligible=len(fits), counted_to=looked_at[-1])
    if len(looked_at) < LISTED_SLICE:
        await queries.drawn(tx, row.id, at=now)
        done = await usecases.draw(tx, row.id, row.code)
        detail = {"draw_id": str(row.id), "eligible": done.eligible, "eligible_hash": done.eligible_hash}
        subject = f"surprise/{row.code}"
        await audit.record(
            tx, at=now, actor=usecases.BY_ITSELF, action="surprise.drawn", subject=subject, detail=detail
        )
    await _again(tx, row.id, now)


async def _give_slice(tx: Transaction, row: Any, surprise: Surprise, now: datetime) -> None:
    """Give to the next on the list as many as are wanted and can be paid for; whoever had one too recently has none."""
    if surprise.coupon is not None and not await _is_given_out(tx, surprise.coupon, now):
        await queries.finish(tx, row.id, ended_by="coupon", at=now)
        return
    affordable = surprise.affords(await queries.lock(tx, row.code))
    wanted, left = surprise.winners - row.given, row.eligible - row.judged
    rows: Sequence[Any] = []
    if limit := min(GIVEN_SLICE, wanted, affordable, left):
        rows = await queries.next_entries(tx, row.id, after=row.judged_to, limit=limit)
        winners = await _winners(tx, row.id, [one.entry_id for one in rows], surprise, now)
        await _give(tx, row.id, surprise, list(winners.values()), now)
        outcomes: dict[UUID, Outcome] = {one.entry_id: "given" if one.entry_id in winners else "recent" for one in rows}
        await queries.judged(tx, row.id, outcomes, given=len(winners), judged_to=rows[-1].digest)
        await queries.spend(tx, row.code, gifts=len(winners), each=surprise.each)
        wanted, affordable = wanted - len(winners), affordable - len(winners)
    end = ended_by(wanted=wanted, left=left - len(rows), affordable=affordable)
    if end is None:
        await _again(tx, row.id, now)
    else:
        await queries.finish(tx, row.id, ended_by=end, at=now)


async def _again(tx: Transaction, draw_id: UUID, now: datetime) -> None:
    await set_timers(tx, DRAW, [(str(draw_id), now, {})])


async def _is_given_out(tx: Transaction, coupon: str, now: datetime) -> bool:
    known = (await published(tx, COUPONS, at=now)).get(coupon)
    expires_at = known.value.expires_at(now) if known else None
    return known is not None and (expires_at is None or expires_at > now)


async def _winners(
    tx: Transaction, draw_id: UUID, entry_ids: Sequence[UUID], surprise: Surprise, now: datetime
) -> Mapping[UUID, _Winner]:
    """Who of the next on the list wins, by entry: whoever he has become, once, unless he had one too recently."""
    survivors = await aliases_of(tx, set(entry_ids))
    first: dict[UUID, UUID] = {}
    for entry_id in entry_ids:
        first.setdefault(survivors.get(entry_id, entry_id), entry_id)
    claimed = await queries.claim(tx, list(first), quiet=surprise.quiet, at=now)
    return {
        entry_id: _Winner(uuid5(draw_id, str(entry_id)), customer_id)
        for customer_id, entry_id in first.items()
        if customer_id in claimed
    }


async def _give(tx: Transaction, draw_id: UUID, surprise: Surprise, winners: Sequence[_Winner], now: datetime) -> None:
    if not winners:
        return
    postings = await _give_points(tx, surprise, winners, now) if surprise.points else {}
    codes = await _give_coupons(tx, surprise.coupon, winners, now) if surprise.coupon else {}
    await queries.add_gifts(
        tx,
        [NewGift(one.gift_id, one.customer_id, codes.get(one.gift_id)) for one in winners],
        draw_id=draw_id,
        surprise=surprise.code,
        rule=surprise.rule,
        account_type=surprise.account_type,
        points=surprise.points or None,
        coupon=surprise.coupon,
        at=now,
    )
    for one in winners:
        told = SurpriseGiven(
            surprise=surprise.code,
            rule=surprise.rule,
            draw_id=draw_id,
            account_type=surprise.account_type,
            points=surprise.points or None,
            posting_id=postings.get(one.gift_id),
            coupon=surprise.coupon,
        )
        tx.publish(told, about=one.customer_id, time=now)


async def _give_points(
    tx: Transaction, surprise: Surprise, winners: Sequence[_Winner], now: datetime
) -> Mapping[UUID, UUID]:
    """The posting of each gift."""
    gifts = [
        Gift(
            customer_id=one.customer_id,
            account_type=surprise.account_type or "",
            points=surprise.points,
            at=now,
            reason=REASON,
            rule=surprise.rule,
            cause=Cause(one.gift_id, surprise.code, str(one.gift_id)),
        )
        for one in winners
    ]
    return {one.posting.cause.id: one.id for one in await ledger.give(tx, gifts, now=now)}


async def _give_coupons(tx: Transaction, coupon: str, winners: Sequence[_Winner], now: datetime) -> Mapping[UUID, UUID]:
    """The code of each gift. Raises RuntimeError when the coupon ended this instant; the timer tries again."""
    wishes = [Wish(one.customer_id, coupon, f"surprise {one.gift_id}", now) for one in winners]
    outcomes = await coupons.issue(tx, wishes, at=now)
    codes = {
        one.gift_id: outcome.code_id
        for one, outcome in zip(winners, outcomes, strict=True)
        if isinstance(outcome, Issued)
    }
    if len(codes) < len(winners):
        raise RuntimeError("the coupon ended while it was given out")
    return codes
