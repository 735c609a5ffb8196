"""HTTP door: staff and API keys, for who has the scope `identity`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from gateway.identity import key_format, queries, usecases
from gateway.identity.context import IdentityOf
from gateway.identity.problems import (
    BeyondOwnRights,
    EmailTaken,
    LastAdmin,
    TwoActiveKeys,
    UnknownApiKey,
    UnknownStaff,
)
from gateway.identity.schemas import ApiKeyIn, ApiKeyOut, NewApiKeyOut, StaffIn, StaffOut, StaffPatch
from moat.kit.auth import Caller, allow
from moat.kit.problems import PreconditionFailed, PreconditionRequired
from moat.kit.web import Db, IfMatch, Now, Page, PageQuery, etag, problems

router = APIRouter(tags=["identity"])
Keeper = Annotated[Caller, Depends(allow("identity"))]


@router.post("/v1/staff", status_code=201, responses=problems(EmailTaken, BeyondOwnRights))
async def hire(body: StaffIn, response: Response, db: Db, clock: Now, caller: Keeper, identity: IdentityOf) -> StaffOut:
    """Add a member of staff."""
    password_hash = await identity.passwords.hash(body.password.get_secret_value())
    async with db.transaction() as tx:
        row = await usecases.hire(
            tx,
            caller,
            email=body.email,
            name=body.name,
            roles=body.roles,
            password_hash=password_hash,
            at=clock.now(),
        )
    etag(response, row.version)
    return StaffOut.of(row)


@router.get("/v1/staff")
async def list_staff(page: PageQuery, db: Db, _: Keeper) -> Page[StaffOut]:
    """All staff, in the order they came."""
    async with db.transaction() as tx:
        rows = await queries.staff_page(tx, page.after[0] if page.after else None, page.limit)
    return page.page(rows, key=lambda row: (row.id,), of=StaffOut.of)


@router.get("/v1/staff/{staff_id}", responses=problems(UnknownStaff))
async def one_of_staff(staff_id: UUID, response: Response, db: Db, _: Keeper) -> StaffOut:
    """One member of staff, with the ETag that an edit needs."""
    async with db.transaction() as tx:
        row = await queries.staff_by_id(tx, staff_id)
    if row is None:
        raise UnknownStaff
    etag(response, row.version)
    return StaffOut.of(row)


@router.patch(
    "/v1/staff/{staff_id}",
    responses=problems(UnknownStaff, LastAdmin, BeyondOwnRights, PreconditionFailed, PreconditionRequired),
)
async def change_staff(
    staff_id: UUID,
    body: StaffPatch,
    version: IfMatch,
    response: Response,
    db: Db,
    clock: Now,
    caller: Keeper,
    identity: IdentityOf,
) -> StaffOut:
    """Change name, roles, password or whether he may sign in; the last three end his tokens."""
    password = body.password.get_secret_value() if body.password else None
    change = usecases.StaffChange(
        name=body.name,
        roles=body.roles,
        is_active=body.is_active,
        password_hash=await identity.passwords.hash(password) if password else None,
    )
    async with db.transaction() as tx:
        row = await usecases.change_staff(tx, caller, staff_id, change, version=version, at=clock.now())
    identity.sessions.forget()
    etag(response, row.version)
    return StaffOut.of(row)


@router.post("/v1/api-keys", status_code=201, responses=problems(TwoActiveKeys, BeyondOwnRights))
async def issue_key(
    body: ApiKeyIn, response: Response, db: Db, clock: Now, caller: Keeper, identity: IdentityOf
) -> NewApiKeyOut:
    """Make an API key. This answer is the only place where the key itself is ever shown."""
    parts = key_format.make()
    async with db.transaction() as tx:
        row = await usecases.issue_key(
            tx,
            caller,
            parts,
            name=body.name,
            scopes=body.scopes,
            expires_at=body.expires_at,
            pepper=identity.pepper,
            at=clock.now(),
        )
    response.headers["Cache-Control"] = "no-store"
    return NewApiKeyOut(**ApiKeyOut.of(row).model_dump(), key=key_format.written(parts))


@router.get("/v1/api-keys")
async def list_keys(page: PageQuery, db: Db, _: Keeper) -> Page[ApiKeyOut]:
    """All API keys, the revoked ones too, without their secrets."""
    async with db.transaction() as tx:
        rows = await queries.key_page(tx, page.after, page.limit)
    return page.page(rows, key=lambda row: (row.created_at, row.id), of=ApiKeyOut.of)


@router.delete("/v1/api-keys/{key_id}", status_code=204, responses=problems(UnknownApiKey))
async def revoke_key(key_id: str, db: Db, clock: Now, caller: Keeper, identity: IdentityOf) -> None:
    """Revoke an API key: at once in this replica, within 3 seconds in the others. A second time changes nothing."""
    async with db.transaction() as tx:
        await usecases.revoke_key(tx, caller, key_id, at=clock.now())
    identity.sessions.forget()
