"""Tokens of every kind for a running house: signed by its own key where that is what a forger lacks."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .facts import word
from .house import House

REFUSED_TOKENS = (
    "nobody",
    "rubbish",
    "forged",
    "unknown key id",
    "expired",
    "not yet",
    "another audience",
    "another issuer",
    "another type",
    "no algorithm",
    "another algorithm",
    "a wrong secret",
)


@dataclass(frozen=True)
class Signer:
    """Who has the house's signing key in his hands, as nobody outside has."""

    house: House
    kid: str
    key: Any

    @classmethod
    def of(cls, house: House) -> "Signer":
        newest = max(Path(house.home / "keys").glob("*.pem"))
        return cls(house, newest.stem, load_pem_private_key(newest.read_bytes(), None))

    def staff(self, role: str) -> str:
        """A token of a new member of staff with this role, by signing in."""
        email, password = f"{word()}@moat.example", f"a good password {word()}"
        self.house.post("/v1/staff", {"email": email, "name": "Chen", "roles": [role], "password": password})
        return self.house.sign_in(email, password)

    def make(self, kind: str) -> str:
        """A token that must be refused, wrong in this one way."""
        makers = {
            "nobody": lambda: "",
            "rubbish": lambda: "rubbish.rubbish.rubbish",
            "forged": lambda: self._signed(key=Ed25519PrivateKey.generate()),
            "unknown key id": lambda: self._signed(kid="2099-01-01", key=Ed25519PrivateKey.generate()),
            "expired": lambda: self._signed(begin=-7200, end=-3600),
            "not yet": lambda: self._signed(begin=3600, end=7200),
            "another audience": lambda: self._signed(aud="elsewhere"),
            "another issuer": lambda: self._signed(iss="elsewhere"),
            "another type": lambda: self._signed(typ="JWT"),
            "no algorithm": self._unsigned,
            "another algorithm": lambda: jwt.encode(self._claims(), "x" * 64, "HS256", self._headers()),
            "a wrong secret": lambda: self.house.admin[:-4] + "0000",
        }
        return makers[kind]()

    def _signed(self, *, kid: str | None = None, key: Any = None, typ: str = "moat+jwt", **claims: Any) -> str:
        headers = self._headers() | {"typ": typ} | ({"kid": kid} if kid else {})
        return jwt.encode(self._claims(**claims), key or self.key, "EdDSA", headers)

    def _headers(self) -> dict[str, str]:
        return {"typ": "moat+jwt", "kid": self.kid}

    def _claims(self, begin: int = 0, end: int = 600, **more: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {
            "iss": "moat",
            "aud": "moat",
            "sub": "key-of-nobody",
            "kind": "key",
            "scope": "customers:read customers:write ops identity events:write tickets:read tickets:write",
            "iat": int((now + timedelta(seconds=begin)).timestamp()),
            "exp": int((now + timedelta(seconds=end)).timestamp()),
        } | more

    def _unsigned(self) -> str:
        parts = ({"alg": "none", **self._headers()}, self._claims())
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
        return f"{encoded[0]}.{encoded[1]}."
