"""Signing in, who am I, customer tokens, staff."""

from uuid import uuid4

import pytest


async def test_the_first_admin_signs_in_and_is_himself(house):
    answer = await house.sign_in()

    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    me = (await house.client.get("/v1/me", headers=house.with_token(answer.json()["access_token"]))).json()
    assert me["kind"] == "staff"
    assert me["email"] == "admin@moat.example"
    assert "identity" in me["scopes"]


async def test_an_unknown_e_mail_is_refused_in_the_same_words_as_a_wrong_password(house):
    wrong = await house.sign_in(password="not his password")
    unknown = await house.sign_in(email="nobody@moat.example", password="not his password")

    assert wrong.status_code == unknown.status_code == 401
    left, right = wrong.json(), unknown.json()
    assert {k: v for k, v in left.items() if k != "instance"} == {k: v for k, v in right.items() if k != "instance"}


@pytest.mark.parametrize("email", ["a\u0000b@c.d", "x" * 200, "' OR 1=1 --"])
async def test_strange_e_mails_are_refused_like_any_other(house, email):
    answer = await house.sign_in(email=email)

    assert answer.status_code in (401, 422)


async def test_the_eleventh_attempt_in_a_minute_for_one_e_mail_has_to_wait(house):
    answers = [await house.sign_in(email="Victim@moat.example", password="guess") for _ in range(11)]

    assert [a.status_code for a in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_a_customer_token_is_good_for_that_customer_a_quarter_of_an_hour(house):
    customer = str(uuid4())

    answer = await house.client.post(
        "/v1/auth/customer-tokens", json={"customer_id": customer}, headers=house.as_admin()
    )

    assert answer.json()["expires_in_seconds"] == 900
    token = house.with_token(answer.json()["access_token"])
    me = (await house.client.get("/v1/me", headers=token)).json()
    assert (me["kind"], me["customer_id"], me["scopes"]) == ("customer", customer, [])
    assert (await house.client.get("/v1/staff", headers=token)).status_code == 403


async def test_who_lacks_the_scope_gets_no_customer_token(house):
    answer = await house.client.post(
        "/v1/auth/customer-tokens", json={"customer_id": str(uuid4())}, headers=house.as_intake()
    )

    assert answer.status_code == 403


async def hire(house, **changes):
    body = {"email": "Li@moat.example", "name": "李", "roles": ["agent"], "password": "long enough password"}
    return await house.client.post("/v1/staff", json=body | changes, headers=house.as_admin())


async def test_a_member_of_staff_is_added_changed_and_shown(house):
    added = await hire(house)
    assert added.status_code == 201
    staff_id = added.json()["id"]

    changed = await house.client.patch(
        f"/v1/staff/{staff_id}",
        json={"name": "Li Na"},
        headers=house.as_admin() | {"If-Match": added.headers["etag"]},
    )

    assert changed.json()["name"] == "Li Na"
    listed = (await house.client.get("/v1/staff", headers=house.as_admin())).json()["items"]
    assert [person["email"] for person in listed] == ["admin@moat.example", "li@moat.example"]
    assert "password" not in str(listed)


async def test_edits_need_the_version_that_was_read(house):
    staff_id = (await hire(house)).json()["id"]
    edit = {"url": f"/v1/staff/{staff_id}", "json": {"name": "x"}}

    without = await house.client.patch(**edit, headers=house.as_admin())
    stale = await house.client.patch(**edit, headers=house.as_admin() | {"If-Match": '"7"'})
    unknown = await house.client.patch(edit["url"], json={"email": "x"}, headers=house.as_admin() | {"If-Match": '"1"'})

    assert (without.status_code, stale.status_code, unknown.status_code) == (428, 412, 422)


async def test_other_roles_end_the_tokens_that_are_out(house):
    staff_id = (await hire(house)).json()["id"]
    theirs = await house.as_staff("li@moat.example", "long enough password")
    assert (await house.client.get("/v1/me", headers=theirs)).status_code == 200

    await house.client.patch(
        f"/v1/staff/{staff_id}", json={"roles": ["analyst"]}, headers=house.as_admin() | {"If-Match": '"1"'}
    )

    assert (await house.client.get("/v1/me", headers=theirs)).status_code == 401


async def test_the_last_admin_stays(house):
    me = (await house.client.get("/v1/me", headers=await house.as_staff())).json()

    answer = await house.client.patch(
        f"/v1/staff/{me['id']}", json={"is_active": False}, headers=house.as_admin() | {"If-Match": '"1"'}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "identity.last-admin")


async def test_an_e_mail_belongs_to_one_person(house):
    await hire(house)

    assert (await hire(house, email="LI@moat.example")).status_code == 409


async def test_nobody_gives_away_more_than_he_has(house):
    await hire(house, roles=["manager"])
    manager = await house.as_staff("li@moat.example", "long enough password")
    keeper = await house.client.post(
        "/v1/api-keys", json={"name": "keeper", "scopes": ["identity"]}, headers=house.as_admin()
    )

    by_manager = await house.client.post("/v1/api-keys", json={"name": "x", "scopes": ["ops"]}, headers=manager)
    by_keeper = await house.client.post(
        "/v1/api-keys", json={"name": "x", "scopes": ["ops"]}, headers=house.with_token(keeper.json()["key"])
    )

    assert (by_manager.status_code, by_keeper.status_code) == (403, 403)
    assert by_keeper.json()["code"] == "identity.beyond-own-rights"


async def test_every_change_is_in_the_audit_and_the_chain_holds(house):
    from moat.kit.audit import first_broken

    await hire(house)

    async with house.process.db.transaction() as tx:
        actions = [row.action for row in await tx.all("SELECT action FROM audit ORDER BY id")]
        broken = await first_broken(tx)
    assert actions[-1] == "staff.added"
    assert broken is None
