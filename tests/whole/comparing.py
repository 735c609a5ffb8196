"""Reading every customer of a house at once and comparing him with the oracle."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import cycle

import aiohttp

from .cdnow import Expected
from .house import Document, House, bearer

KEYS = 4
"""One key may ask 200 times a second; several keys ask as several systems would."""

AT_ONCE = 16
OVERVIEWS_EACH = 10


@contextmanager
def reading_keys(house: House) -> Iterator[list[str]]:
    """Keys that may read, revoked in the end."""
    made = [house.api_key("customers:read", "loyalty:read", "scores:read", "tickets:read", "messages:read")]
    made += [house.api_key(*made[0]["scopes"]) for _ in range(KEYS - 1)]
    try:
        yield [one["key"] for one in made]
    finally:
        for one in made:
            house.call("DELETE", f"/v1/api-keys/{one['id']}")


def of_system(house: House, system: str) -> dict[str, Document]:
    """Master id → customer, for all customers of one system."""
    found: dict[str, Document] = {}
    for customer in house.every("/v1/customers"):
        for name in customer["identifiers"]:
            if name["system"] == system:
                assert name["value"] not in found, f"two customers are {name['value']}"
                found[name["value"]] = customer
    return found


def everyone(house: House, ids: Sequence[str], part: str) -> list[Document]:
    """One part (`overview`, `orders`, …) of each of these customers, in the same order."""
    with reading_keys(house) as keys:
        return asyncio.run(_everyone(str(house.client.base_url), ids, part, keys))


async def _everyone(url: str, ids: Sequence[str], part: str, keys: list[str]) -> list[Document]:
    gate = asyncio.Semaphore(AT_ONCE)
    # One after the other httpx would take longer to ask than the house to answer.
    async with aiohttp.ClientSession(url) as session:

        async def one(id_: str, key: str) -> Document:
            async with gate, session.get(f"/v1/customers/{id_}/{part}", headers=bearer(key)) as answer:
                assert answer.status == 200, (part, answer.status, await answer.text())
                document: Document = await answer.json()
                return document

        return await asyncio.gather(*(one(id_, key) for id_, key in zip(ids, cycle(keys), strict=False)))


def differences(house: House, customers: Mapping[str, Document], wanted: Mapping[str, Expected]) -> list[str]:
    """Every way in which a customer is not what the oracle says: orders, money, points, tier, value and risk.

    Everybody is read from lists, every tenth also by his overview: asking each for his own takes six times as long.
    """
    found = [f"{value} is missing" for value in wanted.keys() - customers.keys()]
    values = [value for value in wanted if value in customers]
    seen = _from_lists(house, {value: customers[value] for value in values})
    some = values[::OVERVIEWS_EACH]
    overviews = everyone(house, [customers[value]["id"] for value in some], "overview")
    for value, overview in [*seen.items(), *zip(some, overviews, strict=True)]:
        for what, is_, must_be in _pairs(overview, wanted[value]):
            if is_ != must_be:
                found.append(f"{value}: {what} is {is_}, must be {must_be}")
    return found


def _from_lists(house: House, customers: Mapping[str, Document]) -> dict[str, Document]:
    """What overviews would show of these customers. No list has everybody's points, so the database is asked."""
    # A score only grows while one reads: who changes his band is met twice, never missed.
    bands = [house.every("/v1/risks", band=band) for band in ("low", "medium", "high")]
    scores = {one["customer_id"]: one for page in bands for one in page}
    loyalty = {str(row["customer_id"]): row for row in house.sql("loyalty-svc", _LOYALTY)}
    tickets: defaultdict[str, list[Document]] = defaultdict(list)
    for ticket in house.every("/v1/tickets", kind="follow_up"):
        tickets[ticket["customer_id"]].append(ticket)
    return {
        value: {
            "customer": customer,
            "loyalty": _loyalty(loyalty.get(customer["id"])),
            "scores": scores.get(customer["id"], _NO_SCORES),
            "tickets": tickets[customer["id"]],
            "missing": [],
        }
        for value, customer in customers.items()
    }


_LOYALTY = """
SELECT m.customer_id, m.tier, coalesce(a.available, 0) AS available, coalesce(a.earned_total, 0) AS earned_total
FROM membership m LEFT JOIN account a ON a.customer_id = m.customer_id AND a.type = 'points'
"""
_NO_SCORES: Document = {
    "as_of": "2000-01-01T00:00:00Z",
    "orders_count": 0,
    "value_minor": 0,
    "risk": {"score": -1.0, "band": "none"},
}


def _loyalty(row: Document | None) -> Document:
    points = {"available": row["available"], "earned_total": row["earned_total"]} if row else _NO_POINTS
    return {"accounts": [{"type": "points", **points}], "tier": {"code": row["tier"] if row else "member"}}


_NO_POINTS = {"available": 0, "earned_total": 0}


def _pairs(overview: Document, must: Expected) -> Iterator[tuple[str, object, object]]:
    customer, loyalty, scores = (overview[part] for part in ("customer", "loyalty", "scores"))
    points = next(account for account in loyalty["accounts"] if account["type"] == "points")
    at = datetime.fromisoformat(scores["as_of"])
    yield "missing", overview["missing"], []
    yield "orders_count", customer["orders_count"], len(must.order_totals)
    yield "spent", customer["spent"], [{"currency": "USD", "amount_minor": must.spent_minor}]
    yield "first order", datetime.fromisoformat(customer["first_order_at"]), must.first_at
    yield "last order", datetime.fromisoformat(customer["last_order_at"]), must.last_at
    yield "points", (points["available"], points["earned_total"]), (must.points, must.points)
    yield "tier", loyalty["tier"]["code"], must.tier
    yield "scored orders", scores["orders_count"], len(must.order_totals)
    yield "value", scores["value_minor"], must.spent_minor
    yield "band", scores["risk"]["band"], must.band(at)
    yield "score", round(scores["risk"]["score"], 6), round(must.score(at), 6)
    # One that a later fact has solved may stand there besides: it was opened when only the earlier ones were known.
    tickets = overview["tickets"]
    follow_ups = [one for one in tickets if (one["kind"], one["status"]) == ("follow_up", "open")]
    yield "open follow-ups", len(follow_ups), int(must.band(at) == "high" and must.spent_minor >= 10_000)
