"""From an Authorization header to who is calling, remembered so that most requests cost one look-up.

Staff and customer tokens are verified and passed on as they are. An API key is exchanged for the gateway's own token
(60 s, audience the service), so services never see a key. What the database said of a key or a member of staff is
believed for 3 seconds; a change made in this replica counts at once.
"""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

import jwt

from gateway.identity import key_format, queries
from gateway.identity.keyring import Keyring
from moat.kit.auth import Caller, TokenRefused, kid_of, unauthenticated, verify
from moat.kit.clock import Clock
from moat.kit.db.database import Database

BELIEVED_SECONDS: Final = 3.0
REMEMBERED_MAX: Final = 10_000
EXCHANGED_LIFETIME: Final = timedelta(seconds=60)
EXCHANGED_LEFT_SECONDS_MIN: Final = 20.0
"""A token with less left is made anew, so that it outlives every deadline."""


@dataclass(slots=True)
class Session:
    """A caller and how to speak for him to a service."""

    caller: Caller
    principal: str
    expires_at: float
    """Unix seconds; infinite for a key without expiry."""
    believed_until: float
    version: int
    sessions: "Sessions"
    token: str | None
    """What the caller sent, to be passed on; None for an API key."""
    _exchanged: dict[str, tuple[str, float]] = field(default_factory=dict)

    def authorization(self, audience: str) -> str:
        """The Authorization header for the service `audience`."""
        if self.token is not None:
            return self.token
        now = self.sessions.clock.now()
        header, until = self._exchanged.get(audience, ("", 0.0))
        if now.timestamp() >= until:
            minted = self.sessions.keyring.token(self.caller, now=now, lifetime=EXCHANGED_LIFETIME, audience=audience)
            header = f"Bearer {minted}"
            until = now.timestamp() + EXCHANGED_LIFETIME.total_seconds() - EXCHANGED_LEFT_SECONDS_MIN
            self._exchanged[audience] = (header, until)
        return header


class Sessions:
    """Who is behind which credentials. At most 10,000 are remembered, by digest, never as they are."""

    def __init__(self, db: Database, clock: Clock, keyring: Keyring, *, pepper: str, issuer: str) -> None:
        self.clock = clock
        self.keyring = keyring
        self._db = db
        self._pepper = pepper
        self._issuer = issuer
        self._remembered: dict[bytes, Session] = {}
        self._under_way: dict[bytes, asyncio.Task[Session]] = {}

    def remembered(self, authorization: bytes) -> Session | None:
        """The session of this header value if it is known and still believed."""
        session = self._remembered.get(hashlib.sha256(authorization).digest())
        if session is None or session.believed_until <= self.clock.now().timestamp():
            return None
        return session if session.version == self.keyring.version else None

    async def session_of(self, authorization: bytes) -> Session:
        """The session of this header value. Raises Unauthenticated, the same whatever is wrong.

        What the database raises passes through: without it nobody can be told apart.
        """
        known = self.remembered(authorization)
        if known is not None:
            return known
        digest = hashlib.sha256(authorization).digest()
        task = self._under_way.get(digest)
        if task is None:
            # Many requests of one caller ask once, and one that is cancelled does not take the answer from the others.
            task = asyncio.create_task(self._find(digest, authorization), name="session")
            self._under_way[digest] = task
            task.add_done_callback(lambda done: self._settled(digest, done))
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Believe nothing any more: something about keys or staff has changed here."""
        self._remembered.clear()

    def _settled(self, digest: bytes, task: asyncio.Task[Session]) -> None:
        del self._under_way[digest]
        if not task.cancelled():
            task.exception()

    async def _find(self, digest: bytes, authorization: bytes) -> Session:
        if authorization[:7].lower() != b"bearer " or not authorization.isascii():
            raise unauthenticated()
        credentials = authorization[7:].strip().decode("ascii")
        begun = self._remembered
        if credentials.startswith(key_format.PREFIX):
            session = await self._of_key(credentials)
        else:
            session = await self._of_token(credentials)
        earlier = self._remembered.get(digest)
        if earlier is not None and earlier.caller == session.caller:
            session._exchanged.update(earlier._exchanged)
        if begun is self._remembered:
            if len(self._remembered) >= REMEMBERED_MAX:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[digest] = session
        return session

    async def _of_key(self, key: str) -> Session:
        parts = key_format.parse(key)
        if parts is None:
            raise unauthenticated()
        async with self._db.transaction() as tx:
            row = await queries.key_by_id(tx, parts.id)
        now = self.clock.now()
        is_right = key_format.matches(parts.secret, self._pepper, row.secret_digest if row else None)
        if row is None or not is_right or row.revoked_at or (row.expires_at and row.expires_at <= now):
            raise unauthenticated()
        caller = Caller(kind="key", id=row.id, scopes=frozenset(row.scopes))
        return self._session(caller, row.expires_at.timestamp() if row.expires_at else float("inf"), None)

    async def _of_token(self, token: str) -> Session:
        now = self.clock.now()
        try:
            public_key = self.keyring.known(kid_of(token))
            if public_key is None:
                raise TokenRefused("unknown key")
            # Tokens made for one service are between the gateway and that service; from outside only `moat` counts.
            caller, expires_at = verify(token, public_key, now=now, audiences=["moat"], issuer=self._issuer)
        except TokenRefused:
            raise unauthenticated() from None
        if caller.kind == "staff":
            await self._check_staff(caller, token)
        elif caller.kind == "key":
            raise unauthenticated()
        return self._session(caller, expires_at, f"Bearer {token}")

    async def _check_staff(self, caller: Caller, token: str) -> None:
        version = jwt.decode(token, options={"verify_signature": False}).get("ver")
        async with self._db.transaction() as tx:
            row = await queries.staff_by_id(tx, UUID(caller.id))
        if row is None or not row.is_active or row.token_version != version:
            raise unauthenticated()

    def _session(self, caller: Caller, expires_at: float, token: str | None) -> Session:
        believed_until = min(expires_at, self.clock.now().timestamp() + BELIEVED_SECONDS)
        if caller.kind == "customer":
            believed_until = expires_at
        version = self.keyring.version
        return Session(caller, caller.principal, expires_at, believed_until, version, self, token)
