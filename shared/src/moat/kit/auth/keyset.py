"""The public keys that tokens are verified with: fetched from the gateway, cached, refreshed in the background.

A request never waits long for a key: what is known is used at once; an unknown `kid` asks for one refresh, shared by
all who wait and bounded, and not again for a while (forged ids must not drive traffic). While the gateway is away
the keys that were known stay good.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, Self

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

REFRESH_SECONDS: Final = 300.0
RETRY_SECONDS: Final = 15.0
FIRST_RETRY_SECONDS: Final = 0.5
"""Between two tries while nothing can be verified yet."""
FETCH_SECONDS_MAX: Final = 2.0
REFRESH_PAUSE_SECONDS: Final = 5.0
"""The least time between two refreshes that unknown ids ask for."""
KEYS_MAX: Final = 32
PATH: Final = "/.well-known/jwks.json"

log = structlog.get_logger("moat.auth")


class KeysUnknown(Exception):
    """No key set was ever fetched: nothing can be verified yet."""


class KeySet:
    """Key id → Ed25519 public key."""

    def __init__(self, url: str | None, keys: Mapping[str, Ed25519PublicKey] | None = None) -> None:
        self._url = url
        self._keys: Mapping[str, Ed25519PublicKey] | None = keys
        self._refresh: asyncio.Task[None] | None = None
        self._asked_at = float("-inf")
        self.version = 0
        """Grows whenever the keys change; what was verified under an older version is verified again."""

    @classmethod
    def of_gateway(cls, gateway_url: str) -> Self:
        """The set that the gateway at this address publishes; nothing is fetched until `run` or the first token."""
        return cls(gateway_url.rstrip("/") + PATH)

    @classmethod
    def fixed(cls, jwks: Mapping[str, Any]) -> Self:
        """A set that never changes; for tests and for whoever holds the keys himself. Raises ValueError."""
        return cls(None, keys_of(jwks))

    def known(self, kid: str) -> Ed25519PublicKey | None:
        """The key of this id if it is known now."""
        return self._keys.get(kid) if self._keys is not None else None

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The key of this id, after one bounded refresh if it is not known. Raises KeysUnknown."""
        found = self.known(kid)
        if found is not None or self._url is None:
            return found
        await self._refresh_once()
        if self._keys is None:
            raise KeysUnknown
        return self.known(kid)

    def replace(self, jwks: Mapping[str, Any]) -> None:
        """Take these keys from now on. Raises ValueError and keeps the old ones when the document is wrong."""
        keys = keys_of(jwks)
        if self._keys is None or set(keys) != set(self._keys):
            self.version += 1
        self._keys = keys

    async def run(self) -> None:
        """Keep the keys fresh until cancelled."""
        if self._url is None:
            await asyncio.Event().wait()
        while True:
            if await self._fetch_logged():
                await asyncio.sleep(REFRESH_SECONDS)
            else:
                await asyncio.sleep(FIRST_RETRY_SECONDS if self._keys is None else RETRY_SECONDS)

    async def _refresh_once(self) -> None:
        loop = asyncio.get_running_loop()
        if self._refresh is None or self._refresh.done():
            pause = REFRESH_PAUSE_SECONDS if self._keys is not None else FIRST_RETRY_SECONDS
            if loop.time() - self._asked_at < pause:
                return
            self._asked_at = loop.time()
            self._refresh = loop.create_task(self._refresh_quietly(), name="key set refresh")
        # Whoever waits may be cancelled; the refresh is for all.
        await asyncio.wait({self._refresh}, timeout=FETCH_SECONDS_MAX)

    async def _refresh_quietly(self) -> None:
        await self._fetch_logged()

    async def _fetch_logged(self) -> bool:
        try:
            await self._fetch()
        except (httpx.HTTPError, OSError, ValueError, TimeoutError) as error:
            log.warning("keys.refresh_failed", error=type(error).__name__, keys_known=self._keys is not None)
            return False
        return True

    async def _fetch(self) -> None:
        assert self._url is not None
        # A client per fetch: httpx 0.28 loses pool slots for good when a request is cancelled.
        async with asyncio.timeout(FETCH_SECONDS_MAX), httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(self._url, headers={"Accept": "application/json"})
            answer.raise_for_status()
            self.replace(answer.json())


def keys_of(jwks: Mapping[str, Any]) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWK Set (RFC 7517, RFC 8037); others are left out. Raises ValueError."""
    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(entries, list) or len(entries) > KEYS_MAX:
        raise ValueError("not a JWK Set of a sane size")
    keys: dict[str, Ed25519PublicKey] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
            continue
        kid, point = entry.get("kid"), entry.get("x")
        if isinstance(kid, str) and isinstance(point, str):
            try:
                raw = base64.urlsafe_b64decode(point + "=" * (-len(point) % 4))
            except (binascii.Error, ValueError) as error:
                raise ValueError(f"key {kid!r} is not base64url") from error
            keys[kid] = Ed25519PublicKey.from_public_bytes(raw)
    if not keys:
        raise ValueError("a JWK Set without a usable key")
    return keys


def jwks_of(keys: Mapping[str, Ed25519PublicKey]) -> dict[str, Any]:
    """The JWK Set to publish for these keys."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": kid,
                "x": base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode(),
            }
            for kid, key in keys.items()
        ]
    }
