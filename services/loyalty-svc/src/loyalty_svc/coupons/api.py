"""The HTTP door of coupons: the documents, pools of codes, and the codes of a customer."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from loyalty_svc.coupons import queries, usecases
from loyalty_svc.coupons.announcing import Wish
from loyalty_svc.coupons.coupon import Coupon
from loyalty_svc.coupons.document import COUPONS, samples
from loyalty_svc.coupons.problems import CodeTaken, CouponOver, NotImported, PoolEmpty, UnknownCode, UnknownPool
from loyalty_svc.coupons.schemas import CodeOut, ImportIn, ImportOut, IssueIn, PoolIn, PoolOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer
from moat.kit.auth import Caller, allow
from moat.kit.db.transaction import Transaction
from moat.kit.documents import document_routes
from moat.kit.ids import uuid7
from moat.kit.web import Db, Language, Now, Once, Page, PageQuery, problems


async def preview(tx: Transaction, coupon: Coupon, now: datetime) -> dict[str, Any]:
    """What a draft would take off a few round baskets, and until when a code of today would be good."""
    return {"expires_at": coupon.expires_at(now), "takes_off": samples(coupon, now)}


router = APIRouter(tags=["coupons"])
router.include_router(
    document_routes(COUPONS, path="/v1/loyalty/coupons", read="loyalty:read", write="loyalty:write", preview=preview)
)
Reader = Annotated[Caller, Depends(allow("loyalty:read"))]
Writer = Annotated[Caller, Depends(allow("loyalty:write"))]
CustomerReader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
CustomerWriter = Annotated[CustomerAccess, Depends(customer_access("loyalty:write"))]


@router.post("/v1/loyalty/coupon-pools", status_code=201, responses=problems(CodeTaken))
async def open_pool(body: PoolIn, caller: Writer, once: Once, clock: Now) -> PoolOut:
    """Open a pool of codes for the coupon's published version; a million codes are made meanwhile, `made` counts."""
    async with once.transaction() as tx:
        pool_id = await usecases.open_pool(tx, body.to_pool(caller.principal), at=clock.now())
        return await once.answer(tx, PoolOut.of(await usecases.pool(tx, pool_id)), status=201)


@router.get("/v1/loyalty/coupon-pools")
async def list_pools(
    _: Reader, db: Db, page: PageQuery, coupon: Annotated[str | None, Query(max_length=64)] = None
) -> Page[PoolOut]:
    """Pools, newest first."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        rows = await queries.pools(tx, coupon, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=PoolOut.of)


@router.get("/v1/loyalty/coupon-pools/{pool_id}", responses=problems(UnknownPool))
async def read_pool(pool_id: UUID, _: Reader, db: Db) -> PoolOut:
    """One pool, with how many of its codes are made."""
    async with db.transaction() as tx:
        return PoolOut.of(await usecases.pool(tx, pool_id))


@router.get("/v1/loyalty/coupon-pools/{pool_id}/codes", responses=problems(UnknownPool))
async def list_codes(
    pool_id: UUID, _: Writer, db: Db, clock: Now, page: PageQuery, language: Language
) -> Page[CodeOut]:
    """The codes of a pool in the order they were made. They are secrets, so this needs the right to write."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        row = await usecases.pool(tx, pool_id)
        coupon = (await usecases.every_version(tx))[row.coupon, row.version]
        rows = await queries.codes_of_pool(tx, pool_id, after=after[0] if after else None, limit=page.limit + 1)
    now = clock.now()
    return page.page(rows, key=lambda row: (row.id,), of=lambda row: CodeOut.of(row, coupon, language, now))


@router.post("/v1/loyalty/coupon-pools/{pool_id}/codes", responses=problems(UnknownPool, NotImported))
async def import_codes(pool_id: UUID, body: ImportIn, _: Writer, once: Once, clock: Now) -> ImportOut:
    """Add codes from elsewhere to a pool of imported codes; what exists already is left as it is."""
    async with once.transaction() as tx:
        imported = await usecases.import_codes(tx, pool_id, body.codes, at=clock.now())
        return await once.answer(tx, ImportOut.of(imported))


@router.post("/v1/loyalty/coupon-pools/{pool_id}/withdraw", responses=problems(UnknownPool))
async def withdraw_pool(pool_id: UUID, caller: Writer, once: Once, clock: Now) -> PoolOut:
    """No code of the pool may be used from now on; what is reserved may still be redeemed. Safe to repeat."""
    async with once.transaction() as tx:
        row = await usecases.withdraw_pool(tx, pool_id, at=clock.now(), by=caller.principal)
        return await once.answer(tx, PoolOut.of(row))


@router.post("/v1/loyalty/coupon-codes/{code_id}/withdraw", responses=problems(UnknownCode))
async def withdraw_code(code_id: UUID, caller: Writer, once: Once, clock: Now, language: Language) -> CodeOut:
    """The code may not be used from now on. Safe to repeat."""
    async with once.transaction() as tx:
        row = await usecases.withdraw(tx, code_id, at=clock.now(), by=caller.principal)
        coupon = (await usecases.every_version(tx))[row.coupon, row.version]
        return await once.answer(tx, CodeOut.of(row, coupon, language, clock.now()))


@router.post(
    "/v1/customers/{customer_id}/loyalty/coupons",
    status_code=201,
    responses=problems(UnknownCustomer, UnknownPool, PoolEmpty, CouponOver),
)
async def issue_coupon(body: IssueIn, access: CustomerWriter, once: Once, clock: Now, language: Language) -> CodeOut:
    """Give the customer a code that is his alone."""
    now = clock.now()
    async with once.transaction() as tx:
        wish = Wish(await lock_customer(tx, access.id), body.coupon, f"http {uuid7()}", now)
        issued = await usecases.issue_one(tx, wish, body.pool_id, at=now)
        row = await usecases.code(tx, issued.code_id)
        return await once.answer(tx, CodeOut.of(row, issued.coupon, language, now), status=201)


@router.get("/v1/customers/{customer_id}/loyalty/coupons", responses=problems(UnknownCustomer))
async def list_coupons(
    access: CustomerReader, db: Db, clock: Now, page: PageQuery, language: Language
) -> Page[CodeOut]:
    """The customer's own codes, newest first, whatever their state."""
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        coupons = await usecases.every_version(tx)
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.codes_of_customer(tx, access.id, after=after[0] if after else None, limit=page.limit + 1)
    now = clock.now()
    return page.page(
        rows,
        key=lambda row: (row.id,),
        of=lambda row: CodeOut.of(row, coupons[row.coupon, row.version], language, now),
    )
