"""Calling the gateway as any client does; what is busy or away for a moment is asked again."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import httpx

from moat_local.troubles import Trouble

_ATTEMPTS_MAX: Final = 60
_PAUSE_SECONDS: Final = 1.0
_AGAIN: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway and the keys we call it with."""

    client: httpx.AsyncClient
    admin_key: str
    intake_key: str

    async def get(self, path: str, **query: str | int) -> Any:
        """The JSON of a GET as the administrator's key. Raises Trouble."""
        headers = {"Authorization": f"Bearer {self.admin_key}", "Accept-Language": "en"}
        return (await self._ask("GET", path, headers=headers, params=query)).json()

    async def send(self, facts: list[dict[str, Any]]) -> dict[str, Any]:
        """Post a batch of facts; sending it again is safe, so a lost answer is no harm. Raises Trouble."""
        headers = {
            "Authorization": f"Bearer {self.intake_key}",
            "Content-Type": "application/cloudevents-batch+json",
        }
        answer: dict[str, Any] = (await self._ask("POST", "/v1/events", headers=headers, json=facts)).json()
        return answer

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        said = ""
        for _ in range(_ATTEMPTS_MAX):
            try:
                answer = await self.client.request(method, path, **request)
            except httpx.HTTPError as broken:
                said = str(broken) or type(broken).__name__
            else:
                if answer.is_success:
                    return answer
                said = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code not in _AGAIN:
                    break
            await asyncio.sleep(_PAUSE_SECONDS)
        raise Trouble(f"The gateway does not answer {method} {path} as it should: {said}")


def client_of(gateway_url: str) -> httpx.AsyncClient:
    """A client of the gateway at this address; proxies of the environment are none of its business."""
    return httpx.AsyncClient(base_url=gateway_url, timeout=30.0, trust_env=False)
