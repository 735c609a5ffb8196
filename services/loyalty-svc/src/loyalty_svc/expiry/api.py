"""The HTTP door of accounts and lots: what there is, and until when."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from loyalty_svc.accounts.problems import UnknownAccountType
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.expiry import usecases
from loyalty_svc.expiry.schemas import AccountsOut, LotOut
from loyalty_svc.lots import queries as lots
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.web import Db, Language, Now, Page, PageQuery, problems

router = APIRouter(prefix="/v1/customers/{customer_id}/loyalty", tags=["loyalty"])
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]


@router.get("/accounts", responses=problems(UnknownCustomer))
async def list_accounts(access: Reader, db: Db, clock: Now, language: Language) -> AccountsOut:
    """A customer's accounts in every type there is, with units and what expires soon; zeros without postings."""
    async with db.transaction(customer=access.own) as tx:
        found = await usecases.accounts(tx, access.id, now=clock.now())
    return AccountsOut.of(access.id, list(found), language)


@router.get("/lots", responses=problems(UnknownCustomer, UnknownAccountType))
async def list_lots(
    access: Reader,
    db: Db,
    page: PageQuery,
    account_type: Annotated[str, Query(max_length=64)] = "points",
) -> Page[LotOut]:
    """What is left of a customer's awards, in the order in which it expires and is spent."""
    after = page.after_as(datetime, UUID)
    async with db.transaction(customer=access.own) as tx:
        (await account_types(tx)).must_be_known(account_type)
        place = (after[0], after[1]) if after else None
        rows = await lots.page(tx, access.id, account_type, after=place, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.place, row.posting_id), of=LotOut.of)
