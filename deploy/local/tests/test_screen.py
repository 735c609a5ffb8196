from io import StringIO
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from moat_local.calling import Gateway
from moat_local.plan import Layout
from moat_local.screen import last_screen
from moat_local.secrets import Secrets
from moat_local.story import Story

SECRETS = Secrets({}, {}, "a password", "mk_admin", "mk_intake", "mk_notify", "a pepper")
LAYOUT = Layout(Path("/moat"), {"gateway": 8000}, {}, {}, "postgresql://log", 2525)
LI = "01a00000-0000-7000-8000-000000000001"
EMPTY: dict[str, Any] = {"items": [], "next_cursor": None}


def _reward(name: str, points: int) -> dict[str, Any]:
    return {"document": {"names": {"zh-CN": "礼品", "en": name}, "price": {"points": points}}}


ANSWERS: dict[str, Any] = {
    "/v1/scores/summary": {"bands": {"high": 1, "medium": 0, "low": 0}},
    "/v1/loyalty/summary": {"tiers": [{"name": "Member", "customers": 1}]},
    "/v1/messages/summary": {"counts": []},
    "/v1/loyalty/audit": {"totals": {"points": {"available": 2_933}}},
    "/v1/customers": {"items": [{"id": LI, "orders_count": 2, "spent": []}], "next_cursor": None},
    "/v1/tickets": EMPTY,
    "/v1/risks": {"items": [{"customer_id": LI}], "next_cursor": None},
    "/v1/loyalty/liability": {
        "account_types": [
            {"account_type": "growth", "by_month": []},
            {
                "account_type": "points",
                "by_month": [{"month": f"2027-0{n}", "points": 1_000 * n} for n in range(5, 9)]
                + [{"month": None, "points": 7}],
            },
        ]
    },
    "/v1/loyalty/rewards": {
        "items": [_reward("Canvas bag", 300), _reward("Twenty off", 200), _reward("A tree", 100)],
        "next_cursor": None,
    },
    f"/v1/customers/{LI}/loyalty/tasks": {
        "items": [{"name": "Check in", "reward": {"points": 20}, "steps": [{"missing": "7 more days"}]}],
        "next_cursor": None,
    },
    "/v1/loyalty/referral-programmes": {"items": [{}], "next_cursor": None},
    f"/v1/customers/{LI}/loyalty/referral-code": {
        "code": "K7QM-4TXA",
        "programme": {"name": "Bring a friend", "referrer": {"points": 100}, "friend": {"points": 50}},
    },
}


async def shown(answers: dict[str, Any]) -> str:
    """The last screen of a house that answers so."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answers[request.url.path])

    text = StringIO()
    story = Story(Console(file=text, width=200, highlight=False))
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://gateway.test")
    async with client:
        await last_screen(story, Gateway(client, "mk_admin", "mk_intake"), LAYOUT, SECRETS)
    return text.getvalue()


async def test_it_names_what_points_buy_and_when_they_expire():
    screen = await shown(ANSWERS)

    assert "5,000 points in 2027-05 · 6,000 points in 2027-06 · 7,000 points in 2027-07" in screen
    assert "Canvas bag for 300 · Twenty off for 200 · A tree for 100" in screen
    assert "Check in for 20 · 7 more days" in screen
    assert "K7QM-4TXA · Bring a friend: 100 points, 50 for the friend" in screen
    assert f"{LI}/overview" in screen


async def test_what_nobody_has_published_is_not_shown():
    none = {"/v1/loyalty/rewards": EMPTY, "/v1/loyalty/referral-programmes": EMPTY}
    none |= {f"/v1/customers/{LI}/loyalty/tasks": EMPTY, "/v1/loyalty/liability": {"account_types": []}}

    screen = await shown(ANSWERS | none)

    assert "2,933" in screen
    assert not {"expiring", "rewards", "task", "referral"} & set(screen.split())


async def test_a_house_without_customers_has_a_last_screen_all_the_same():
    screen = await shown(ANSWERS | {"/v1/customers": EMPTY, "/v1/risks": EMPTY})

    assert "Canvas bag for 300" in screen
    assert "overview" not in screen
    assert "Ctrl-C stops everything in order." in screen
