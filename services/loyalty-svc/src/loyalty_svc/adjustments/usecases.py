"""What adjustments do inside the transaction they are given. The customers are locked (`lock_customer`)."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.adjustments import queries
from loyalty_svc.adjustments.correcting import Adjustment
from loyalty_svc.adjustments.problems import UnknownAdjustment
from loyalty_svc.ledger import usecases as ledger
from moat.customers.follow import hold_merges_off
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7


async def adjust(
    tx: Transaction, customer_id: UUID, account_type: str, amount: int, *, reason: str, by: str, now: datetime
) -> Adjustment:
    """Correct a spendable account by `amount` (not 0), at once or, above the type's limit, when a second person agrees.

    Publishes `points.adjusted` when it is booked. Raises InsufficientPoints, UnknownAccountType, NotSpendable.
    """
    asked = Adjustment(uuid7(), customer_id, account_type, amount, reason, "waiting", by, now)
    types = await account_types(tx)
    types.must_be_spendable(account_type)
    if not asked.needs_second(types.at(account_type, now)):
        asked = await _book(tx, asked, now)
    await queries.insert(tx, asked)
    return asked


async def approve(tx: Transaction, adjustment_id: UUID, *, by: str, note: str | None, now: datetime) -> Adjustment:
    """Book what somebody else asked for.

    Raises UnknownAdjustment, AdjustmentDecided, SecondPersonNeeded, InsufficientPoints.
    """
    decided = (await _locked(tx, adjustment_id)).decided("booked", by=by, note=note, at=now)
    decided = await _book(tx, decided, now)
    await queries.decide(tx, decided)
    return decided


async def refuse(tx: Transaction, adjustment_id: UUID, *, by: str, note: str | None, now: datetime) -> Adjustment:
    """Let it be. Raises UnknownAdjustment, AdjustmentDecided, SecondPersonNeeded."""
    decided = (await _locked(tx, adjustment_id)).decided("refused", by=by, note=note, at=now)
    await queries.decide(tx, decided)
    return decided


async def _locked(tx: Transaction, adjustment_id: UUID) -> Adjustment:
    await hold_merges_off(tx)
    found = await queries.lock(tx, adjustment_id)
    if found is None:
        raise UnknownAdjustment(id=str(adjustment_id))
    return found


async def _book(tx: Transaction, adjustment: Adjustment, now: datetime) -> Adjustment:
    posted = await ledger.correct(tx, adjustment.posting(now), now=now)
    return replace(adjustment, status="booked", posting_id=posted.id)
