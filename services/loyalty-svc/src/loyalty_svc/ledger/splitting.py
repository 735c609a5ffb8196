"""Accounts that had become one part again, over postings, accounts and lots.

Each lot goes back to whom it was earned by, with what is left in it; what no lots are kept of goes by what was posted
for him. Debts and what is reserved stay with the survivor. Sums over both do not change by a point.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from loyalty_svc.accounts.types import AccountTypes
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.ledger import announcing, ownership, queries
from loyalty_svc.ledger import posting as heart
from loyalty_svc.ledger.parting import EarnedLot, Sums, going, share_of
from loyalty_svc.ledger.posting import Cause
from loyalty_svc.ledger.settling import settle, settle_accounts
from loyalty_svc.lots import queries as lots
from moat.customers import Parting
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7

REASON: Final = "customer.split"


async def part_accounts(tx: Transaction, splits: Sequence[Parting], *, now: datetime) -> None:
    """Give balances, lots and lifetime totals back to customers who have parted again.

    Splits are rare and one batch of them at a time holds everybody else off, so each is a few statements of its own.
    """
    if not splits:
        return
    types = await account_types(tx)
    for one in splits:
        await _part(tx, one, types, now)


async def _part(tx: Transaction, one: Parting, types: AccountTypes, now: datetime) -> None:
    spendable = types.spendable_codes()
    # What has expired or come of age by now did so while they were one.
    await settle(tx, [(one.survivor_id, type_) for type_ in spendable], types, now=now)
    both = sorted((id_, type_) for id_ in (one.survivor_id, one.customer_id) for type_ in spendable)
    held = await lots.lock(tx, both)
    await ownership.claim(tx, one)
    earned = await ownership.earned_lots(tx, one)
    his: dict[str, list[EarnedLot]] = {}
    for type_, found in earned.items():
        free, reserved = held[one.survivor_id, type_]
        his[type_] = going(found, free=free, reserved=reserved)
    kept, latest = await ownership.kept(tx, one.survivor_id), await ownership.latest(tx, one.origins)
    accounts = await queries.held(tx, {one.survivor_id})
    found_shares = [
        share_of(
            type_,
            account,
            kept.get(type_, Sums()),
            his.get(type_, ()),
            is_spendable=types.is_spendable(type_),
            last_at=latest.get(type_, one.event.time),
        )
        for (_, type_), account in sorted(accounts.items())
    ]
    shares = [share for share in found_shares if not share.is_nothing]
    if not shares:
        return
    await ownership.move_lots(tx, [lot for many in his.values() for lot in many], one.customer_id)
    balances = await ownership.move_shares(tx, one.survivor_id, one.customer_id, shares)
    amounts = {share.account_type: share.available + share.pending for share in shares}
    cause = Cause(one.from_id, f"{REASON} {one.event.data.merge_id}", one.event.id)
    posting = heart.transferred(
        one.survivor_id, one.customer_id, amounts, at=one.event.time, cause=cause, reason=REASON
    )
    if posting.amounts:
        await queries.append_transfer(tx, uuid7(), posting, balances)
    keys = [key for key in both if key[1] in amounts]
    announcing.moved(tx, await settle_accounts(tx, keys, types, at=one.event.time, now=now))
