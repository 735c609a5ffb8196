"""The figures of the last screen, read from the API as anybody could."""

from typing import Any, Final

from moat_local.calling import Gateway

_PAGE: Final = 200
_PAGES_MAX: Final = 30
"""Beyond 6,000 rows a count is shown with a plus."""


async def figures_of(gateway: Gateway) -> dict[str, str]:
    """Words → figure, in the order in which they are shown."""
    scores = await gateway.get("/v1/scores/summary")
    points = (await gateway.get("/v1/loyalty/audit"))["totals"].get("points", {})
    customers, complete = await _all(gateway, "/v1/customers")
    tickets, tickets_complete = await _all(gateway, "/v1/tickets")
    orders = sum(customer["orders_count"] for customer in customers)
    spent: dict[str, int] = {}
    for customer in customers:
        for amount in customer["spent"]:
            spent[amount["currency"]] = spent.get(amount["currency"], 0) + amount["amount_minor"]
    plus = "" if complete else "+"
    return {
        "customers": f"{len(customers):,}{plus}",
        "orders": f"{orders:,}{plus}" + "".join(f" · {_money(c, m)}{plus}" for c, m in sorted(spent.items())),
        "points": f"{points.get('available', 0):,}",
        "at risk": f"{scores['bands']['high']:,} high, {scores['bands']['medium']:,} medium of {scores['customers']:,}",
        "tickets": f"{len(tickets):,}{'' if tickets_complete else '+'}",
    }


async def _all(gateway: Gateway, path: str) -> tuple[list[dict[str, Any]], bool]:
    """The rows of a list within the bound, and whether those are all."""
    items: list[dict[str, Any]] = []
    query: dict[str, str | int] = {"limit": _PAGE}
    for _ in range(_PAGES_MAX):
        page = await gateway.get(path, **query)
        items += page["items"]
        if not page.get("next_cursor"):
            return items, True
        query["cursor"] = page["next_cursor"]
    return items, False


def _money(currency: str, minor: int) -> str:
    return f"{minor // 100:,}.{minor % 100:02d} {currency}"
