"""Reading account types."""

from datetime import datetime

from loyalty_svc.accounts.problems import SpendableStays
from loyalty_svc.accounts.types import ACCOUNT_TYPES, AccountType, AccountTypes
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, versions


async def account_types(tx: Transaction) -> AccountTypes:
    """Every account type there is or was, in one statement."""
    return AccountTypes(await versions(tx, ACCOUNT_TYPES))


async def check_publishable(tx: Transaction, version: Published[AccountType], now: datetime) -> None:
    """Raises SpendableStays for a version that says otherwise than those before it."""
    for known in (await versions(tx, ACCOUNT_TYPES)).get(version.ref.code, ()):
        if known.value.is_spendable != version.value.is_spendable:
            raise SpendableStays(account_type=version.ref.code)
