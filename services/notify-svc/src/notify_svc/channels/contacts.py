"""Addresses and consent, asked for at the moment of sending through the gateway, as any client does; never stored."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import aiohttp

from notify_svc.policy.decisions import Contact


class ContactsAway(Exception):
    """customer-svc or the gateway cannot answer now; the messages wait."""


class Contacts(Protocol):
    """Where addresses are asked for."""

    async def lookup(self, ids: Sequence[UUID]) -> dict[UUID, Contact]:
        """Address, locale and consent of each that is known, at this moment. Raises ContactsAway."""


class GatewayContacts:
    """`POST /v1/contacts/lookup` with the service's own key."""

    def __init__(self, gateway_url: str, api_key: str, *, timeout_seconds: float) -> None:
        self._url = f"{gateway_url.rstrip('/')}/v1/contacts/lookup"
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def lookup(self, ids: Sequence[UUID]) -> dict[UUID, Contact]:
        """One call for at most 500 customers."""
        body = {"ids": [str(id_) for id_ in ids]}
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, headers=self._headers) as session,
                session.post(self._url, json=body, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise ContactsAway(f"status {answer.status}")
                found = await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ContactsAway(type(error).__name__) from error
        return {UUID(item["id"]): contact_of(item) for item in found["items"]}


def contact_of(item: dict[str, Any]) -> Contact:
    """One entry of the answer: the first e-mail counts."""
    emails = item.get("emails") or []
    granted = {(c["purpose"], c["channel"]) for c in item.get("consents") or [] if c["status"] == "granted"}
    return Contact(email=emails[0] if emails else None, locale=item.get("locale"), consents=frozenset(granted))
