"""Callers for tests: headers with tokens signed by a key that `client_for` trusts.

A token is good for a day from `at`, which is where the `clock` fixture stands; a test that moves its clock further
asks for a new one with `at=clock.now()`.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moat.kit.auth.caller import Caller
from moat.kit.auth.keyset import KeySet, jwks_of
from moat.kit.auth.tokens import LIFETIME_MAX, mint
from moat.kit.testing.events import TODAY

KEY_ID: Final = "test-key"


@cache
def signing_key() -> Ed25519PrivateKey:
    """The key that signs in this session."""
    return Ed25519PrivateKey.generate()


def trusted_keys() -> KeySet:
    """A key set that trusts `signing_key` and needs no gateway."""
    return KeySet.fixed(jwks_of({KEY_ID: signing_key().public_key()}))


def bearer(caller: Caller, *, at: datetime = TODAY, lifetime: timedelta = LIFETIME_MAX) -> dict[str, str]:
    """The header that carries a token for `caller`."""
    return {"Authorization": f"Bearer {mint(signing_key(), KEY_ID, caller, now=at, lifetime=lifetime)}"}


def staff(*scopes: str, id: str = "staff-1", roles: tuple[str, ...] = (), at: datetime = TODAY) -> dict[str, str]:
    """A member of staff with these scopes."""
    return bearer(Caller("staff", id, frozenset(scopes), frozenset(roles)), at=at)


def key(*scopes: str, id: str = "key-1", at: datetime = TODAY) -> dict[str, str]:
    """A partner system's key with these scopes."""
    return bearer(Caller("key", id, frozenset(scopes)), at=at)


def customer(id: UUID, *, at: datetime = TODAY) -> dict[str, str]:
    """A customer; good for this one only."""
    return bearer(Caller("customer", str(id), frozenset(), customer_id=id), at=at)
