"""What holds do inside the transaction they are given: points step aside, and are spent or come back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.holds import queries
from loyalty_svc.holds.holding import HELD, Hold
from loyalty_svc.holds.problems import HoldClosed, UnknownHold
from loyalty_svc.ledger import spending
from loyalty_svc.ledger.debits import Debit
from loyalty_svc.ledger.posting import Cause
from moat.customers.follow import hold_merges_off
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7
from moat.kit.timers import clear_timers, set_timers

TIME_OUT: Final = "points.hold"
"""The timers of holds, by their id."""


async def hold(
    tx: Transaction,
    customer_id: UUID,
    account_type: str,
    amount: int,
    *,
    until: datetime,
    cause: Cause,
    reason: str,
    now: datetime,
) -> Hold:
    """Put `amount` (> 0) of what is available aside until an instant; the customer is locked (`lock_customer`).

    `cause` becomes that of the posting when the hold is confirmed, so it may stand for one hold that is ever confirmed.
    Raises InsufficientPoints, UnknownAccountType, NotSpendable.
    """
    types = await account_types(tx)
    types.must_be_spendable(account_type)
    await spending.take_one(tx, Debit((customer_id, account_type), amount, reserved=amount), types, now=now)
    made = Hold(uuid7(), customer_id, account_type, amount, 0, HELD, now, until, None, reason, cause, None)
    await queries.insert(tx, made)
    await set_timers(tx, TIME_OUT, [(str(made.id), until, {})])
    return made


async def confirm(tx: Transaction, hold_id: UUID, amount: int | None = None, *, now: datetime) -> Hold:
    """Spend what is held, or `amount` of it; the rest comes back. Publishes `points.spent`.

    The customer is locked. Raises UnknownHold, HoldClosed (confirmed, released or timed out already), MoreThanHeld.
    """
    held = await _locked(tx, hold_id)
    posting = held.spent(amount, now)
    points = -posting.amounts[0]
    left, balance = await queries.take_reserved(tx, held, points, now)
    types = await account_types(tx)
    taken = {(held.customer_id, held.account_type): (left, balance)}
    (posted,) = await spending.book(tx, [posting], types, taken, now=now, confirms=True)
    confirmed = held.confirmed_by(posted.id, points, now)
    await queries.resolve(tx, [confirmed])
    await clear_timers(tx, TIME_OUT, [str(hold_id)])
    return confirmed


async def release(tx: Transaction, hold_id: UUID, *, now: datetime) -> Hold:
    """Give back what is held. A second release changes nothing; raises UnknownHold, HoldClosed once it is confirmed."""
    held = await _locked(tx, hold_id)
    if held.status == "confirmed":
        raise HoldClosed(hold_status=held.status)
    if held.status != HELD:
        return held
    released = held.given_back("released", now)
    await queries.give_back(tx, [released])
    await clear_timers(tx, TIME_OUT, [str(hold_id)])
    return released


async def lock(tx: Transaction, hold_ids: Sequence[UUID]) -> None:
    """Hold merges off, then lock these holds in the order of their ids."""
    await hold_merges_off(tx)
    await queries.lock(tx, hold_ids)


async def time_out(tx: Transaction, hold_ids: Sequence[UUID], *, now: datetime) -> None:
    """Give back what these holds keep, if their time is over and nobody has decided."""
    over = [held for held in await queries.lock(tx, hold_ids) if held.status == HELD and held.until <= now]
    if over:
        await queries.give_back(tx, [held.given_back("timed_out", now) for held in over])


def own_cause(order_id: str | None) -> Cause:
    """The cause of a hold that stands for itself."""
    id_ = uuid7()
    return Cause(id_, "hold", str(id_), order_id)


async def must_be_of(tx: Transaction, hold_id: UUID, customer_id: UUID) -> None:
    """Lock a hold. Raises UnknownHold when it is another customer's."""
    if (await _locked(tx, hold_id)).customer_id != customer_id:
        raise UnknownHold(id=str(hold_id))


async def _locked(tx: Transaction, hold_id: UUID) -> Hold:
    found = await queries.lock(tx, [hold_id])
    if not found:
        raise UnknownHold(id=str(hold_id))
    return found[0]
