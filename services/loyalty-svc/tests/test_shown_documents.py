"""What the OpenAPI document shows of documents is taken: each example of a draft is drafted, previewed and replaced."""

from typing import Any

import pytest

from loyalty_svc.features import SERVICE
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .house import House

MANAGER = staff("loyalty:read", "loyalty:write")
PATHS = sorted(
    f"/v1/loyalty/{kind}"
    for kind in (
        "account-types",
        "clubs",
        "coupons",
        "earning-rules",
        "honours",
        "milestones",
        "points-payments",
        "programmes",
        "referral-programmes",
        "rewards",
        "surprises",
        "tasks",
        "tier-plans",
    )
)


async def shown(http: Any) -> dict[str, Any]:
    """The paths of the service's OpenAPI document."""
    return dict(http._transport.app.openapi()["paths"])


def example(operation: dict[str, Any]) -> Any:
    """The body that is shown of an operation."""
    content = operation["requestBody"]["content"]["application/json"]
    return content["example"] if "example" in content else content["schema"]["examples"][0]


async def test_every_kind_of_document_is_looked_at(house: House):
    async with client_for(SERVICE, house.db, house.clock) as http:
        paths = await shown(http)

    assert sorted(path.removesuffix("/preview") for path in paths if path.endswith("/preview")) == PATHS


@pytest.mark.parametrize("path", PATHS)
async def test_a_document_that_is_shown_is_taken(house: House, path: str):
    async with client_for(SERVICE, house.db, house.clock) as http:
        paths = await shown(http)
        preview = await http.post(f"{path}/preview", json=example(paths[f"{path}/preview"]["post"]), headers=MANAGER)
        body = example(paths[path]["post"])
        draft = await http.post(path, json=body, headers=MANAGER)
        replaced = await http.put(
            f"{path}/{body['code']}",
            json=example(paths[f"{path}/{{code}}"]["put"]),
            headers=MANAGER | {"If-Match": draft.headers.get("ETag", '"0"')},
        )

    answers = [preview, draft, replaced]
    assert [one.status_code for one in answers] == [200, 201, 200], [one.text for one in answers]
