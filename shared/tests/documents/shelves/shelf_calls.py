"""Short ways to work on the mugs of the tiny service."""

from typing import Any

import httpx

MUGS = "/v1/shelf/mugs"
TALL: dict[str, Any] = {"names": {"zh-CN": "高杯", "en": "Tall mug"}, "price": 20}


async def drafted(http: httpx.AsyncClient, code: str = "tall", **more: Any) -> str:
    """A new draft; its ETag."""
    answer = await http.post(MUGS, json={"code": code, "document": TALL | more})
    assert answer.status_code == 201, answer.text
    return answer.headers["ETag"]


async def publish(http: httpx.AsyncClient, tag: str, code: str = "tall", **body: Any) -> httpx.Response:
    return await http.post(f"{MUGS}/{code}/publish", json=body, headers={"If-Match": tag})


async def put_on(http: httpx.AsyncClient, code: str = "tall", **more: Any) -> str:
    """Draft and publish; the ETag."""
    answer = await publish(http, await drafted(http, code, **more), code)
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"]


async def price_of(http: httpx.AsyncClient, code: str = "tall") -> int:
    return (await http.get(f"{MUGS}/{code}")).json()["document"]["price"]
