"""What leaves accounts because somebody decided so: one debit or many of a transaction, each granted or refused alone.

Taking and booking are two steps, so that between them it can still be decided what becomes of what was taken: a
redemption that finds the shelf empty is undone before anything was stored for it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from loyalty_svc.accounts.types import AccountTypes
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.ledger import announcing, debits, queries
from loyalty_svc.ledger.debits import Debit, Debited
from loyalty_svc.ledger.giving import basis_of
from loyalty_svc.ledger.posting import AccountKey, Cause, Kind, Posted, Posting
from loyalty_svc.ledger.problems import InsufficientPoints
from loyalty_svc.ledger.settling import append, settle, settle_accounts
from loyalty_svc.lots.queries import Held
from moat.kit.db.transaction import Transaction


async def spend(
    tx: Transaction, customer_id: UUID, account_type: str, amount: int, *, reason: str, cause: Cause, now: datetime
) -> Posted:
    """Take `amount` (> 0) of what is available, from the lots that expire first. Publishes `points.spent`.

    The customer is locked (`lock_customer`). Raises InsufficientPoints with `available` and `requested`, and leaves the
    transaction usable; UnknownAccountType, NotSpendable.
    """
    basis = basis_of(Kind.SPENT, reason, account_type)
    return await debit(tx, Posting(customer_id, basis, now, cause, (-amount,)), spent=amount)


async def debit(tx: Transaction, posting: Posting, *, spent: int = 0) -> Posted:
    """Store a posting of one loss, if as much is available; `spent` goes to the lifetime total. Raises as `spend`."""
    key, amount, now = (posting.customer_id, posting.basis.account_types[0]), -posting.amounts[0], posting.at
    types = await account_types(tx)
    types.must_be_spendable(key[1])
    taken = await take_one(tx, Debit(key, amount, spent=spent), types, now=now)
    return (await book(tx, [posting], types, {key: (taken.held, taken.balance)}, now=now))[0]


async def take_one(tx: Transaction, wanted: Debit, types: AccountTypes, *, now: datetime) -> Debited:
    """`take` for one. Raises InsufficientPoints."""
    taken = (await take(tx, [wanted], types, now=now))[wanted.key]
    if isinstance(taken, InsufficientPoints):
        raise taken
    return taken


async def take(
    tx: Transaction, wanted: Sequence[Debit], types: AccountTypes, *, now: datetime
) -> dict[AccountKey, Debited | InsufficientPoints]:
    """Take from what is available, or say what there is: at most one debit of each account, which are locked then.

    Where something has expired, or too little is there, it is thought over with what has expired gone; so a refusal is
    right and says what there is. What was taken has to be booked, kept by a hold, or undone (`debits.undo`).
    """
    taken = await debits.debit(tx, wanted, now=now)
    missing = [one for one in wanted if one.key not in taken]
    if missing:
        await settle(tx, sorted(one.key for one in missing), types, now=now)
        taken |= await debits.debit(tx, missing, now=now)
        missing = [one for one in missing if one.key not in taken]
    return {**taken, **(await _refusals(tx, missing) if missing else {})}


async def _refusals(tx: Transaction, missing: Sequence[Debit]) -> dict[AccountKey, InsufficientPoints]:
    balances = await queries.held(tx, {one.key[0] for one in missing})
    found: dict[AccountKey, InsufficientPoints] = {}
    for one in missing:
        available = max(balances[one.key].available, 0) if one.key in balances else 0
        found[one.key] = InsufficientPoints(account_type=one.key[1], available=available, requested=one.amount)
    return found


async def book(
    tx: Transaction,
    postings: Sequence[Posting],
    types: AccountTypes,
    taken: Mapping[AccountKey, tuple[Held, int]],
    *,
    now: datetime,
    confirms: bool = False,
) -> list[Posted]:
    """Store and announce postings of one loss each that their accounts, which are locked, have borne; lots follow.

    taken: what each account holds then, and its balance; one posting each. confirms: a hold has kept what is spent.
    """
    posted = await append(tx, postings, {key: balance for key, (_, balance) in taken.items()})
    announcing.moved(tx, posted)
    held = {key: one for key, (one, _) in taken.items()}
    followed = await settle_accounts(tx, list(held), types, at=now, now=now, held=held, confirms=confirms)
    announcing.moved(tx, followed)
    return posted
