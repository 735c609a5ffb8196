"""`ready.json`: where everything is, for checks and scripts; there exactly while everything is ready."""

import json
from collections.abc import Mapping
from typing import Any

from moat_local.home import Home, replace_secret
from moat_local.plan import GATEWAY, PARTS, Layout
from moat_local.secrets import ADMIN_EMAIL, Secrets


def ready_document(layout: Layout, secrets: Secrets, pids: Mapping[str, int]) -> dict[str, Any]:
    """The document as `interface.md` fixes it."""
    gateway_url = layout.url_of(GATEWAY)
    return {
        "gateway_url": gateway_url,
        "docs_url": f"{gateway_url}/docs",
        "staff": {"email": ADMIN_EMAIL, "password": secrets.admin_password},
        "api_keys": {"admin": secrets.admin_api_key, "intake": secrets.intake_api_key},
        "processes": {part.name: pids[part.name] for part in PARTS if part.name in pids},
        "databases": {part.name: layout.owner_urls[part.short] for part in PARTS},
        "events_url": layout.events_url,
    }


def write_ready(home: Home, document: Mapping[str, Any]) -> None:
    """Write it whole, mode 0600; a reader sees the old or the new."""
    replace_secret(home.ready, json.dumps(document, indent=1) + "\n")


def remove_ready(home: Home) -> None:
    """Nothing is ready any more."""
    home.ready.unlink(missing_ok=True)
