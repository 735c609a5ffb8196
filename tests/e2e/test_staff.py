"""Staff and keys: signing in, what a role may do, and how rights end at once."""

from dataclasses import dataclass

import pytest

from whole.facts import a_shopper, word
from whole.house import Document, House
from whole.waiting import until


@dataclass(frozen=True)
class Colleague:
    """A member of staff who has just been hired."""

    email: str
    password: str
    file: Document


def hire(house: House, *roles: str) -> Colleague:
    email, password = f"{word()}@moat.example", f"a good password {word()}"
    body = {"email": email, "name": "Chen", "roles": list(roles), "password": password}
    return Colleague(email, password, house.post("/v1/staff", body))


def sign_in(house: House, colleague: Colleague) -> str:
    return house.sign_in(colleague.email, colleague.password)


def test_the_admin_of_ready_json_signs_in_and_is_told_who_he_is(house: House):
    answer = house.post("/v1/auth/tokens", house.staff, token="")

    me = house.get("/v1/me", token=answer["access_token"])
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in_seconds"] > 0
    assert (me["kind"], me["email"], me["roles"]) == ("staff", house.staff["email"], ["admin"])
    assert {"ops", "identity", "customers:read"} <= set(me["scopes"])


def test_a_wrong_password_and_an_unknown_address_are_refused_in_the_same_words(house: House):
    colleague = hire(house, "agent")
    bodies = [{"email": email, "password": "not this one"} for email in (colleague.email, f"{word()}@moat.example")]

    answers = [house.call("POST", "/v1/auth/tokens", token="", json=body) for body in bodies]

    assert [answer.status_code for answer in answers] == [401, 401]
    first, second = ({k: v for k, v in a.json().items() if k not in ("instance", "request_id")} for a in answers)
    assert first == second


def test_guessing_is_limited_per_address(house: House):
    body = {"email": f"{word()}@moat.example", "password": "a guess"}

    answers = [house.call("POST", "/v1/auth/tokens", token="", json=body) for _ in range(11)]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("manager", "/v1/scores/summary", "/v1/ops/status"),
        ("agent", "/v1/tickets", "/v1/staff"),
        ("analyst", "/v1/risks", "/v1/loyalty/audit"),
    ],
)
def test_a_role_opens_its_doors_and_no_others(house: House, role: str, may: str, may_not: str):
    token = sign_in(house, hire(house, role))

    assert house.call("GET", may, token=token).status_code == 200
    assert house.call("GET", may_not, token=token).status_code == 403


def test_only_who_may_write_writes(house: House):
    shopper = a_shopper()
    house.tell(shopper.paid(100))
    body = {
        "customer_id": house.customer(shopper)["id"],
        "kind": "complaint",
        "subject": "Late",
        "body": "Too late",
        "channel": "phone",
    }

    agent, analyst = (sign_in(house, hire(house, role)) for role in ("agent", "analyst"))

    assert house.call("POST", "/v1/tickets", token=agent, json=body).status_code == 201
    assert house.call("POST", "/v1/tickets", token=analyst, json=body).status_code == 403


def test_leaving_ends_the_tokens_that_are_out(house: House):
    colleague = hire(house, "agent")
    token = sign_in(house, colleague)
    path = f"/v1/staff/{colleague.file['id']}"
    etag = house.call("GET", path).headers["ETag"]

    answer = house.call("PATCH", path, json={"is_active": False}, headers={"If-Match": etag})

    assert answer.status_code == 200, answer.text
    until(lambda: house.call("GET", "/v1/me", token=token).status_code == 401, 10)
    body = {"email": colleague.email, "password": colleague.password}
    assert house.call("POST", "/v1/auth/tokens", token="", json=body).status_code == 401


def test_a_key_is_shown_once_opens_what_it_is_for_and_is_revoked_at_once(house: House):
    made = house.api_key("customers:read")
    listed = next(one for one in house.every("/v1/api-keys") if one["id"] == made["id"])

    assert made["key"].startswith(f"mk_{made['id']}_")
    assert "key" not in listed
    assert house.call("GET", "/v1/customers", token=made["key"]).status_code == 200
    assert house.call("GET", "/v1/tickets", token=made["key"]).status_code == 403
    assert house.call("DELETE", f"/v1/api-keys/{made['id']}").status_code == 204
    assert house.call("GET", "/v1/customers", token=made["key"]).status_code == 401
    assert house.call("DELETE", f"/v1/api-keys/{made['id']}").status_code == 204


def test_the_intake_key_only_sends(house: House):
    assert house.get("/v1/me", token=house.intake)["scopes"] == ["events:write"]
    assert house.call("GET", "/v1/customers", token=house.intake).status_code == 403
