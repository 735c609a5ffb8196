"""The doors of clubs: invitations, who may see and do what, refusals in both languages, pages."""

import pytest

from moat.kit.ids import uuid7

from .builders import at, merged
from .club_rooms import PATH, Rooms, a_club, bought, by_value
from .house import House


@pytest.fixture
async def rooms(house: House) -> Rooms:
    rooms = Rooms(house)
    await rooms.publish(a_club(by_invitation=True))
    return rooms


async def test_an_invited_customer_joins_with_his_own_token(rooms: Rooms):
    li = await rooms.customer()
    invitation = (await rooms.invite(li, until=at(105).isoformat())).json()
    assert (invitation["state"], invitation["allowed_actions"]) == ("open", ["accept", "decline", "withdraw"])
    assert (await rooms.of(li, own=True))["allowed_actions"] == ["accept"]
    assert (await rooms.of(li, language="zh-CN"))["status_text"] == "已受邀"

    accepted = await rooms.answer(li, invitation["id"], "accept")

    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert await rooms.stands(li) == ("active", at(130))
    assert (await rooms.of(li, own=True))["allowed_actions"] == ["leave"]
    again = (await rooms.answer(li, invitation["id"], "accept")).json()
    assert (again["code"], again["texts"]["zh-CN"]) == ("clubs.invitation-over", "邀请已被接受")
    assert await rooms.told(li) == ["invited", "joined"]


async def test_an_invitation_is_declined_withdrawn_or_out_of_date(rooms: Rooms):
    li, wang, zhao = [await rooms.customer() for _ in range(3)]
    ids = [(await rooms.invite(who, until=at(105).isoformat())).json()["id"] for who in (li, wang, zhao)]

    assert (await rooms.answer(li, ids[0], "decline")).json()["state"] == "declined"
    assert (await rooms.answer(wang, ids[1], "withdraw")).status_code == 403
    assert (await rooms.answer(wang, ids[1], "withdraw", own=False)).json()["state"] == "withdrawn"
    rooms.house.clock.set(at(105))
    assert (await rooms.answer(zhao, ids[2], "accept")).json()["state"] == "expired"
    listed = await rooms.must("GET", f"/v1/customers/{zhao}/loyalty/club-invitations", own=zhao)
    assert [(one["state"], one["allowed_actions"]) for one in listed["items"]] == [("expired", [])]

    # One that is out of date makes way for another.
    assert (await rooms.invite(zhao)).status_code == 201
    assert await rooms.told() == ["invited"] * 3 + ["invitation_declined", "invitation_withdrawn", "invited"]


async def test_invitations_that_cannot_be_are_refused_with_the_reason(rooms: Rooms):
    await rooms.publish(a_club(), "shut")
    li, member = await rooms.customer(), await rooms.member()
    await rooms.invite(li)

    assert (await rooms.invite(li)).json()["code"] == "clubs.already-invited"
    assert (await rooms.invite(member)).json()["texts"]["en"] == "Already a member of this club"
    assert (await rooms.invite(li, "shut")).json()["code"] == "clubs.closed"
    unknown = (await rooms.invite(li, "circel")).json()
    assert (unknown["code"], "did you mean circle?" in unknown["detail"]) == ("clubs.unknown", True)
    past = (await rooms.invite(member, until=at(99).isoformat())).json()
    assert [one["pointer"] for one in past["errors"]] == ["/until"]


async def test_the_same_key_invites_and_leaves_once(rooms: Rooms):
    li = await rooms.customer()
    path, body = f"/v1/customers/{li}/loyalty/club-invitations", {"club": "circle"}

    answers = [await rooms.ask("POST", path, body, **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert await rooms.told() == ["invited"]


async def test_nobody_sees_or_answers_what_is_anothers(rooms: Rooms):
    li, wang = await rooms.customer(), await rooms.member()
    invitation = (await rooms.invite(li)).json()["id"]

    for path in ("clubs", "club-invitations", "clubs/circle/facts", "benefits"):
        assert (await rooms.ask("GET", f"/v1/customers/{li}/loyalty/{path}", own=wang)).status_code == 404
        assert (await rooms.ask("GET", f"/v1/customers/{li}/loyalty/{path}", own=li)).status_code == 200
    own_path = f"/v1/customers/{wang}/loyalty/club-invitations/{invitation}/accept"
    assert (await rooms.ask("POST", own_path, {}, own=wang)).json()["code"] == "clubs.unknown-invitation"
    assert (await rooms.ask("GET", f"{PATH}/circle/members", own=li)).status_code == 403
    assert (await rooms.ask("GET", PATH, own=li)).status_code == 403
    assert (await rooms.ask("POST", f"/v1/customers/{li}/loyalty/clubs/none/leave", {}, own=li)).status_code == 404


async def test_lists_go_page_by_page(rooms: Rooms):
    members = sorted([await rooms.member() for _ in range(3)])
    for code in ("a-club", "z-club"):
        await rooms.publish(a_club(), code)

    first = await rooms.must("GET", f"{PATH}/circle/members?limit=2")
    rest = await rooms.must("GET", f"{PATH}/circle/members?limit=2&cursor={first['next_cursor']}")
    assert [one["customer_id"] for one in first["items"] + rest["items"]] == [str(one) for one in members]
    path = f"/v1/customers/{members[0]}/loyalty/clubs"
    first = await rooms.must("GET", f"{path}?limit=2")
    rest = await rooms.must("GET", f"{path}?limit=2&cursor={first['next_cursor']}")
    assert [one["club"] for one in first["items"] + rest["items"]] == ["a-club", "circle", "z-club"]


async def test_other_services_read_what_a_member_has_on_top_of_his_tier(rooms: Rooms):
    li = await rooms.member(day=99)

    found = await rooms.must("GET", f"/v1/customers/{li}/loyalty/benefits", **{"Accept-Language": "zh-CN"})

    assert (found["tier"], [club["club"] for club in found["clubs"]]) == ("member", ["circle"])
    assert found["clubs"][0]["benefits"] == [{"code": "tea", "name": "免费茶水", "terms": {"cups": 2}}]
    assert found["clubs"][0]["until"].startswith(at(132).date().isoformat())


async def test_an_invitation_follows_a_merge_and_of_two_one_is_left(rooms: Rooms):
    li, wang = await rooms.customer(), await rooms.customer()
    for who in (li, wang):
        await rooms.invite(who)

    await rooms.house.learn(merged(wang, li, day=99))

    listed = await rooms.must("GET", f"/v1/customers/{li}/loyalty/club-invitations")
    assert sorted(one["state"] for one in listed["items"]) == ["open", "withdrawn"]


async def test_a_member_by_payment_who_accepts_has_a_further_term(rooms: Rooms):
    li = await rooms.customer()
    invitation = (await rooms.invite(li)).json()["id"]
    await rooms.house.learn(bought(li, day=100))

    assert (await rooms.answer(li, invitation, "accept")).status_code == 200
    assert await rooms.stands(li) == ("active", at(160))


async def test_publishing_a_club_over_an_unknown_account_type_names_the_nearest(rooms: Rooms):
    document = a_club(**by_value(10, kind="growth"))
    document["by_value"]["value"]["account_type"] = "grwoth"
    draft = await rooms.ask("POST", PATH, {"code": "x", "document": document})

    answer = await rooms.ask("POST", f"{PATH}/x/publish", {}, **{"If-Match": draft.headers["ETag"]})

    assert answer.status_code == 422
    assert "did you mean growth?" in answer.text
    assert (await rooms.ask("GET", f"/v1/customers/{uuid7()}/loyalty/clubs")).status_code in (404, 503)
