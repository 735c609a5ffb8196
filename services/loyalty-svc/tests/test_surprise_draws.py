"""Draws that anyone can check: with what a draw tells, and the standard library alone."""

import hashlib
import hmac

import pytest

from loyalty_svc.surprises import giving
from moat.kit.testing.callers import staff

from .house import House
from .lottery import PATH, Lottery, a_surprise


@pytest.fixture
def lottery(house: House) -> Lottery:
    return Lottery(house)


async def test_who_won_follows_from_the_seed_that_was_committed_before(lottery: Lottery):
    await lottery.publish("tea", a_surprise(winners=5))
    promised = await lottery.waiting("tea")
    members = await lottery.members(23)

    draw = await lottery.draw("tea")

    # What was promised before anybody was there to win.
    seed = bytes.fromhex(draw["seed"])
    assert (promised["id"], promised["seed"]) == (draw["id"], None)
    assert hashlib.sha256(seed).hexdigest() == promised["commitment"] == draw["commitment"]
    # Who might win.
    entries = await lottery.entries("tea", draw["id"], limit=7)
    ids = [entry["customer_id"] for entry in entries]
    assert sorted(ids) == sorted(map(str, members))
    listed = "".join(f"{one}\n" for one in sorted(ids))
    assert hashlib.sha256(listed.encode()).hexdigest() == draw["eligible_hash"]
    assert draw["eligible"] == len(ids)
    # Who won.
    ranked = sorted(ids, key=lambda one: hmac.new(seed, f"{draw['id']}:{one}".encode(), hashlib.sha256).digest())
    assert ids == ranked
    assert [entry["rank"] for entry in entries] == list(range(1, 24))
    assert [entry["outcome"] for entry in entries] == ["given"] * 5 + [None] * 18
    assert [await lottery.points(who) for who in members].count(50) == 5


async def test_the_commitment_stands_in_the_audit_before_and_the_list_after(lottery: Lottery):
    await lottery.publish("tea", a_surprise())
    await lottery.members(4)
    draw = await lottery.draw("tea")

    async with lottery.house.db.transaction() as tx:
        rows = await tx.all("SELECT action, detail FROM audit WHERE subject = 'surprise/tea' ORDER BY id")

    told = [(row.action, row.detail) for row in rows]
    assert [action for action, _ in told] == [
        "surprise.committed",
        "surprise.draw_started",
        "surprise.committed",
        "surprise.drawn",
    ]
    assert told[0][1] == {"draw_id": draw["id"], "commitment": draw["commitment"]}
    assert told[3][1]["eligible_hash"] == draw["eligible_hash"]


async def test_each_draw_has_a_seed_of_its_own_that_nobody_is_told_before(lottery: Lottery):
    await lottery.publish("tea", a_surprise())
    await lottery.members(1)
    first = await lottery.draw("tea")

    next_one = await lottery.waiting("tea")
    entries = await lottery.shop.ask("GET", f"{PATH}/tea/draws/{next_one['id']}/entries")

    assert next_one["commitment"] != first["commitment"]
    assert (next_one["seed"], next_one["eligible_hash"]) == (None, None)
    assert (entries.status_code, entries.json()["code"]) == (409, "surprises.not-drawn-yet")


async def test_a_draw_goes_on_slice_by_slice_from_where_a_worker_left_it(
    lottery: Lottery, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(giving, "LISTED_SLICE", 4)
    monkeypatch.setattr(giving, "GIVEN_SLICE", 2)
    members = await lottery.members(10)
    await lottery.publish("tea", a_surprise(winners=5))
    draw = (await lottery.start("tea")).json()

    progress = []
    for _ in range(6):
        # The worker is killed before it commits; another one comes.
        with pytest.raises(RuntimeError):
            async with lottery.house.db.transaction() as tx:
                await giving.go_on(tx, [draw["id"]], now=lottery.house.clock.now())
                raise RuntimeError("killed")
        await lottery.go_on(draw["id"])
        seen = await lottery.read("tea", draw["id"])
        progress.append((seen["state"], seen["customers"], seen["eligible"], seen["given"]))

    assert progress == [
        ("counting", 4, 4, 0),
        ("counting", 8, 8, 0),
        ("giving", 10, 10, 0),
        ("giving", 10, 10, 2),
        ("giving", 10, 10, 4),
        ("finished", 10, 10, 5),
    ]
    await lottery.run()
    assert sorted([await lottery.points(who) for who in members]) == [0] * 5 + [50] * 5
    assert len(await lottery.house.said("surprise.given")) == 5
    assert (await lottery.house.audit()).violations == []


async def test_an_empty_draw_says_that_nobody_was_there(lottery: Lottery):
    await lottery.publish("tea", a_surprise())

    draw = await lottery.draw("tea")

    assert (draw["state"], draw["ended_by"], draw["eligible"], draw["given"]) == ("finished", "eligible", 0, 0)
    assert draw["eligible_hash"] == hashlib.sha256(b"").hexdigest()


async def test_draws_and_entries_are_for_staff_and_paged(lottery: Lottery):
    await lottery.publish("tea", a_surprise(days=1))
    await lottery.members(3)
    drawn = await lottery.draw("tea")
    path = f"{PATH}/tea/draws?limit=1"

    first = (await lottery.shop.ask("GET", path)).json()
    rest = (await lottery.shop.ask("GET", f"{path}&cursor={first['next_cursor']}")).json()
    other = await lottery.shop.ask("GET", f"{PATH}/coffee/draws/{drawn['id']}")
    shop = lottery.shop
    shop.staff = staff("loyalty:read")
    reader = await shop.ask("POST", f"{PATH}/tea/draws")

    assert [one["state"] for one in first["items"] + rest["items"]] == ["committed", "finished"]
    assert rest["next_cursor"] is None
    assert (other.status_code, other.json()["code"]) == (404, "surprises.unknown-draw")
    assert reader.status_code == 403
