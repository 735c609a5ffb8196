"""HTTP door: signing in, tokens, who am I, and the keys that verify."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from starlette.requests import Request

from gateway.identity import queries
from gateway.identity.context import IdentityOf, SessionOf
from gateway.identity.problems import WrongCredentials
from gateway.identity.roles import scopes_of
from gateway.identity.schemas import CustomerTokenIn, MeOut, SignIn, TokenOut
from gateway.limits.problems import TooManyRequests
from moat.kit.auth import Caller, allow
from moat.kit.auth.tokens import AUDIENCE
from moat.kit.problems import Unauthenticated
from moat.kit.web import Db, Now, problems

STAFF_LIFETIME: Final = timedelta(hours=1)
CUSTOMER_LIFETIME: Final = timedelta(minutes=15)

router = APIRouter(tags=["identity"])


@router.post("/v1/auth/tokens", responses=problems(WrongCredentials, TooManyRequests))
async def sign_in(
    body: SignIn, request: Request, response: Response, db: Db, clock: Now, identity: IdentityOf
) -> TokenOut:
    """Sign in with e-mail and password. The answer to an unknown e-mail is the same, in words and in time."""
    email = body.email.strip().lower()
    identity.count_sign_in(email, request.client.host if request.client else "unknown")
    async with db.transaction() as tx:
        person = await queries.staff_by_email(tx, email)
    fits = await identity.passwords.is_right(
        body.password.get_secret_value(), person.password_hash if person is not None else None
    )
    if person is None or not fits or not person.is_active:
        raise WrongCredentials
    caller = Caller(kind="staff", id=str(person.id), scopes=scopes_of(person.roles), roles=frozenset(person.roles))
    token = identity.keyring.token(
        caller, now=clock.now(), lifetime=STAFF_LIFETIME, audience=AUDIENCE, version=person.token_version
    )
    response.headers["Cache-Control"] = "no-store"
    return TokenOut(access_token=token, expires_in_seconds=int(STAFF_LIFETIME.total_seconds()))


@router.post("/v1/auth/customer-tokens")
async def customer_token(
    body: CustomerTokenIn,
    response: Response,
    clock: Now,
    identity: IdentityOf,
    _: Annotated[Caller, Depends(allow("customers:token"))],
) -> TokenOut:
    """Exchange an API key for a token that is good for one customer, 15 minutes."""
    customer = Caller(kind="customer", id=str(body.customer_id), scopes=frozenset(), customer_id=body.customer_id)
    token = identity.keyring.token(customer, now=clock.now(), lifetime=CUSTOMER_LIFETIME, audience=AUDIENCE)
    response.headers["Cache-Control"] = "no-store"
    return TokenOut(access_token=token, expires_in_seconds=int(CUSTOMER_LIFETIME.total_seconds()))


@router.get("/v1/me", responses=problems(Unauthenticated))
async def who_am_i(caller: Annotated[Caller, Depends(allow(customers=True))], session: SessionOf, db: Db) -> MeOut:
    """Who is calling, with which scopes, and until when."""
    name = email = None
    async with db.transaction() as tx:
        if caller.kind == "staff":
            person = await queries.staff_by_id(tx, UUID(caller.id))
            name, email = (person.name, person.email) if person else (None, None)
        elif caller.kind == "key":
            key = await queries.key_by_id(tx, caller.id)
            name = key.name if key else None
    return MeOut(
        kind=caller.kind,
        id=caller.id,
        name=name,
        email=email,
        roles=sorted(caller.roles),
        scopes=sorted(caller.scopes),
        customer_id=caller.customer_id,
        expires_at=None if session.expires_at == float("inf") else datetime.fromtimestamp(session.expires_at, UTC),
    )


@router.get("/.well-known/jwks.json")
async def key_set(identity: IdentityOf, response: Response) -> dict[str, Any]:
    """The public keys that Moat's tokens are verified with (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return identity.keyring.jwks()
