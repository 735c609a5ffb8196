"""What the doors of identity need beside the kit's, found in the app's state: made once in `main`."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request

from gateway.identity.keyring import Keyring
from gateway.identity.passwords import Passwords
from gateway.identity.sessions import Session, Sessions
from gateway.limits.problems import TooManyRequests
from gateway.limits.window import Window
from moat.kit.auth import Caller

SESSION: Final = "gateway.session"
"""Where the caller's session stands in the ASGI scope once it is known."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Keys, sessions, passwords and the limits of signing in."""

    keyring: Keyring
    sessions: Sessions
    passwords: Passwords
    pepper: str
    by_email: Window
    by_address: Window

    async def authenticate(self, request: Request) -> Caller:
        """How the gateway's own routes find their caller (an `Authenticate` of the kit)."""
        return (await self.session_of(request)).caller

    async def session_of(self, request: Request) -> Session:
        """The caller's session. Raises Unauthenticated."""
        session: Session | None = request.scope.get(SESSION)
        if session is None:
            values = [value for name, value in request.scope["headers"] if name == b"authorization"]
            session = await self.sessions.session_of(values[0] if len(values) == 1 else b"")
            request.scope[SESSION] = session
        return session

    def count_sign_in(self, email: str, address: str) -> None:
        """Count an attempt. Raises TooManyRequests, for a known e-mail as for an unknown one."""
        at = asyncio.get_running_loop().time()
        wait = self.by_address.wait_seconds(address, at) or self.by_email.wait_seconds(email, at)
        if wait:
            raise TooManyRequests(retry_after_seconds=wait)


async def identity_of(request: Request) -> Identity:
    """The identity of this process."""
    identity: Identity = request.app.state.identity
    return identity


async def session_of(request: Request) -> Session:
    """The caller's session, for doors that speak to services for him."""
    return await (await identity_of(request)).session_of(request)


IdentityOf = Annotated[Identity, Depends(identity_of)]
SessionOf = Annotated[Session, Depends(session_of)]
