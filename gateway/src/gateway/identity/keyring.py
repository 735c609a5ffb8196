"""The keys that sign tokens: Ed25519 PEM files in one directory, named by their key id, read again when it changes.

All of them verify, the one whose name sorts last signs. To rotate, add a file; when the tokens signed by the old key
have expired (a day at most), remove the old one. A broken file is reported and the keys that were known stay in use.
"""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from moat.kit.auth import Caller, KeySet, jwks_of, mint

LOOK_AGAIN_SECONDS: Final = 2.0
log = structlog.get_logger("gateway.keyring")


class NoSigningKey(Exception):
    """The directory holds no usable Ed25519 key."""


class Keyring(KeySet):
    """The signing keys of this process, and the set that verifies. Raises NoSigningKey when there are none."""

    def __init__(self, directory: Path, issuer: str) -> None:
        self._directory = directory
        self._issuer = issuer
        self._seen = self._look()
        self._signing = _read(directory)
        super().__init__(None, {kid: key.public_key() for kid, key in self._signing.items()})

    @property
    def signing_kid(self) -> str:
        """The id of the key that signs now."""
        return max(self._signing)

    def jwks(self) -> dict[str, object]:
        """The JWK Set to publish."""
        return jwks_of({kid: key.public_key() for kid, key in sorted(self._signing.items())})

    def token(
        self, caller: Caller, *, now: datetime, lifetime: timedelta, audience: str, version: int | None = None
    ) -> str:
        """A signed token; `version` is the staff member's, so that a change of his roles ends it."""
        kid = self.signing_kid
        extra = {} if version is None else {"ver": version}
        return mint(
            self._signing[kid],
            kid,
            caller,
            now=now,
            lifetime=lifetime,
            issuer=self._issuer,
            audience=audience,
            extra=extra,
        )

    def refresh(self) -> bool:
        """Read the directory again if it has changed; whether the keys are new."""
        seen = self._look()
        if seen == self._seen:
            return False
        try:
            self._signing = _read(self._directory)
        except (NoSigningKey, OSError, ValueError) as error:
            log.error("keyring.unreadable", error=str(error))
            return False
        self._seen = seen
        self.replace(self.jwks())
        log.info("keyring.changed", kids=sorted(self._signing), signing=self.signing_kid)
        return True

    async def run(self) -> None:
        """Look at the directory every two seconds until cancelled."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            self.refresh()

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        try:
            stats = [(path.name, path.stat()) for path in sorted(self._directory.glob("*.pem"))]
        except OSError:
            return ()
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def _read(directory: Path) -> dict[str, Ed25519PrivateKey]:
    keys: dict[str, Ed25519PrivateKey] = {}
    for path in sorted(directory.glob("*.pem")):
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise NoSigningKey(f"{path.name} is not an Ed25519 private key")
        keys[path.stem] = key
    if not keys:
        raise NoSigningKey(f"no <kid>.pem in {directory}")
    return keys
