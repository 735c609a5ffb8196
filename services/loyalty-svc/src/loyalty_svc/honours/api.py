"""The HTTP door of honours: the kinds as documents, giving by hand, taking back, and what a member holds."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from loyalty_svc.honours import queries, usecases
from loyalty_svc.honours.honour import HONOURS, Honour
from loyalty_svc.honours.problems import HonourHeld, HonourOver, NotBarred, UnknownHolding, UnknownHonour
from loyalty_svc.honours.schemas import HolderOut, HonourIn, HonourOut, WithdrawIn
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer
from moat.kit.auth import allow
from moat.kit.db.transaction import Transaction
from moat.kit.documents import document_routes, versions
from moat.kit.problems import FieldError, Invalid
from moat.kit.web import Db, Language, Now, Once, Page, PageQuery, problems

router = APIRouter(tags=["honours"])
_PATH = "/v1/loyalty/honours"
_OF_CUSTOMER = "/v1/customers/{customer_id}/loyalty/honours"
router.include_router(
    document_routes(
        HONOURS, path=_PATH, read="loyalty:read", write="loyalty:write", on_publish=usecases.look_at_everybody
    )
)
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Giver = Annotated[CustomerAccess, Depends(customer_access("loyalty:write"))]


async def _kinds(tx: Transaction) -> dict[str, Honour]:
    known = await versions(tx, HONOURS)
    return {one.value.rule: one.value for of_code in known.values() for one in of_code}


@router.get(f"{_PATH}/{{code}}/holders", dependencies=[Depends(allow("loyalty:read"))])
async def list_holders(code: str, db: Db, clock: Now, page: PageQuery) -> Page[HolderOut]:
    """Who holds an honour now, the latest first; nobody for an unknown code."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.holders(tx, code, after=after[0] if after else None, limit=page.limit + 1, now=clock.now())
    return page.page(rows, key=lambda row: (row.id,), of=HolderOut.of)


@router.get(_OF_CUSTOMER, responses=problems(UnknownCustomer))
async def list_honours(access: Reader, db: Db, clock: Now, page: PageQuery, language: Language) -> Page[HonourOut]:
    """A customer's honours, the latest first: to the member those he holds, to staff also what is over, and why."""
    after, now = page.after_as(UUID), clock.now()
    own = access.own is not None
    async with db.transaction() as tx:
        kinds = await _kinds(tx)
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.of_customer(
            tx, access.id, only_standing=own, after=after[0] if after else None, limit=page.limit + 1, now=now
        )
    return page.page(
        rows, key=lambda row: (row.id,), of=lambda row: HonourOut.of(row, kinds, language, now=now, own=own)
    )


@router.post(_OF_CUSTOMER, status_code=201, responses=problems(UnknownCustomer, UnknownHonour, HonourHeld))
async def give_honour(body: HonourIn, access: Giver, once: Once, clock: Now, language: Language) -> HonourOut:
    """Honour a customer by hand, for a reason."""
    now = clock.now()
    if body.valid_until is not None and body.valid_until <= now:
        raise Invalid(errors=[FieldError("/valid_until", "must lie ahead")])
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.give_by_hand(
            tx,
            customer_id,
            body.honour,
            reason=body.reason,
            until=body.valid_until,
            by=access.caller.principal,
            now=now,
        )
        out = HonourOut.of(row, await _kinds(tx), language, now=now, own=False)
        return await once.answer(tx, out, status=201)


@router.post(_OF_CUSTOMER + "/{holding_id}/withdraw", responses=problems(UnknownCustomer, UnknownHolding, HonourOver))
async def withdraw_honour(
    holding_id: UUID, body: WithdrawIn, access: Giver, once: Once, clock: Now, language: Language
) -> HonourOut:
    """Take an honour back, for a reason; its rule does not give it again unless it may return."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.take_back(
            tx,
            holding_id,
            customer_id,
            reason=body.reason,
            may_return=body.may_return,
            by=access.caller.principal,
            now=now,
        )
        return await once.answer(tx, HonourOut.of(row, await _kinds(tx), language, now=now, own=False))


@router.post(_OF_CUSTOMER + "/{holding_id}/allow", responses=problems(UnknownCustomer, UnknownHolding, NotBarred))
async def allow_honour(holding_id: UUID, access: Giver, once: Once, clock: Now, language: Language) -> HonourOut:
    """Let the rule give again what was taken back."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.allow_again(tx, holding_id, customer_id, by=access.caller.principal, now=now)
        return await once.answer(tx, HonourOut.of(row, await _kinds(tx), language, now=now, own=False))
