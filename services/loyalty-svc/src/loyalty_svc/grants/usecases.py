"""What grants do inside the transaction they are given: each request is answered once, by points or by a refusal."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from loyalty_svc.accounts.types import AccountTypes
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.ledger import usecases as ledger
from loyalty_svc.ledger.giving import Gift
from loyalty_svc.ledger.posting import Cause
from moat.contracts.loyalty import PointsRefused
from moat.kit.clock import Clock
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event

PART: Final = "grant"


async def grant(tx: Transaction, requests: Sequence[Event[Any]], clock: Clock) -> None:
    """Give what was asked for; the events that answer name the request as their cause. A repeat changes nothing."""
    types = await account_types(tx)
    gifts = []
    for event in requests:
        data = event.data
        refusal = _refusal(types, data.account_type)
        if refusal:
            refused = PointsRefused(account_type=data.account_type, amount=data.points, reason=refusal)
            tx.publish(refused, about=event.about, time=event.time, cause=event)
            continue
        cause = Cause(uuid5(NAMESPACE_URL, f"{event.source} {event.id}"), PART, event.id)
        gifts.append(Gift(event.about, data.account_type, data.points, event.time, data.reason, None, cause))
    await ledger.give(tx, gifts, now=clock.now(), events=requests)


def _refusal(types: AccountTypes, account_type: str) -> str | None:
    if account_type not in types.offered():
        return "unknown_account_type"
    return None if types.is_spendable(account_type) else "not_spendable"
