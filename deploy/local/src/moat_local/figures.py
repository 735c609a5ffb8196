"""The figures of the last screen, read from the API as anybody could."""

from typing import Any, Final

from moat_local.calling import Gateway

_PAGE: Final = 200
_PAGES_MAX: Final = 30
"""Beyond 6,000 rows a count is shown with a plus."""


async def figures_of(gateway: Gateway) -> dict[str, str]:
    """Words → figure, in the order in which they are shown."""
    scores = await gateway.get("/v1/scores/summary")
    loyalty = await gateway.get("/v1/loyalty/summary")
    messages = await gateway.get("/v1/messages/summary")
    points = (await gateway.get("/v1/loyalty/audit"))["totals"].get("points", {})
    customers, plus = await _all(gateway, "/v1/customers")
    open_tickets, tickets_plus = await _all(gateway, "/v1/tickets", status="open")
    orders = sum(customer["orders_count"] for customer in customers)
    bands = scores["bands"]
    return {
        "customers": f"{len(customers):,}{plus}",
        "orders": " · ".join([f"{orders:,}{plus}", *(f"{text}{plus}" for text in _spent(customers))]),
        "points": f"{points.get('available', 0):,}",
        "tiers": " · ".join(f"{tier['customers']:,} {tier['name']}" for tier in loyalty["tiers"]),
        "at risk": f"{bands['high']:,} high · {bands['medium']:,} medium · {bands['low']:,} low",
        "tickets": f"{len(open_tickets):,}{tickets_plus} open",
        "messages": _told(messages["counts"]),
    }


def _spent(customers: list[dict[str, Any]]) -> list[str]:
    """What all of them spent, by currency."""
    spent: dict[str, int] = {}
    for customer in customers:
        for amount in customer["spent"]:
            spent[amount["currency"]] = spent.get(amount["currency"], 0) + amount["amount_minor"]
    return [f"{minor // 100:,}.{minor % 100:02d} {currency}" for currency, minor in sorted(spent.items())]


def _told(counts: list[dict[str, Any]]) -> str:
    """How many were written and how many held back, with the reasons."""
    written = sum(count["messages"] for count in counts if count["status"] in ("sent", "delivered"))
    held = [f"{count['messages']:,} {count['reason']}" for count in counts if count["status"] == "suppressed"]
    return f"{written:,} delivered" + (f" · held back: {', '.join(held)}" if held else "")


async def _all(gateway: Gateway, path: str, **query: str | int) -> tuple[list[dict[str, Any]], str]:
    """The rows of a list within the bound, and a plus when there are more."""
    items: list[dict[str, Any]] = []
    query["limit"] = _PAGE
    for _ in range(_PAGES_MAX):
        page = await gateway.get(path, **query)
        items += page["items"]
        if not page.get("next_cursor"):
            return items, ""
        query["cursor"] = page["next_cursor"]
    return items, "+"
