"""HTTP door of profiles."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from customer_svc.identity.normalising import ONE_SPACE
from customer_svc.profiles import usecases
from customer_svc.profiles.schemas import CustomerEdit, CustomerOut, OwnCustomerOut
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.auth import allow
from moat.kit.problems import FieldError, Invalid, PreconditionFailed, PreconditionRequired
from moat.kit.web import Db, IfMatch, Now, Page, PageQuery, etag, problems

router: Final = APIRouter(tags=["customers"])
Text = Annotated[str | None, Query(max_length=500)]


@router.get("/v1/customers", dependencies=[Depends(allow("customers:read"))])
async def find_customers(
    db: Db, page: PageQuery, system: Text = None, kind: Text = None, value: Text = None, q: Text = None
) -> Page[CustomerOut]:
    """Customers: the one behind an outside identifier, those that match `q`, or all, the newest first."""
    by_identifier = any(text is not None for text in (system, kind, value))
    if by_identifier:
        _must_name_one(system, kind, value, q)
    after = page.after_as(UUID)
    async with db.transaction() as tx:
        if by_identifier:
            found = await usecases.find_by_identifier(tx, system or "", kind or "", value or "")
        elif q is not None:
            found = await usecases.search(tx, q, after=after[0] if after else None, limit=page.limit + 1)
        else:
            found = await usecases.browse(tx, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(found, key=lambda one: (one[0].customer_id,), of=lambda one: CustomerOut.of(*one))


@router.get("/v1/customers/{customer_id}", responses=problems(UnknownCustomer))
async def read_customer(
    access: Annotated[CustomerAccess, Depends(customer_access("customers:read", customers=True))],
    db: Db,
    response: Response,
) -> CustomerOut | OwnCustomerOut:
    """One customer; of one merged away the survivor. Customers see themselves without what is internal."""
    async with db.transaction(customer=access.own) as tx:
        file, identifiers = await usecases.read(tx, access.id)
    etag(response, file.version)
    return OwnCustomerOut.of(file, identifiers) if access.own else CustomerOut.of(file, identifiers)


@router.patch(
    "/v1/customers/{customer_id}", responses=problems(UnknownCustomer, PreconditionFailed, PreconditionRequired)
)
async def edit_customer(
    access: Annotated[CustomerAccess, Depends(customer_access("customers:write"))],
    body: CustomerEdit,
    version: IfMatch,
    db: Db,
    clock: Now,
    response: Response,
) -> CustomerOut:
    """Change fields of a customer's file; absent fields stay, null ones are cleared."""
    async with db.transaction() as tx:
        file, identifiers = await usecases.edit(tx, access.id, body.changes(), version=version, at=clock.now())
    etag(response, file.version)
    return CustomerOut.of(file, identifiers)


def _must_name_one(system: str | None, kind: str | None, value: str | None, q: str | None) -> None:
    wanted = {"kind": kind, "value": value}
    if kind is not None and kind.strip() not in ONE_SPACE:
        wanted["system"] = system
    missing = [FieldError(f"#/query/{name}", "is needed to name an identifier") for name, v in wanted.items() if not v]
    if q is not None:
        missing.append(FieldError("#/query/q", "does not go with an identifier"))
    if missing:
        raise Invalid(errors=missing)
