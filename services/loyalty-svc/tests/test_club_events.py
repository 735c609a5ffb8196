"""Events of clubs: places, the waiting list, moving up, calling off; and many who race for the last places."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from moat.kit.ids import uuid7

from .builders import at, merged
from .club_rooms import EVENTS, NAMES, Rooms, a_club, an_occasion, bought
from .house import House


@pytest.fixture
async def rooms(house: House) -> Rooms:
    rooms = Rooms(house)
    await rooms.publish(a_club())
    return rooms


async def test_fifty_race_for_the_last_ten_places_and_forty_wait_in_order(rooms: Rooms):
    members = [await rooms.member() for _ in range(50)]
    event = (await rooms.plan(places=10))["id"]

    answers = await asyncio.gather(*[rooms.book(who, event) for who in members])

    assert Counter((one.status_code, one.json()["state"]) for one in answers) == {
        (201, "booked"): 10,
        (201, "waiting"): 40,
    }
    assert sorted(one.json()["position"] for one in answers if one.json()["state"] == "waiting") == list(range(1, 41))
    found = await rooms.event(event)
    assert (found["taken"], found["waiting"]) == (10, 40)
    told = {str(about): told["position"] for _, about, told in await rooms.house.said("club.place_waiting")}
    assert [told[str(who)] for who in await rooms.places(event, "waiting")] == list(range(1, 41))
    assert len(await rooms.house.said("club.place_booked")) == 10


async def test_a_place_that_is_given_up_goes_to_who_waited_longest(rooms: Rooms):
    li, wang, zhao, sun = [await rooms.member() for _ in range(4)]
    event = (await rooms.plan(places=1))["id"]
    assert [await rooms.booked(who, event) for who in (li, wang, zhao, sun)] == [
        ("booked", None),
        ("waiting", 1),
        ("waiting", 2),
        ("waiting", 3),
    ]

    assert (await rooms.give_up(wang, event)).json()["state"] == "cancelled"
    (ahead,) = (await rooms.must("GET", f"/v1/customers/{sun}/loyalty/club-events", own=sun))["items"]
    assert (ahead["mine"]["state"], ahead["mine"]["position"], ahead["left"]) == ("waiting", 2, 0)
    assert (await rooms.give_up(li, event)).json()["reason"] == "by_member"

    assert await rooms.places(event) == [zhao]
    assert await rooms.places(event, "waiting") == [sun]
    assert await rooms.told(zhao) == ["joined", "place_waiting", "place_moved_up"]
    cancelled = [(about, told["was_waiting"]) for _, about, told in await rooms.house.said("club.place_cancelled")]
    assert cancelled == [(wang, True), (li, False)]
    assert (await rooms.give_up(li, event)).json()["code"] == "club-events.not-booked"
    # Who gave his place up may ask again, and is the last.
    rooms.house.clock.set(at(100.5))
    again = await rooms.ask("POST", f"/v1/customers/{li}/loyalty/club-events/{event}/book", {}, own=li)
    assert (again.json()["state"], again.json()["position"]) == ("waiting", 2)


async def test_cancelling_and_booking_at_once_never_leaves_a_place_empty_or_twice(rooms: Rooms):
    members = [await rooms.member() for _ in range(16)]
    event = (await rooms.plan(places=4))["id"]
    for who in members[:8]:
        await rooms.booked(who, event)

    await asyncio.gather(
        *[rooms.give_up(who, event) for who in members[:4]], *[rooms.book(who, event) for who in members[8:]]
    )

    found = await rooms.event(event)
    assert (found["taken"], found["waiting"]) == (4, 8)
    assert await rooms.places(event) == members[4:8]
    assert len(await rooms.places(event, "waiting")) == 8


async def test_the_same_booking_twice_is_one_place(rooms: Rooms):
    li = await rooms.member()
    event = (await rooms.plan(places=5))["id"]

    answers = await asyncio.gather(*[rooms.book(li, event) for _ in range(6)])

    assert {one.json()["id"] for one in answers} == {answers[0].json()["id"]}
    other = await rooms.ask("POST", f"/v1/customers/{li}/loyalty/club-events/{event}/book", {}, own=li)
    assert other.json()["code"] == "club-events.already-booked"
    assert (await rooms.event(event))["taken"] == 1


async def test_more_places_go_to_who_waits_and_fewer_than_taken_are_refused(rooms: Rooms):
    members = [await rooms.member() for _ in range(5)]
    planned = await rooms.ask("POST", EVENTS, an_occasion(places=2))
    event, tag = planned.json()["id"], {"If-Match": planned.headers["ETag"]}
    for who in members:
        await rooms.booked(who, event)
    body = an_occasion(places=4)
    del body["club"]

    changed = await rooms.ask("PUT", f"{EVENTS}/{event}", body, **tag)

    assert (changed.json()["taken"], changed.json()["waiting"]) == (4, 1)
    assert await rooms.places(event) == members[:4]
    assert [about for _, about, _ in await rooms.house.said("club.place_moved_up")] == members[2:4]
    assert (await rooms.ask("PUT", f"{EVENTS}/{event}", body, **tag)).status_code == 412
    assert (await rooms.ask("PUT", f"{EVENTS}/{event}", body)).status_code == 428
    fewer = await rooms.ask("PUT", f"{EVENTS}/{event}", body | {"places": 3}, **{"If-Match": changed.headers["ETag"]})
    assert (fewer.json()["code"], fewer.json()["taken"]) == ("club-events.fewer-than-taken", 4)
    assert await rooms.house.said("club.place_changed") == []


async def test_another_time_is_told_to_whoever_comes_or_waits(rooms: Rooms):
    li, wang = await rooms.member(), await rooms.member()
    planned = await rooms.ask("POST", EVENTS, an_occasion(places=1))
    event = planned.json()["id"]
    for who in (li, wang):
        await rooms.booked(who, event)
    body = an_occasion(places=1, day=111)
    del body["club"]

    await rooms.must("PUT", f"{EVENTS}/{event}", body, **{"If-Match": planned.headers["ETag"]})

    told = await rooms.house.said("club.place_changed")
    assert [(about, one["starts_at"][:10]) for _, about, one in told] == [
        (li, at(111).date().isoformat()),
        (wang, at(111).date().isoformat()),
    ]


async def test_an_event_that_is_called_off_tells_everybody_and_can_be_booked_no_more(rooms: Rooms):
    members = [await rooms.member() for _ in range(4)]
    planned = await rooms.ask("POST", EVENTS, an_occasion(places=2))
    event, tag = planned.json()["id"], {"If-Match": planned.headers["ETag"]}
    for who in members[:3]:
        await rooms.booked(who, event)

    cancelled = await rooms.must("POST", f"{EVENTS}/{event}/cancel", {"reason": "the speaker is ill"}, **tag)

    assert (cancelled["taken"], cancelled["waiting"], cancelled["allowed_actions"]) == (0, 0, [])
    told = [
        (about, one["reason"], one["was_waiting"]) for _, about, one in await rooms.house.said("club.place_cancelled")
    ]
    assert told == [(who, "event_cancelled", who == members[2]) for who in members[:3]]
    refused = (await rooms.book(members[3], event)).json()
    assert (refused["code"], refused["texts"]) == (
        "club-events.not-bookable",
        {"zh-CN": "活动已取消", "en": "The event was cancelled"},
    )
    (ahead,) = (await rooms.must("GET", f"/v1/customers/{members[0]}/loyalty/club-events"))["items"]
    assert (ahead["why_not"]["code"], ahead["allowed_actions"]) == ("cancelled", [])
    own = await rooms.must("GET", f"/v1/customers/{members[0]}/loyalty/club-places", own=members[0])
    assert [(one["state"], one["reason"]) for one in own["items"]] == [("cancelled", "event_cancelled")]


async def test_booking_has_its_hours_and_is_for_members(rooms: Rooms):
    li, stranger = await rooms.member(), await rooms.customer()
    opens = {"opens_at": at(102).isoformat(), "closes_at": at(108).isoformat()}
    event = (await rooms.plan(places=1, **opens))["id"]

    async def why_not(who: Any) -> str:
        answer = await rooms.ask("POST", f"/v1/customers/{who}/loyalty/club-events/{event}/book", {}, own=who)
        return str(answer.json().get("reason") or answer.json().get("state"))

    assert await why_not(li) == "not_open"
    rooms.house.clock.set(at(102))
    assert [await why_not(who) for who in (stranger, li)] == ["not_a_member", "booked"]
    rooms.house.clock.set(at(108))
    assert await why_not(li) == "closed"
    rooms.house.clock.set(at(110))
    assert await why_not(li) == "begun"
    assert (await rooms.give_up(li, event)).json()["code"] == "club-events.over"
    assert (await rooms.must("GET", f"/v1/customers/{li}/loyalty/club-events", own=li))["items"] == []
    assert (await rooms.must("GET", f"/v1/customers/{stranger}/loyalty/club-events", own=stranger))["items"] == []


async def test_who_is_a_member_no_more_is_passed_over_and_keeps_what_he_booked(rooms: Rooms):
    li, wang, zhao = [await rooms.member() for _ in range(3)]
    event = (await rooms.plan(places=1))["id"]
    for who in (li, wang, zhao):
        await rooms.booked(who, event)
    await rooms.act(wang, "leave", own=True)

    assert (await rooms.give_up(li, event, own=False)).json()["reason"] == "by_staff"

    assert await rooms.places(event) == [zhao]
    assert await rooms.places(event, "waiting") == [wang]
    await rooms.act(zhao, "leave", own=True)
    assert await rooms.places(event) == [zhao]


async def a_place_that_nobody_who_waits_could_have(rooms: Rooms) -> tuple[UUID, str]:
    """Who waited is a member no more when the only place is given up; (who waits, the event)."""
    rooms.house.clock.set(at(99))
    li, wang = await rooms.member(day=99), await rooms.member(day=70.5)
    event = (await rooms.plan(places=1, day=130))["id"]
    assert [await rooms.booked(who, event) for who in (li, wang)] == [("booked", None), ("waiting", 1)]
    await rooms.until(104)
    assert (await rooms.stands(wang))[0] == "lapsed"
    await rooms.give_up(li, event)
    assert (await rooms.event(event))["taken"] == 0
    rooms.house.clock.set(at(105))
    return wang, event


async def test_who_waited_and_is_a_member_again_goes_before_who_asks_later(rooms: Rooms):
    wang, event = await a_place_that_nobody_who_waits_could_have(rooms)
    await rooms.house.learn(bought(wang, day=105))

    zhao = await rooms.member(day=105)
    asked = await rooms.booked(zhao, event)

    assert asked == ("waiting", 1)
    assert (await rooms.places(event), await rooms.places(event, "waiting")) == ([wang], [zhao])
    found = await rooms.event(event)
    assert (found["taken"], found["waiting"]) == (1, 1)
    assert (await rooms.told(wang))[-1] == "place_moved_up"


async def test_who_waits_and_is_no_member_lets_others_have_the_place(rooms: Rooms):
    wang, event = await a_place_that_nobody_who_waits_could_have(rooms)
    zhao = await rooms.member(day=105)

    assert await rooms.booked(zhao, event) == ("booked", None)

    assert (await rooms.places(event), await rooms.places(event, "waiting")) == ([zhao], [wang])


async def test_who_waited_has_the_free_place_as_soon_as_he_is_a_member_again(rooms: Rooms):
    wang, event = await a_place_that_nobody_who_waits_could_have(rooms)
    await rooms.house.learn(bought(wang, day=105))

    await rooms.seat()

    assert await rooms.places(event) == [wang]
    found = await rooms.event(event)
    assert (found["taken"], found["waiting"]) == (1, 0)
    await rooms.seat()
    assert (await rooms.told(wang)).count("place_moved_up") == 1


async def test_of_two_places_of_one_person_the_better_is_kept_and_the_other_goes_on(rooms: Rooms):
    li, wang, zhao, sun = [await rooms.member() for _ in range(4)]
    event, other = (await rooms.plan(places=2))["id"], (await rooms.plan(places=2, day=111))["id"]
    for who in (li, wang, zhao):
        await rooms.booked(who, event)
    await rooms.booked(wang, other)

    await rooms.house.learn(merged(wang, li, day=100))

    assert sorted(await rooms.places(event)) == sorted([li, zhao])
    assert await rooms.places(other) == [li]
    assert (await rooms.event(event))["taken"] == 2
    assert [told["reason"] for _, _, told in await rooms.house.said("club.place_cancelled")] == ["merged"]

    await rooms.booked(sun, event)
    await rooms.house.learn(merged(zhao, sun, day=100))
    assert sorted(await rooms.places(event)) == sorted([li, sun])
    assert await rooms.places(event, "waiting") == []


async def test_events_that_cannot_be_are_refused_with_each_place(rooms: Rooms):
    wrong = an_occasion(starts_at=at(99).isoformat(), ends_at=at(98).isoformat(), closes_at=at(99.5).isoformat())

    answer = (await rooms.ask("POST", EVENTS, wrong)).json()

    assert [one["pointer"] for one in answer["errors"]] == ["/starts_at", "/ends_at", "/closes_at"]
    assert (await rooms.ask("POST", EVENTS, an_occasion("none"))).json()["code"] == "clubs.unknown"
    assert (await rooms.ask("POST", EVENTS, an_occasion(places=0))).status_code == 422
    one_language = an_occasion() | {"place": {"en": "Here"}}
    assert (await rooms.ask("POST", EVENTS, one_language)).status_code == 422
    for path in (f"{EVENTS}/{uuid7()}", f"{EVENTS}/{uuid7()}/places"):
        assert (await rooms.ask("GET", path)).json()["code"] == "club-events.unknown"


async def test_staff_list_events_page_by_page_and_members_may_not(rooms: Rooms):
    li = await rooms.member()
    days = [112, 110, 111]
    for day in days:
        await rooms.plan(day=day)

    first = await rooms.must("GET", f"{EVENTS}?club=circle&limit=2")
    rest = await rooms.must("GET", f"{EVENTS}?club=circle&limit=2&cursor={first['next_cursor']}")
    ahead = await rooms.must("GET", f"/v1/customers/{li}/loyalty/club-events?limit=2", own=li)

    starts = [one["starts_at"][:10] for one in first["items"] + rest["items"]]
    assert starts == [at(day).date().isoformat() for day in sorted(days)]
    assert ([one["name"] for one in ahead["items"]], ahead["next_cursor"] is None) == ([NAMES["en"]] * 2, False)
    assert (await rooms.ask("GET", EVENTS, own=li)).status_code == 403
    assert (await rooms.ask("POST", EVENTS, an_occasion(), own=li)).status_code == 403
