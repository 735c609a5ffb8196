"""Edits say which version they were made on, and a POST said twice happens once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from whole.facts import Shopper, a_shopper, word
from whole.house import House


@pytest.fixture
def shopper(house: House) -> Shopper:
    """A known customer."""
    somebody = a_shopper()
    house.tell(somebody.paid(100))
    return somebody


def test_a_patch_with_the_version_it_was_made_on_changes_what_it_names(house: House, shopper: Shopper):
    path = f"/v1/customers/{house.customer(shopper)['id']}"
    etag = house.call("GET", path).headers["ETag"]

    answer = house.call("PATCH", path, json={"name": "王小明", "locale": "zh-CN"}, headers={"If-Match": etag})

    assert (answer.status_code, answer.json()["name"]) == (200, "王小明")
    assert answer.headers["ETag"] == house.call("GET", path).headers["ETag"] != etag
    assert house.customer(shopper)["id"] in [one["id"] for one in house.every("/v1/customers", q="小明")]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, {"name": "Li"}, 428),
        ({"If-Match": '"999"'}, {"name": "Li"}, 412),
        ({"If-Match": "current"}, {"orders_count": 7}, 422),
        ({"If-Match": "current"}, {"nickname": "Li"}, 422),
        ({"If-Match": "current"}, {"birthday": "1990-02-30"}, 422),
        ({"If-Match": "current"}, {"zone": "Mars/Olympus"}, 422),
    ],
)
def test_any_other_patch_changes_nothing(
    house: House, shopper: Shopper, headers: dict[str, str], body: dict[str, object], status: int
):
    path = f"/v1/customers/{house.customer(shopper)['id']}"
    before = house.call("GET", path)
    sent = {name: before.headers["ETag"] if value == "current" else value for name, value in headers.items()}

    answer = house.call("PATCH", path, json=body, headers=sent)

    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    if status == 422:
        assert next(iter(body)) in answer.json()["errors"][0]["pointer"]
    assert house.get(path) == before.json()


def test_of_two_edits_on_one_version_one_wins(house: House, shopper: Shopper):
    path = f"/v1/customers/{house.customer(shopper)['id']}"
    etag = house.call("GET", path).headers["ETag"]

    with ThreadPoolExecutor(6) as together:
        answers = list(
            together.map(
                lambda n: house.call("PATCH", path, json={"name": f"Li {n}"}, headers={"If-Match": etag}), range(6)
            )
        )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]


def _ticket(house: House, shopper: Shopper, subject: str = "Where?") -> dict[str, str]:
    customer_id = house.customer(shopper)["id"]
    return {"customer_id": customer_id, "kind": "question", "subject": subject, "body": "?", "channel": "phone"}


def test_the_same_key_and_body_at_once_have_one_effect_and_one_answer(house: House, shopper: Shopper):
    body, key = _ticket(house, shopper), {"Idempotency-Key": word()}

    with ThreadPoolExecutor(8) as together:
        answers = list(together.map(lambda _: house.call("POST", "/v1/tickets", json=body, headers=key), range(12)))
    last = house.call("POST", "/v1/tickets", json=body, headers=key)

    # One that is still running answers 409 with Retry-After; who asks again gets the stored answer.
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in (*answers, last) if answer.status_code == 201}) == 1
    assert (last.status_code, last.headers["Idempotent-Replayed"]) == (201, "true")
    assert len(house.tickets(body["customer_id"])) == 1


def test_the_same_key_with_another_body_is_refused(house: House, shopper: Shopper):
    key = {"Idempotency-Key": word()}
    house.post("/v1/tickets", _ticket(house, shopper), headers=key)

    answer = house.call("POST", "/v1/tickets", json=_ticket(house, shopper, "Something else"), headers=key)

    assert answer.status_code == 422, answer.text


def test_an_illegal_move_of_a_ticket_is_a_conflict_that_says_what_is_allowed(house: House, shopper: Shopper):
    ticket = house.post("/v1/tickets", _ticket(house, shopper))
    path = f"/v1/tickets/{ticket['id']}"

    assert house.call("POST", f"{path}/reopen").status_code == 409
    assert house.post(f"{path}/solve", {"resolution": "done"})["allowed_actions"]
    assert house.post(f"{path}/close")["status"] == "closed"
    assert house.call("POST", f"{path}/solve", json={"resolution": "again"}).status_code == 409
