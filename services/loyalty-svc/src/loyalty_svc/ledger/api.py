"""The HTTP door of the ledger."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from loyalty_svc.accounts.problems import UnknownAccountType
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.ledger import queries
from loyalty_svc.ledger.audit import audit
from loyalty_svc.ledger.schemas import AuditOut, PostingOut
from loyalty_svc.ledger.tables import POINTS
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.auth import Caller, allow
from moat.kit.web import Db, Now, Page, PageQuery, problems

router = APIRouter(tags=["loyalty"])
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Operator = Annotated[Caller, Depends(allow("ops"))]


@router.get("/v1/customers/{customer_id}/loyalty/postings", responses=problems(UnknownCustomer, UnknownAccountType))
async def list_postings(
    access: Reader, db: Db, page: PageQuery, account_type: Annotated[str, Query(max_length=64)] = POINTS
) -> Page[PostingOut]:
    """A customer's statement of account in one account type, newest first; of all who have become one with him, too."""
    after = page.after_as(UUID, int)
    async with db.transaction(customer=access.own) as tx:
        (await account_types(tx)).must_be_known(account_type)
        place = (after[0], after[1]) if after else None
        rows = await queries.postings_of(tx, access.id, account_type, after=place, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id, row.balance_after - row.amount), of=PostingOut.of)


@router.get("/v1/loyalty/audit")
async def audit_ledger(_: Operator, db: Db, clock: Now) -> AuditOut:
    """Recompute the invariants and totals of the ledger from its rows."""
    async with db.transaction() as tx:
        return AuditOut.of(await audit(tx, now=clock.now()))
