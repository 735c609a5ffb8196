"""One call that shows a customer."""

from uuid import uuid4

from pydantic_core import to_json

from gateway.proxy.routing import CUSTOMER, LOYALTY, NOTIFY, SCORING, TICKET

ID = str(uuid4())
PATH = f"/v1/customers/{ID}/overview"


def tell(house, changes=None):
    answers = {
        (CUSTOMER, f"/v1/customers/{ID}"): (200, {"id": ID, "name": "张三"}),
        (LOYALTY, f"/v1/customers/{ID}/loyalty"): (200, {"customer_id": ID, "accounts": []}),
        (SCORING, f"/v1/customers/{ID}/scores"): (200, {"customer_id": ID, "risk": None}),
        (TICKET, "/v1/tickets"): (200, {"items": [{"id": "t"}], "next_cursor": None}),
        (NOTIFY, f"/v1/customers/{ID}/messages"): (200, {"items": [{"id": "m"}], "next_cursor": None}),
    } | (changes or {})
    for (service, path), (status, document) in answers.items():
        house.services[service].answers[path] = (status, to_json(document))


async def test_every_service_adds_its_part(house):
    tell(house)

    answer = await house.client.get(PATH, headers=house.as_admin() | {"Accept-Language": "en"})

    assert answer.json() == {
        "customer": {"id": ID, "name": "张三"},
        "loyalty": {"customer_id": ID, "accounts": []},
        "scores": {"customer_id": ID, "risk": None},
        "tickets": [{"id": "t"}],
        "messages": [{"id": "m"}],
        "missing": [],
    }
    asked = house.services[TICKET].asked[0]
    assert f"customer_id={ID}".encode() in asked["query"]
    assert asked["headers"]["accept-language"] == "en"


async def test_what_is_missing_is_named(house_of):
    house = await house_of(at={SCORING: "http://127.0.0.1:9"})
    tell(house, {(LOYALTY, f"/v1/customers/{ID}/loyalty"): (503, {"status": 503})})

    overview = (await house.client.get(PATH, headers=house.as_admin())).json()

    assert overview["missing"] == [LOYALTY, SCORING]
    assert overview["loyalty"] is None
    assert overview["customer"]["name"] == "张三"


async def test_a_customer_sees_himself_without_scores(house):
    tell(house)
    made = await house.client.post("/v1/auth/customer-tokens", json={"customer_id": ID}, headers=house.as_admin())

    answer = await house.client.get(PATH, headers=house.with_token(made.json()["access_token"]))

    assert set(answer.json()) == {"customer", "loyalty", "tickets", "messages", "missing"}
    assert house.services[SCORING].asked == []


async def test_an_unknown_customer_is_not_found_and_a_part_that_is_not_his_to_see_is_null(house):
    tell(house, {(LOYALTY, f"/v1/customers/{ID}/loyalty"): (403, {})})
    assert (await house.client.get(PATH, headers=house.as_admin())).json()["missing"] == []

    tell(house, {(CUSTOMER, f"/v1/customers/{ID}"): (404, {})})
    unknown = await house.client.get(PATH, headers=house.as_admin())
    assert (unknown.status_code, unknown.json()["code"]) == (404, "customers.unknown")

    assert (await house.client.get("/v1/customers/x/overview", headers=house.as_admin())).status_code == 422
    assert (await house.client.get(PATH, headers=house.as_intake())).status_code == 403
    assert (await house.client.get(PATH)).status_code == 401
