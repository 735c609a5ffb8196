"""What is refused of documents: wrong ones by their places, strangers, and whoever comes late."""

from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from moat.kit.ids import uuid7
from moat.kit.testing.callers import customer, staff
from moat.kit.testing.databases import TestDatabase

from .shelves.shelf_calls import MUGS, TALL, drafted, publish, put_on


@pytest.mark.parametrize(
    ("wrong", "pointer", "told"),
    [
        ({"prize": 3}, "/document/prize", "did you mean price"),
        ({"handle": {"color": "red"}}, "/document/handle/color", "did you mean colour"),
        ({"names": {"en": "Mug"}}, "/document/names", "missing in zh-CN"),
        ({"price": 0}, "/document/price", "greater"),
        (
            {"condition": {"combinator": "and", "rules": [{"field": "cty", "operator": "=", "value": "x"}]}},
            "/document/condition/rules/0/field",
            "did you mean city",
        ),
    ],
)
@pytest.mark.parametrize("path", ["", "/preview"])
async def test_what_is_wrong_in_a_document_is_named(
    http: httpx.AsyncClient, path: str, wrong: dict[str, Any], pointer: str, told: str
):
    answer = await http.post(MUGS + path, json={"code": "tall", "document": TALL | wrong})

    assert answer.status_code == 422
    found = {one["pointer"]: one["detail"] for one in answer.json()["errors"]}
    assert told in found[pointer]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("GET", "/nothing/versions", None, 404),
        ("GET", "/plain?version=7", None, 404),
        ("PUT", "/nothing", {"document": TALL}, 404),
        ("POST", "/nothing/publish", {}, 404),
        ("POST", "/plain/publish", {}, 412),
        ("POST", "", {"code": "Big Mug", "document": TALL}, 422),
    ],
)
async def test_what_is_not_there_is_refused(http: httpx.AsyncClient, method: str, path: str, body: Any, status: int):
    answer = await http.request(method, MUGS + path, json=body, headers={"If-Match": '"999999"'})

    assert answer.status_code == status


async def test_a_draft_that_was_thrown_away_is_not_published_by_who_had_read_it(http: httpx.AsyncClient):
    tag = await drafted(http)

    gone = await http.delete(f"{MUGS}/tall", headers={"If-Match": tag})
    await drafted(http, price=77)
    late = await publish(http, tag)

    assert (gone.status_code, late.status_code) == (204, 412)


async def test_a_published_version_cannot_be_rewritten_even_in_sql(http: httpx.AsyncClient, database: TestDatabase):
    await put_on(http)
    await put_on(http, price=30)

    for change in (
        "UPDATE document SET document = '{}' WHERE code = 'tall' AND version = 2",
        "UPDATE document SET valid_from = NULL WHERE code = 'tall' AND version = 2",
        "UPDATE document SET valid_to = now() WHERE code = 'tall' AND version = 1",
        "UPDATE document SET status = 'draft', published_at = NULL WHERE code = 'tall' AND version = 2",
        "DELETE FROM document WHERE code = 'tall' AND version = 1",
    ):
        with pytest.raises(DBAPIError, match="is published"):
            async with database.db.transaction() as tx:
                await tx.execute(change)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/plain"),
        ("GET", "/plain/versions"),
        ("POST", ""),
        ("POST", "/preview"),
        ("PUT", "/plain"),
        ("DELETE", "/plain"),
        ("POST", "/plain/publish"),
        ("POST", "/plain/retire"),
        ("POST", "/plain/rollback"),
    ],
)
async def test_only_those_with_the_scope_come_in(http: httpx.AsyncClient, method: str, path: str):
    wrong = staff("shelf:write" if method == "GET" else "shelf:read")

    refused = [await http.request(method, MUGS + path, headers=who) for who in (wrong, customer(uuid7()))]

    assert [answer.status_code for answer in refused] == [403, 403]
