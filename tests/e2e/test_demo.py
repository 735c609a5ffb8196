"""The demo's figures are what the API says, and loading it again changes nothing."""

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from moat_local.calling import Gateway, client_of
from moat_local.plan import Layout
from moat_local.screen import last_screen
from moat_local.secrets import Secrets
from moat_local.story import Story
from whole.cdnow import AT_STAKE_MINOR, TIERS, Expected, expected, rows
from whole.comparing import differences, everyone, of_system
from whole.house import Document, House

Customers = dict[str, Document]


def _load(house: House) -> None:
    """What `make demo` does."""
    command = [sys.executable, "-m", "moat_local", "demo"]
    done = subprocess.run(
        command, env={**os.environ, "MOAT_HOME": str(house.home)}, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def customers(house: House) -> Customers:
    """The demo's customers by their master id, once it has been loaded."""
    _load(house)
    return of_system(house, "cdnow")


def _figures(house: House) -> Document:
    """What is counted over all; the clock moves none of it by itself within a minute but the silence."""
    audit, summary = house.get("/v1/loyalty/audit"), house.get("/v1/scores/summary")
    return {
        "ledger": (audit["accounts"], audit["postings"], audit["entries"], audit["totals"]["points"]),
        "scored": summary["customers"],
        "customers": len(house.every("/v1/customers")),
        "tickets": len(house.every("/v1/tickets")),
        "mails": len(list((house.home / "mail").glob("*.eml"))),
    }


def test_customers_orders_and_dollars(customers: Customers):
    spent = [amount for customer in customers.values() for amount in customer["spent"]]

    assert len(customers) == 2_357
    assert sum(customer["orders_count"] for customer in customers.values()) == 6_919
    assert {amount["currency"] for amount in spent} == {"USD"}
    assert sum(amount["amount_minor"] for amount in spent) == 24_409_194


def test_every_customer_is_what_an_independent_reading_of_the_file_says(house: House, customers: Customers):
    wanted = expected(rows(datetime.now(UTC) - timedelta(days=1)))

    assert differences(house, customers, wanted) == []
    points = [one.points for one in wanted.values()]
    assert sum(points) == 239_444
    assert {code: sum(each >= least for each in points) for least, code in TIERS if least} == {
        "silver": 276,
        "gold": 74,
        "black": 19,
    }


def test_who_is_at_risk_and_who_is_followed_up(house: House, customers: Customers):
    ids = {customer["id"] for customer in customers.values()}

    risks = [one for one in house.every("/v1/risks", band="high") if one["customer_id"] in ids]
    at_stake = {one["customer_id"] for one in risks if one["value_minor"] >= AT_STAKE_MINOR}
    follow_ups = [one for one in house.every("/v1/tickets", kind="follow_up") if one["customer_id"] in ids]

    assert 1_818 <= len(risks) <= 1_830
    assert 305 <= len(at_stake) <= 312
    assert Counter(one["customer_id"] for one in follow_ups if one["status"] == "open") == Counter(at_stake)


def test_loading_history_writes_to_nobody(house: House, customers: Customers):
    now = datetime.now(UTC)
    wanted = expected(rows(now - timedelta(days=1)))
    # Whoever bought or fell silent in the last two days is news; everybody else is history.
    history = [value for value in sorted(wanted) if _is_history(wanted[value], now)][::10]

    pages = everyone(house, [customers[value]["id"] for value in history], "messages")

    assert len(history) > 200
    assert {(one["status"], one["reason"]) for page in pages for one in page["items"]} == {("suppressed", "stale")}
    assert not any("cdnow" in mail.read_text() for mail in (house.home / "mail").glob("*.eml"))


def _is_history(one: Expected, now: datetime) -> bool:
    fresh = timedelta(hours=49)
    return now - one.last_at > fresh and (one.score(now) >= 80) == (one.score(now - fresh) >= 80)


def test_points_of_the_demo_expire_730_days_after_they_were_earned(house: House, customers: Customers):
    of_file = rows(datetime.now(UTC) - timedelta(days=1))
    best = Counter(row.customer for row in of_file).most_common(10)

    for customer, _ in best:
        awards = [row for row in of_file if row.customer == customer and row.total_minor >= 100]
        lots = house.every(f"/v1/customers/{customers[customer]['id']}/loyalty/lots")
        assert sorted((datetime.fromisoformat(lot["expires_at"]), lot["remaining"]) for lot in lots) == sorted(
            (row.paid_at + timedelta(days=730), row.total_minor // 100) for row in awards
        )


def _last_screen(house: House) -> str:
    """What `make run` says at last, as often as it is started."""
    url = house.client.base_url
    layout = Layout(house.home, {"gateway": url.port or 0}, {}, {}, "", 0)
    secrets = Secrets({}, {}, "a password", house.admin, house.intake, "", "")
    text = StringIO()

    async def show() -> None:
        async with client_of(str(url)) as client:
            story = Story(Console(file=text, width=250, highlight=False))
            await last_screen(story, Gateway(client, house.admin, house.intake), layout, secrets)

    asyncio.run(show())
    return re.sub(r"the API \d+\.\d s", "the API", text.getvalue())


def test_the_last_screen_names_what_there_is_and_says_the_same_at_a_second_start(house: House, customers: Customers):
    first = _last_screen(house)

    rewards = house.get("/v1/loyalty/rewards", status="published", limit=3)["items"]
    someone = re.search(r"/v1/customers/([0-9a-f-]+)/overview", first)
    assert someone is not None
    code = house.get(f"/v1/customers/{someone[1]}/loyalty/referral-code")["code"]
    assert len(rewards) == 3
    for reward in rewards:
        assert f"{reward['document']['names']['en']} for {reward['document']['price']['points']}" in first
    assert re.search(r"expiring +[\d,]+ points in \d{4}-\d\d", first)
    assert re.search(r"tiers +.*Silver.*Gold.*Black", first)
    assert re.search(r"task +Check in seven days running for 20 · .+", first)
    assert re.search(f"referral +{code} · Bring a friend", first)
    assert _last_screen(house) == first


def test_loading_it_a_second_time_changes_nothing(house: House, customers: Customers):
    before = _figures(house)

    _load(house)

    assert _figures(house) == before
    assert of_system(house, "cdnow") == customers
    assert house.get("/v1/loyalty/audit")["violations"] == []
