"""Moat's own tokens: JWTs signed with EdDSA (Ed25519) and nothing else.

Algorithm, issuer, audience and `typ` are fixed by the reader, never taken from the token. Instants are judged by
the process's clock, so a frozen clock freezes tokens too.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, cast, get_args
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from moat.kit.auth.caller import Caller, CallerKind

TYP: Final = "moat+jwt"
ALGORITHM: Final = "EdDSA"
ISSUER: Final = "moat"
AUDIENCE: Final = "moat"
LEEWAY: Final = timedelta(seconds=30)
LIFETIME_MAX: Final = timedelta(hours=24)
TOKEN_BYTES_MAX: Final = 8_192


class TokenRefused(Exception):
    """The token proves nothing; why is for the log, never for the caller."""


def mint(
    private_key: Ed25519PrivateKey,
    kid: str,
    caller: Caller,
    *,
    now: datetime,
    lifetime: timedelta,
    issuer: str = ISSUER,
    audience: str = AUDIENCE,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """A signed token for `caller`, good from `now` for `lifetime` (at most a day)."""
    if not timedelta(0) < lifetime <= LIFETIME_MAX:
        raise ValueError(f"a token lives between zero and {LIFETIME_MAX}, not {lifetime}")
    claims: dict[str, Any] = {
        **(extra or {}),
        "iss": issuer,
        "aud": audience,
        "sub": caller.id,
        "kind": caller.kind,
        "scope": " ".join(sorted(caller.scopes)),
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
    }
    if caller.roles:
        claims["roles"] = sorted(caller.roles)
    if caller.customer_id is not None:
        claims["customer_id"] = str(caller.customer_id)
    return jwt.encode(claims, private_key, algorithm=ALGORITHM, headers={"typ": TYP, "kid": kid})


def kid_of(token: str) -> str:
    """The key id a token names, after its header was found to be ours. Raises TokenRefused."""
    if len(token) > TOKEN_BYTES_MAX:
        raise TokenRefused("too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, UnicodeError, RecursionError) as error:
        raise TokenRefused("unreadable header") from error
    if header.get("alg") != ALGORITHM or header.get("typ") != TYP or "crit" in header:
        raise TokenRefused("not one of our tokens")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenRefused("names no key")
    return kid


def verify(
    token: str,
    public_key: Ed25519PublicKey,
    *,
    now: datetime,
    audiences: Iterable[str],
    issuer: str = ISSUER,
    leeway: timedelta = LEEWAY,
) -> tuple[Caller, float]:
    """The caller a token stands for, and its expiry in Unix seconds. Raises TokenRefused."""
    try:
        claims = jwt.decode(
            token,
            public_key,
            algorithms=[ALGORITHM],
            audience=list(audiences),
            issuer=issuer,
            options={
                "require": ["iss", "aud", "sub", "iat", "exp"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, ValueError, UnicodeError, RecursionError) as error:
        raise TokenRefused(type(error).__name__) from error
    expires_at = _check_times(claims, now, leeway)
    return _caller(claims), expires_at


def _check_times(claims: Mapping[str, Any], now: datetime, leeway: timedelta) -> float:
    issued_at, expires_at = claims["iat"], claims["exp"]
    for instant in (issued_at, expires_at):
        if isinstance(instant, bool) or not isinstance(instant, (int, float)):
            raise TokenRefused("times are not numbers")
    seconds, slack = now.timestamp(), leeway.total_seconds()
    if expires_at + slack <= seconds:
        raise TokenRefused("expired")
    if issued_at - slack > seconds:
        raise TokenRefused("from the future")
    if expires_at - issued_at > LIFETIME_MAX.total_seconds():
        raise TokenRefused("lives too long")
    return float(expires_at)


def _caller(claims: Mapping[str, Any]) -> Caller:
    kind, subject, scope, roles = claims.get("kind"), claims["sub"], claims.get("scope", ""), claims.get("roles", [])
    if kind not in get_args(CallerKind) or not isinstance(scope, str) or not isinstance(roles, list):
        raise TokenRefused("claims of a wrong shape")
    if not all(isinstance(role, str) for role in roles):
        raise TokenRefused("claims of a wrong shape")
    customer_id: UUID | None = None
    if kind == "customer":
        try:
            customer_id = UUID(claims["customer_id"])
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise TokenRefused("a customer token without its customer") from error
    return Caller(
        kind=cast(CallerKind, kind),
        id=subject,
        scopes=frozenset(scope.split()),
        roles=frozenset(roles),
        customer_id=customer_id,
    )
