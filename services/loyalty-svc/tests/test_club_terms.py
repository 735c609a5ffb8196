"""Terms of clubs as time goes by: reminders, days of grace, lapsing, outages, and clubs that change."""

import pytest

from .builders import at
from .club_rooms import Rooms, a_club, bought
from .house import House


@pytest.fixture
def rooms(house: House) -> Rooms:
    return Rooms(house)


async def test_a_member_is_told_once_has_days_of_grace_and_lapses_after_them(rooms: Rooms):
    await rooms.publish(a_club())
    li = await rooms.member(day=90)

    await rooms.until(112.9)
    assert await rooms.told(li) == ["joined"]
    for day in (113, 113, 115, 119.9):
        await rooms.until(day)
    assert await rooms.told(li) == ["joined", "ending_soon"]
    await rooms.until(120)
    assert (await rooms.of(li))["status"] == "grace"
    assert (await rooms.must("GET", f"/v1/customers/{li}/loyalty/benefits"))["clubs"][0]["benefits"][0]["code"] == "tea"
    await rooms.until(123)

    assert (await rooms.of(li))["status"] == "lapsed"
    assert (await rooms.must("GET", f"/v1/customers/{li}/loyalty/benefits"))["clubs"] == []
    assert await rooms.told(li) == ["joined", "ending_soon", "lapsed"]
    assert [
        at(120).isoformat()[:19] in told["ends_at"] for _, _, told in await rooms.house.said("club.ending_soon")
    ] == [True]


async def test_paying_in_the_days_of_grace_renews_without_a_gap(rooms: Rooms):
    await rooms.publish(a_club())
    li = await rooms.member(day=90)

    await rooms.until(122)
    await rooms.house.learn(bought(li, day=122))
    await rooms.until(124)

    assert await rooms.stands(li) == ("active", at(150))
    await rooms.until(143)
    assert await rooms.told(li) == ["joined", "ending_soon", "renewed", "ending_soon"]


async def test_an_outage_skips_nobody_and_a_payment_known_late_brings_him_back(rooms: Rooms):
    await rooms.publish(a_club())
    many = [await rooms.member(day=90) for _ in range(3)]

    await rooms.until(122.5)
    assert [await rooms.told(one) for one in many] == [["joined", "ending_soon"]] * 3
    await rooms.until(140)
    assert [(await rooms.told(one))[-1] for one in many] == ["lapsed"] * 3
    await rooms.house.learn(bought(many[0], day=121))

    assert await rooms.stands(many[0]) == ("active", at(150))
    assert await rooms.told(many[0]) == ["joined", "ending_soon", "lapsed", "renewed"]


async def test_what_is_over_is_not_shown_as_running_although_no_timer_has_rung(rooms: Rooms):
    await rooms.publish(a_club())
    li = await rooms.member(day=90)

    rooms.house.clock.set(at(130))

    assert (await rooms.of(li))["status"] == "lapsed"
    assert (await rooms.act(li, "leave", own=True)).json()["code"] == "clubs.not-a-member"
    assert (await rooms.must("GET", "/v1/loyalty/clubs/circle/members"))["items"] == []
    assert len((await rooms.must("GET", "/v1/loyalty/clubs/circle/members?only_members=false"))["items"]) == 1


async def test_a_retired_club_takes_nobody_in_and_lets_terms_run_out(rooms: Rooms):
    await rooms.publish(a_club())
    li, wang = await rooms.member(day=90), await rooms.customer()
    etag = (await rooms.ask("GET", "/v1/loyalty/clubs/circle")).headers["ETag"]
    await rooms.must("POST", "/v1/loyalty/clubs/circle/retire", {}, **{"If-Match": etag})

    rooms.house.clock.set(at(101))
    await rooms.house.learn(bought(wang, day=101), bought(li, day=101))

    assert await rooms.stands(li) == ("active", at(120))
    path = f"/v1/customers/{wang}/loyalty/clubs"
    assert (await rooms.must("GET", path))["items"] == []
    await rooms.until(123)
    assert (await rooms.told(li))[-1] == "lapsed"


async def test_a_term_stays_as_it_was_given_when_the_club_changes(rooms: Rooms):
    await rooms.publish(a_club())
    li = await rooms.member(day=90)
    await rooms.publish(a_club(term={"unit": "months", "count": 1}, grace_days=0, benefits=[]), since=None)

    assert await rooms.stands(li) == ("active", at(120))
    assert (await rooms.of(li))["benefits"] == []
    rooms.house.clock.set(at(101))
    await rooms.house.learn(bought(li, day=101))
    # The term that runs ends on 10 December; a month later it is 10 January.
    assert (await rooms.of(li))["ends_at"].startswith("2027-01-10")
