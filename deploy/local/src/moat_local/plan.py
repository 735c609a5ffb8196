"""Which processes a local Moat is made of, and what each gets from its environment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from moat_local.secrets import ADMIN_EMAIL, Secrets


@dataclass(frozen=True, slots=True)
class Part:
    """The gateway or a service: its name outside (`loyalty-svc`), its short name (`loyalty`) and its package."""

    name: str
    short: str
    package: str

    @property
    def prefix(self) -> str:
        """The beginning of its variables (`LOYALTY`)."""
        return self.short.upper()


GATEWAY: Final = Part("gateway", "gateway", "gateway")
SERVICES: Final = tuple(
    Part(f"{short}-svc", short, f"{short}_svc") for short in ("customer", "ticket", "loyalty", "scoring", "notify")
)
PARTS: Final = (GATEWAY, *SERVICES)
LOG: Final = "log"
"""The short name under which the embedded log's database is provisioned (`moat_log`)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is in this run."""

    home: Path
    ports: Mapping[str, int]
    """By short name."""
    owner_urls: Mapping[str, str]
    app_urls: Mapping[str, str]
    events_url: str
    smtp_port: int

    def url_of(self, part: Part) -> str:
        """Where a part answers."""
        return f"http://127.0.0.1:{self.ports[part.short]}"


def environment_of(part: Part, layout: Layout, secrets: Secrets, *, migrate: bool = False) -> dict[str, str]:
    """The variables of one process. Only `migrate` sees the owner's address and, for the gateway, the first keys."""
    variables = {
        f"{part.prefix}_DATABASE_URL": layout.app_urls[part.short],
        f"{part.prefix}_HOST": "127.0.0.1",
        f"{part.prefix}_PORT": str(layout.ports[part.short]),
        "MOAT_EVENTS_URL": layout.events_url,
        "MOAT_GATEWAY_URL": layout.url_of(GATEWAY),
    }
    if migrate:
        variables[f"{part.prefix}_OWNER_DATABASE_URL"] = layout.owner_urls[part.short]
    if part is GATEWAY:
        variables |= _gateway(layout, secrets)
        if migrate:
            variables |= _first_keys(secrets)
    if part.short == "notify":
        variables |= {
            "NOTIFY_API_KEY": secrets.notify_api_key,
            "NOTIFY_SMTP_URL": f"smtp://127.0.0.1:{layout.smtp_port}",
            "NOTIFY_SENDER": "care@moat.example",
        }
    return variables


def _gateway(layout: Layout, secrets: Secrets) -> dict[str, str]:
    upstreams = {f"GATEWAY_{service.prefix}_URL": layout.url_of(service) for service in SERVICES}
    return upstreams | {
        "GATEWAY_SIGNING_KEYS_DIR": str((layout.home / "keys").absolute()),
        "GATEWAY_API_KEY_PEPPER": secrets.api_key_pepper,
    }


def _first_keys(secrets: Secrets) -> dict[str, str]:
    return {
        "GATEWAY_ADMIN_EMAIL": ADMIN_EMAIL,
        "GATEWAY_ADMIN_PASSWORD": secrets.admin_password,
        "GATEWAY_ADMIN_API_KEY": secrets.admin_api_key,
        "GATEWAY_INTAKE_API_KEY": secrets.intake_api_key,
        "GATEWAY_NOTIFY_API_KEY": secrets.notify_api_key,
    }
