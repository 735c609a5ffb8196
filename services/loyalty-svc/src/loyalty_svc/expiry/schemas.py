"""What goes out over HTTP about accounts and their lots."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from loyalty_svc.expiry.usecases import Account
from moat.kit.web import LanguageCode


class ExpiringOut(BaseModel):
    """Points that expire within the days in which one is warned; `first_at` is the first of them."""

    amount: int
    first_at: datetime


class AccountOut(BaseModel):
    """One account; `debt` is what was spent although it was taken back later, and is paid by what is earned next."""

    type: str
    name: str
    unit: str
    spendable: bool
    available: int
    pending: int
    reserved: int
    debt: int
    earned_total: int
    spent_total: int
    expired_total: int
    reversed_total: int
    expiring: ExpiringOut | None


class AccountsOut(BaseModel):
    """A customer's accounts in every type there is."""

    customer_id: UUID
    accounts: list[AccountOut]

    @classmethod
    def of(cls, customer_id: UUID, accounts: list[Account], language: LanguageCode) -> "AccountsOut":
        """From the use case, in a language."""
        return cls(customer_id=customer_id, accounts=[_account(one, language) for one in accounts])


def _account(one: Account, language: LanguageCode) -> AccountOut:
    balance = one.balance
    return AccountOut(
        type=one.type.code,
        name=one.type.names[language],
        unit=one.type.units[language],
        spendable=one.type.is_spendable,
        available=balance.available if balance else 0,
        pending=balance.pending if balance else 0,
        reserved=balance.reserved if balance else 0,
        debt=max(0, -(balance.available + balance.reserved)) if balance else 0,
        earned_total=balance.earned_total if balance else 0,
        spent_total=balance.spent_total if balance else 0,
        expired_total=balance.expired_total if balance else 0,
        reversed_total=balance.reversed_total if balance else 0,
        expiring=ExpiringOut(amount=one.expiring[0], first_at=one.expiring[1]) if one.expiring else None,
    )


class LotOut(BaseModel):
    """What is left of one award, which `posting_id` names; `expires_at` null means never."""

    posting_id: UUID
    account_type: str
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None
    amount: int
    remaining: int
    status: str

    @classmethod
    def of(cls, row: Any) -> "LotOut":
        """From a row of `lots.queries.page`."""
        return cls(
            posting_id=row.posting_id,
            account_type=row.account_type,
            earned_at=row.earned_at,
            available_at=row.available_at,
            expires_at=row.expires_at,
            amount=row.amount,
            remaining=row.remaining,
            status="pending" if row.is_pending else "available",
        )
