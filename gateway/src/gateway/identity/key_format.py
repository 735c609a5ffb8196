"""THE HEART of API keys: their form, and the digest that is kept instead of the secret.

`mk_<id>_<secret>`: the id finds the row and is not secret; of the secret only HMAC-SHA256 under the pepper is stored.
The secret has 256 random bits, so a slow password hash would protect nothing more.
"""

import hashlib
import hmac
import re
import secrets
from typing import Final, NamedTuple

PREFIX: Final = "mk_"
_FORM: Final = re.compile(r"mk_([A-Za-z0-9]{4,40})_([A-Za-z0-9_-]{16,200})\Z")
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"


class KeyParts(NamedTuple):
    """An API key taken apart."""

    id: str
    secret: str


def parse(key: str) -> KeyParts | None:
    """The parts of a well-formed key, else None."""
    found = _FORM.match(key)
    return KeyParts(found[1], found[2]) if found else None


def make() -> KeyParts:
    """A new key."""
    return KeyParts("".join(secrets.choice(_ALPHABET) for _ in range(12)), secrets.token_urlsafe(32))


def written(parts: KeyParts) -> str:
    """The key as it is shown, once."""
    return f"{PREFIX}{parts.id}_{parts.secret}"


def digest(secret: str, pepper: str) -> bytes:
    """What is stored: 32 bytes of HMAC-SHA256."""
    return hmac.digest(pepper.encode(), secret.encode(), hashlib.sha256)


def matches(secret: str, pepper: str, stored: bytes | None) -> bool:
    """Whether `secret` is the one whose digest is stored; takes the same time when there is none (None)."""
    return hmac.compare_digest(digest(secret, pepper), stored if stored is not None else bytes(32))
