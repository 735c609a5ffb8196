"""Draws at once, on real connections: nobody gets two, no budget is passed, a key draws once."""

import asyncio
from collections import Counter

import pytest

from loyalty_svc.surprises import giving

from .builders import merged
from .house import House
from .lottery import PATH, Lottery, a_surprise


@pytest.fixture
def lottery(house: House) -> Lottery:
    return Lottery(house)


async def given(lottery: Lottery) -> Counter:
    return Counter(about for _, about, _ in await lottery.house.said("surprise.given"))


async def drawn(lottery: Lottery, *codes: str) -> list[str]:
    """Draws of these, each with its list, ready to give."""
    draws = [(await lottery.start(code)).json()["id"] for code in codes]
    for draw in draws:
        await lottery.go_on(draw)
    return draws


async def test_two_draws_at_once_never_give_one_customer_two(lottery: Lottery, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(giving, "GIVEN_SLICE", 7)
    members = await lottery.members(40)
    for code in ("tea", "cake", "pie"):
        await lottery.publish(code, a_surprise(winners=40))
    draws = await drawn(lottery, "tea", "cake", "pie")

    # 21 slices at most have something to give.
    for _ in range(21):
        await asyncio.gather(*(lottery.go_on(draw) for draw in draws))

    assert await given(lottery) == dict.fromkeys(members, 1)
    assert [await lottery.points(who) for who in members] == [50] * 40
    told = [await lottery.read(code, id_) for code, id_ in zip(("tea", "cake", "pie"), draws, strict=True)]
    assert sum(one["given"] for one in told) == 40
    assert {one["ended_by"] for one in told} == {"eligible"}
    assert (await lottery.house.audit()).violations == []


async def test_two_workers_on_one_draw_give_each_gift_once_and_keep_the_budget(lottery: Lottery):
    await lottery.members(30)
    await lottery.publish("tea", a_surprise(points=50, winners=30, budget=999))
    (draw,) = await drawn(lottery, "tea")

    await asyncio.gather(*(lottery.go_on(draw) for _ in range(5)), lottery.shop.fire("surprises.draw"))

    counts = await given(lottery)
    assert (len(counts), set(counts.values())) == (19, {1})
    told = await lottery.read("tea", draw)
    assert (told["given"], told["ended_by"]) == (19, "budget")


async def test_of_many_who_start_a_draw_at_once_one_does(lottery: Lottery):
    await lottery.members(5)
    await lottery.publish("tea", a_surprise())

    answers = await asyncio.gather(*(lottery.start("tea") for _ in range(8)))

    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 7}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"surprises.draw-running"}


async def test_the_same_key_draws_once(lottery: Lottery):
    await lottery.members(5)
    await lottery.publish("tea", a_surprise(winners=1))

    answers = await asyncio.gather(*(lottery.start("tea", **{"Idempotency-Key": "k"}) for _ in range(6)))
    await lottery.run()
    later = await lottery.start("tea", **{"Idempotency-Key": "k"})
    await lottery.run()

    assert {answer.status_code for answer in (*answers, later)} == {202}
    assert len({answer.json()["id"] for answer in (*answers, later)}) == 1
    assert len(await given(lottery)) == 1


async def test_a_merge_and_a_draw_at_once_lose_no_gift(lottery: Lottery):
    members = await lottery.members(12)
    await lottery.publish("tea", a_surprise(winners=12))
    (draw,) = await drawn(lottery, "tea")

    pairs = list(zip(members[::2], members[1::2], strict=True))
    await asyncio.gather(
        lottery.go_on(draw), *(lottery.house.learn(merged(from_id, into, day=100)) for from_id, into in pairs)
    )
    await lottery.run()

    gifts = sum((await given(lottery)).values())
    survivors = [into for _, into in pairs]
    assert sum([await lottery.points(who) for who in survivors]) == gifts * 50
    assert sum([len(await lottery.won(who)) for who in survivors]) == gifts
    assert (await lottery.house.audit()).violations == []


async def test_publishing_and_starting_at_once_leave_one_draw_waiting(lottery: Lottery):
    await lottery.members(2)
    await lottery.publish("tea", a_surprise())

    await asyncio.gather(lottery.start("tea"), lottery.publish("tea", a_surprise(points=60)))
    await lottery.run()

    answer = await lottery.shop.ask("GET", f"{PATH}/tea/draws")
    assert Counter(one["state"] for one in answer.json()["items"]) == {"committed": 1, "finished": 1}
