"""The secrets of one home, made at its first start and kept in it with mode 0600; none has a default."""

import secrets
from dataclasses import asdict, dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from moat.kit.clock import Clock
from moat_local.home import Home, replace_secret

ADMIN_EMAIL: Final = "admin@moat.example"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Everything that must not be guessed: passwords of database roles, of the administrator, API keys, the pepper."""

    owner_passwords: dict[str, str]
    app_passwords: dict[str, str]
    admin_password: str
    admin_api_key: str
    intake_api_key: str
    notify_api_key: str
    api_key_pepper: str


def secrets_of(home: Home, services: tuple[str, ...], clock: Clock) -> Secrets:
    """The secrets of this home; made now if it has none."""
    known = home.read("secrets.json")
    if known is None:
        known = asdict(_new(services))
        home.write("secrets.json", known)
    if not any(home.keys.glob("*.pem")):
        _make_signing_key(home, clock)
    return Secrets(**known)


def _new(services: tuple[str, ...]) -> Secrets:
    return Secrets(
        owner_passwords={service: secrets.token_urlsafe(24) for service in services},
        app_passwords={service: secrets.token_urlsafe(24) for service in services},
        admin_password=secrets.token_urlsafe(15),
        admin_api_key=_api_key(),
        intake_api_key=_api_key(),
        notify_api_key=_api_key(),
        api_key_pepper=secrets.token_hex(32),
    )


def _api_key() -> str:
    """`mk_<id>_<secret>`, hexadecimal so that neither part holds an underscore."""
    return f"mk_{secrets.token_hex(8)}_{secrets.token_hex(24)}"


def _make_signing_key(home: Home, clock: Clock) -> None:
    """A key named after the instant it was made, so that the newest name is the newest key."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    replace_secret(home.keys / f"k{clock.now():%Y%m%dT%H%M%SZ}.pem", pem.decode())
