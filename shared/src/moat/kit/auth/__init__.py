"""Callers: who they are, how that is proven, what they may do."""

from moat.kit.auth.caller import Caller, CallerKind
from moat.kit.auth.doors import Allow, allow, caller_of
from moat.kit.auth.keyset import KeySet, KeysUnknown, jwks_of, keys_of
from moat.kit.auth.tokens import TokenRefused, kid_of, mint, verify
from moat.kit.auth.verifier import Authenticate, Verifier, bearer_of, unauthenticated

__all__ = (
    "Allow",
    "Authenticate",
    "Caller",
    "CallerKind",
    "KeySet",
    "KeysUnknown",
    "TokenRefused",
    "Verifier",
    "allow",
    "bearer_of",
    "caller_of",
    "jwks_of",
    "keys_of",
    "kid_of",
    "mint",
    "unauthenticated",
    "verify",
)
