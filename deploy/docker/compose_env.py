"""Write `.env` and the signing key that docker-compose.yml asks for: fresh secrets, once, never overwritten."""

import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HERE: Final = Path(__file__).parent
USER_IN_IMAGES: Final = 10001
SERVICES: Final = (
    *sorted(path.name.removesuffix("-svc").upper() for path in HERE.parents[1].glob("services/*-svc")),
    "GATEWAY",
)


def values(admin_email: str, smtp_url: str, sender: str) -> dict[str, str]:
    """Every variable without a default, with a fresh secret where it is one."""
    made = {"POSTGRES_PASSWORD": secrets.token_urlsafe(24), "GATEWAY_API_KEY_PEPPER": secrets.token_urlsafe(32)}
    for service in SERVICES:
        made[f"{service}_OWNER_PASSWORD"] = secrets.token_urlsafe(24)
        made[f"{service}_APP_PASSWORD"] = secrets.token_urlsafe(24)
    made |= {"GATEWAY_ADMIN_EMAIL": admin_email, "GATEWAY_ADMIN_PASSWORD": secrets.token_urlsafe(18)}
    for name in ("GATEWAY_ADMIN_API_KEY", "GATEWAY_INTAKE_API_KEY", "NOTIFY_API_KEY"):
        made[name] = f"mk_{secrets.token_hex(8)}_{secrets.token_urlsafe(32).replace('_', '-')}"
    return made | {"NOTIFY_SMTP_URL": smtp_url, "NOTIFY_SENDER": sender}


def write_signing_key(directory: Path, kid: str = "k1") -> Path:
    """A new Ed25519 key that the images' user, and nobody else, can read."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{kid}.pem"
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(pem)
    if os.getuid() == 0:
        os.chown(path, USER_IN_IMAGES, USER_IN_IMAGES)
    else:
        # Without root the file cannot be given to the images' user; the directory above is yours to close.
        path.chmod(path.stat().st_mode | stat.S_IROTH)
    return path


def main() -> int:
    """Refuse to overwrite; print what was made, never what is in it."""
    env = HERE.parents[1] / ".env"
    if env.exists():
        print(f"{env.name} is there already; remove it to begin anew")
        return 1
    env.touch(mode=0o600)
    lines = values("admin@moat.example", "smtp://mail.example:25", "care@moat.example")
    env.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")
    if not list((HERE / "signing").glob("*.pem")):
        write_signing_key(HERE / "signing")
    print("wrote .env and deploy/docker/signing/; set NOTIFY_SMTP_URL and NOTIFY_SENDER to yours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
