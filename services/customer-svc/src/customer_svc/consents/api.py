"""HTTP door of consents and contacts."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path

from customer_svc.consents import queries, usecases
from customer_svc.consents.schemas import ConsentIn, ConsentOut, ConsentsOut, ContactOut, ContactsOut, LookupIn
from moat.contracts.customers import CustomerConsentChanged
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.auth import allow
from moat.kit.web import Db, Now, problems

router: Final = APIRouter(tags=["customers"])
Code = Annotated[str, Path(pattern="^[a-z][a-z0-9_]{0,49}$")]


@router.put("/v1/customers/{customer_id}/consents/{purpose}/{channel}", responses=problems(UnknownCustomer))
async def put_consent(
    access: Annotated[CustomerAccess, Depends(customer_access("customers:write"))],
    purpose: Code,
    channel: Code,
    body: ConsentIn,
    db: Db,
    clock: Now,
) -> ConsentOut:
    """Record what a customer says to one purpose over one channel."""
    at = clock.now()
    said = CustomerConsentChanged(purpose=purpose, channel=channel, status=body.status)
    async with db.transaction() as tx:
        await usecases.say(tx, access.id, said, body.evidence, at)
    return ConsentOut(purpose=purpose, channel=channel, status=body.status, evidence=body.evidence, at=at)


@router.get("/v1/customers/{customer_id}/consents", responses=problems(UnknownCustomer))
async def read_consents(
    access: Annotated[CustomerAccess, Depends(customer_access("customers:read"))], db: Db
) -> ConsentsOut:
    """What a customer has said, by purpose and channel."""
    async with db.transaction() as tx:
        rows = await queries.of(tx, [access.id])
    return ConsentsOut(items=[ConsentOut.of(row) for row in rows])


@router.post("/v1/contacts/lookup", dependencies=[Depends(allow("contacts:read"))])
async def look_up_contacts(body: LookupIn, db: Db) -> ContactsOut:
    """Address, locale, zone and consent of each at this moment; unknown ids are left out."""
    async with db.transaction() as tx:
        found = await usecases.contacts(tx, body.ids)
    return ContactsOut(items=[ContactOut.of(contact) for contact in found])
