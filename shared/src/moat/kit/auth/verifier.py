"""From an Authorization header to a caller, the same answer for every reason of refusal."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog
from starlette.requests import Request

from moat.kit.auth.caller import Caller
from moat.kit.auth.keyset import KeySet, KeysUnknown
from moat.kit.auth.tokens import AUDIENCE, ISSUER, TokenRefused, kid_of, verify
from moat.kit.clock import Clock
from moat.kit.problems import Unauthenticated, Unavailable

REMEMBERED_MAX: Final = 4_096

Authenticate = Callable[[Request], Awaitable[Caller]]
"""How an app finds its caller. Raises Unauthenticated, the same whatever is wrong; Unavailable when it cannot know."""

log = structlog.get_logger("moat.auth")


def unauthenticated() -> Unauthenticated:
    """The one answer to whoever cannot be verified; it does not tell why."""
    return Unauthenticated(
        "Send a valid token as Authorization: Bearer <token>", headers={"WWW-Authenticate": 'Bearer realm="moat"'}
    )


def bearer_of(request: Request) -> str:
    """The bearer credentials of a request. Raises Unauthenticated unless there is exactly one."""
    found = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if len(found) != 1 or found[0][:7].lower() != b"bearer ":
        raise unauthenticated()
    credentials: bytes = found[0][7:].strip()
    if not credentials.isascii():
        raise unauthenticated()
    return credentials.decode("ascii")


class Verifier:
    """Verifies Moat's tokens and remembers, within a bound, those it has verified until they expire."""

    def __init__(self, keys: KeySet, clock: Clock, *, audiences: Iterable[str], issuer: str = ISSUER) -> None:
        self._keys = keys
        self._clock = clock
        self._audiences = frozenset({AUDIENCE, *audiences})
        self._issuer = issuer
        self._remembered: dict[str, tuple[Caller, float]] = {}
        self._version = keys.version

    async def __call__(self, request: Request) -> Caller:
        """The caller of a request (an `Authenticate`)."""
        return await self.caller_of(bearer_of(request))

    async def caller_of(self, token: str) -> Caller:
        """The caller a token stands for. Raises Unauthenticated, or Unavailable while no key is known at all."""
        now = self._clock.now()
        if self._version != self._keys.version:
            self._remembered.clear()
            self._version = self._keys.version
        remembered = self._remembered.get(token)
        if remembered is not None and now.timestamp() < remembered[1]:
            return remembered[0]
        try:
            public_key = await self._keys.key(kid_of(token))
            if public_key is None:
                raise TokenRefused("unknown key")
            caller, expires_at = verify(token, public_key, now=now, audiences=self._audiences, issuer=self._issuer)
        except TokenRefused as refusal:
            log.info("auth.refused", reason=str(refusal))
            raise unauthenticated() from None
        except KeysUnknown:
            raise Unavailable("Tokens cannot be verified yet", retry_after_seconds=1) from None
        if len(self._remembered) >= REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered[token] = (caller, expires_at)
        return caller
