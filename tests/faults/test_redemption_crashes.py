"""loyalty-svc is killed in the middle of a redemption, at each of its steps, and asked again as a shop's program asks.

Whatever step it was: points and pieces go together or not at all, one Idempotency-Key is one redemption, and everything
that was committed is announced. No step is met by luck: the process waits in the very statement when it is killed.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from moat.kit.ids import uuid7
from whole.facts import word
from whole.mortal import Mortal, record_of
from whole.stopping import Moment, stopped_at
from whole.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300), pytest.mark.xdist_group("mortal-loyalty")]

PIECES = 5
PRICE = 300
POINTS = 1_000
RELAY_LOCKS = 7_305_004
OWN_TIMERS = """SELECT FROM timer t JOIN reward_redemption r ON t.key IN (CAST(r.id AS text), CAST(r.hold_id AS text))
WHERE CAST(r.id AS text) = $1"""
AT_ONCE = [
    Moment("INSERT", "idempotency"),
    Moment("UPDATE", "account"),
    Moment("UPDATE", "lot"),
    Moment("INSERT", "posting"),
    Moment("INSERT", "reward_shelf"),
    Moment("INSERT", "reward_redemption"),
    Moment("UPDATE", "idempotency"),
    Moment("INSERT", "outbox"),
    Moment("INSERT", "reward_redemption", in_commit=True),
]
CONFIRMING = [
    Moment("UPDATE", "account"),
    Moment("UPDATE", "hold"),
    Moment("UPDATE", "reward_redemption"),
    Moment("DELETE", "timer"),
    Moment("UPDATE", "reward_redemption", in_commit=True),
]
# The points have a timer of their own, and the reservation has one.
TIMING_OUT = [
    Moment("UPDATE", "account"),
    Moment("UPDATE", "hold"),
    Moment("UPDATE", "hold", in_commit=True),
    Moment("UPDATE", "reward_redemption"),
    Moment("UPDATE", "reward_shelf"),
    Moment("UPDATE", "reward_redemption", in_commit=True),
]


@pytest.fixture(scope="module")
def members(loyalty: Mortal) -> Iterator[UUID]:
    """Members with 1,000 points each, of whom every test takes one."""
    ids = [uuid7() for _ in range(60)]
    paid = {"order_source": "/shops/main", "currency": "CNY", "total_minor": POINTS * 100, "lines": []}
    loyalty.welcome(ids)
    loyalty.tell(
        [
            record_of("moat.order.paid.v1", "moat.orders", id_, paid | {"order_uid": str(uuid7()), "order_id": word()})
            for id_ in ids
        ]
    )
    loyalty.settle()
    return iter(ids)


class Deal:
    """One member and one reward of 300 points, of which there are five pieces."""

    def __init__(self, loyalty: Mortal, member: UUID) -> None:
        self.loyalty, self.member, self.reward = loyalty, member, f"mug-{word()}"
        self.cart, self.payment = word(), word()
        self.path = f"/v1/customers/{member}/loyalty/redemptions"
        names = {"zh-CN": "马克杯", "en": "A mug"}
        document = {"kind": "good", "names": names, "price": {"points": PRICE}, "stock": PIECES}
        loyalty.publish("/v1/loyalty/rewards", self.reward, document)

    def redeem(self, **more: Any) -> httpx.Response:
        """Always with the same Idempotency-Key."""
        return self.loyalty.ask("POST", self.path, {"reward": self.reward, **more}, once=self.cart)

    def confirm(self, redemption: str) -> httpx.Response:
        """Always with the same Idempotency-Key."""
        return self.loyalty.ask("POST", f"{self.path}/{redemption}/confirm", {}, once=self.payment)

    def reserve(self) -> str:
        """A reservation for half an hour."""
        answer = self.redeem(reserve=True, minutes=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def came_to(self, state: str, **told: int) -> None:
        """One redemption in this state and all that belongs to it; `told`: how often each event was announced."""
        self.loyalty.settle()
        (one,) = self.loyalty.get(self.path)["items"]
        assert one["state"] == state
        spent = PRICE if state == "redeemed" else 0
        reserved = PRICE if state == "reserved" else 0
        accounts = self.loyalty.get(f"/v1/customers/{self.member}/loyalty")["accounts"]
        points = next(account for account in accounts if account["type"] == "points")
        assert (points["available"], points["reserved"]) == (POINTS - spent - reserved, reserved)
        assert (points["earned_total"], points["spent_total"]) == (POINTS, spent)
        assert self.left() == PIECES - (1 if spent or reserved else 0)
        announced = self.loyalty.announced(self.member)
        wanted = {name.replace("_", "."): times for name, times in told.items()}
        assert {name: announced[name] for name in wanted} == wanted
        assert self.loyalty.get("/v1/loyalty/audit")["violations"] == []

    def left(self) -> int:
        """Pieces that are still on the shelf."""
        offers = self.loyalty.get(f"/v1/customers/{self.member}/loyalty/rewards?limit=200")["items"]
        return int(next(offer["left"] for offer in offers if offer["code"] == self.reward))


@pytest.fixture
def deal(loyalty: Mortal, members: Iterator[UUID]) -> Deal:
    loyalty.be_there()
    return Deal(loyalty, next(members))


def _kill_at(
    loyalty: Mortal, moment: Moment, ask: Callable[[], httpx.Response], *meanwhile: Callable[[], httpx.Response]
) -> None:
    """Ask, kill the process when it comes to the moment, see that nobody got an answer, and start it anew.

    meanwhile: asked when the first has come to the moment.
    """
    with ThreadPoolExecutor(1 + len(meanwhile)) as apart, stopped_at(loyalty.urls.owner, moment) as stop:
        answers = [apart.submit(ask)]
        stop.reached()
        answers += [apart.submit(one) for one in meanwhile]
        loyalty.kill()
        for answer in answers:
            with pytest.raises(httpx.TransportError):
                answer.result(20)
    loyalty.start()


@contextmanager
def _relays_held_off(loyalty: Mortal) -> Iterator[None]:
    """While the block runs, no relay gets hold of the outbox."""
    let_go, holds = Event(), Event()

    async def hold() -> None:
        connection = await asyncpg.connect(loyalty.urls.owner)
        await connection.execute(f"SELECT pg_advisory_lock({RELAY_LOCKS}, bucket) FROM generate_series(0, 7) AS bucket")
        holds.set()
        await asyncio.to_thread(let_go.wait)
        await connection.close()

    with ThreadPoolExecutor(1) as apart:
        holder = apart.submit(lambda: asyncio.run(hold()))
        try:
            assert holds.wait(20)
            yield
        finally:
            let_go.set()
            holder.result(20)


@pytest.mark.parametrize("moment", AT_ONCE, ids=str)
def test_a_redemption_that_was_killed_at_any_step_and_asked_again_is_one(loyalty: Mortal, deal: Deal, moment: Moment):
    _kill_at(loyalty, moment, deal.redeem)

    again, once_more = deal.redeem(), deal.redeem()

    assert (again.status_code, once_more.status_code) == (201, 201), again.text
    assert again.json() == once_more.json()
    # Killed before the commit it had never happened; killed in it, it had, and the first answer is kept.
    assert again.headers.get("Idempotent-Replayed") == ("true" if moment.in_commit else None)
    deal.came_to("redeemed", points_spent=1, reward_redeemed=1)


@pytest.mark.parametrize("moment", [Moment("INSERT", "idempotency"), Moment("INSERT", "outbox")], ids=str)
def test_those_behind_a_redemption_that_was_killed_have_one_each_when_they_ask_again(
    loyalty: Mortal, deal: Deal, members: Iterator[UUID], moment: Moment
):
    others = [Deal(loyalty, next(members)) for _ in range(3)]

    _kill_at(loyalty, moment, deal.redeem, *(other.redeem for other in others))
    with ThreadPoolExecutor(8) as apart:
        # Each twice and all at once, so that they share transactions.
        asked = [(one, apart.submit(one.redeem)) for one in [deal, *others] for _ in range(2)]
        answers = [(one, answer.result(20)) for one, answer in asked]

    assert [answer.status_code for _, answer in answers] == [201] * 8
    for one in [deal, *others]:
        assert len({answer.text for whose, answer in answers if whose is one}) == 1
        one.came_to("redeemed", points_spent=1, reward_redeemed=1)


def test_a_reservation_survives_every_death_on_the_way_to_its_confirmation(loyalty: Mortal, deal: Deal):
    redemption = deal.reserve()
    loyalty.again()
    deal.came_to("reserved", reward_reserved=1, points_spent=0)

    for moment in CONFIRMING:
        _kill_at(loyalty, moment, lambda: deal.confirm(redemption))
        if not moment.in_commit:
            deal.came_to("reserved", reward_reserved=1, points_spent=0)
    again = deal.confirm(redemption)

    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (200, "true"), again.text
    deal.came_to("redeemed", reward_reserved=1, points_spent=1, reward_redeemed=1)


def test_what_was_committed_before_the_relay_came_is_announced_after_the_restart(loyalty: Mortal, deal: Deal):
    with _relays_held_off(loyalty):
        assert deal.redeem().status_code == 201
        loyalty.kill()
        assert loyalty.announced(deal.member)["reward.redeemed"] == 0
    loyalty.start()

    deal.came_to("redeemed", points_spent=1, reward_redeemed=1)
    assert len(_of_type(loyalty, deal.member, "moat.reward.redeemed.v1")) == 1


def test_what_was_sent_but_not_crossed_off_is_sent_again_as_the_same_event(loyalty: Mortal, deal: Deal):
    with stopped_at(loyalty.urls.owner, Moment("DELETE", "outbox")) as stop:
        assert deal.redeem().status_code == 201
        stop.reached()
        loyalty.kill()
    loyalty.start()

    deal.came_to("redeemed", points_spent=1, reward_redeemed=1)
    ids = _of_type(loyalty, deal.member, "moat.reward.redeemed.v1")
    assert (len(ids), len(set(ids))) == (2, 1)


@pytest.mark.parametrize("moment", TIMING_OUT, ids=str)
def test_a_time_out_that_was_killed_at_any_step_gives_everything_back_once(loyalty: Mortal, deal: Deal, moment: Moment):
    redemption = deal.reserve()
    loyalty.kill()

    with stopped_at(loyalty.urls.owner, moment) as stop:
        loyalty.start(later=timedelta(hours=1), ready=False)
        stop.reached()
        loyalty.kill()
    loyalty.start()
    until(lambda: not loyalty.sql(OWN_TIMERS, redemption), 20, what="a timer has not fired")

    deal.came_to("timed_out", reward_reserved=1, points_spent=0, reward_cancelled=1)


def _of_type(loyalty: Mortal, member: UUID, type_: str) -> list[str]:
    """The ids of its events of a type about this member, as often as they stand on the log."""
    return [one.headers["ce_id"] for one in loyalty.said_about([member]) if one.headers["ce_type"] == type_]
