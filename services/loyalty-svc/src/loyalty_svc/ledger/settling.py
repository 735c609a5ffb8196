"""Bringing the lots of accounts to what these hold, over both stores: the heart is `lots.settle`.

Every loss, every return and all that time does to an account ends here, with the account locked.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from loyalty_svc.accounts.types import AccountTypes
from loyalty_svc.ledger import announcing, awarding, queries
from loyalty_svc.ledger import posting as heart
from loyalty_svc.ledger.giving import corrections_of
from loyalty_svc.ledger.posting import AccountKey, Posted, Posting
from loyalty_svc.lots import queries as lots
from loyalty_svc.lots.lots import Change, Reversal
from loyalty_svc.lots.lots import settle as settle_lots
from loyalty_svc.lots.queries import Held, Revived
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7s


async def settle_accounts(
    tx: Transaction,
    keys: Sequence[AccountKey],
    types: AccountTypes,
    *,
    at: datetime,
    now: datetime | None = None,
    held: Mapping[AccountKey, Held] | None = None,
    reversals: Mapping[AccountKey, Sequence[Reversal]] | None = None,
    revived: Mapping[AccountKey, Sequence[Revived]] | None = None,
    confirms: bool = False,
) -> list[Posted]:
    """Bring the lots of spendable accounts to what these hold; with `now` points come of age and expire.

    at: when what led here happened; a debt is written off then. held: what they hold, if they are locked already.
    revived: lots of theirs that live on after all (`lots.queries.keep_alive`).
    Publishes `points.earned` for what came of age. What follows has to be announced: what expired or was written off.
    """
    if held is None:
        held = await lots.lock(tx, keys)
    reversals, revived = reversals or {}, revived or {}
    causes = {one.cause_id for many in reversals.values() for one in many}
    causes |= {one.cause_id for many in revived.values() for one in many}
    found = await lots.load(tx, held, causes)
    changes: dict[AccountKey, Change] = {}
    for key, (free, reserved) in held.items():
        change = settle_lots(
            found[key],
            free=free,
            reserved=reserved,
            reversals=reversals.get(key, ()),
            revived={one.posting_id: one.expired_at for one in revived.get(key, ())},
            now=now,
            confirms=confirms,
            writes_off=types.at(key[1], now or at).debt == "write_off",
        )
        if change.expired or change.from_pending or change.written_off:
            changes[key] = change
    await lots.save(tx, [lot for many in found.values() for lot in many if lot.is_changed])
    if not changes:
        return []
    balances = await lots.correct(tx, changes)
    announcing.came_of_age(tx, changes, balances)
    corrections = [one for key, change in changes.items() for one in corrections_of(key, change, at)]
    return await append(tx, corrections, balances) if corrections else []


async def append(tx: Transaction, postings: Sequence[Posting], balances: Mapping[AccountKey, int]) -> list[Posted]:
    """Store postings whose accounts are changed and locked already; `balances` are those after the last."""
    accounts, own = heart.add_up(postings)
    for account in accounts:
        account.balance = account.walked_back = balances[account.key]
    left = heart.balances(postings, own)
    ids = uuid7s(len(postings))
    runs = [awarding.Run(postings[run[0]].basis, run, awarding.NewLots()) for run in heart.alike(postings)]
    await queries.append(tx, runs, ids, postings, left)
    return list(map(Posted, ids, postings, own, left))


async def settle(tx: Transaction, keys: Sequence[AccountKey], types: AccountTypes, *, now: datetime) -> None:
    """Let what is due in these accounts come of age and expire, and announce it."""
    announcing.moved(tx, await settle_accounts(tx, keys, types, at=now, now=now))
