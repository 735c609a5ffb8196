"""What operators and front ends find at the door: state of the house, health, numbers, documents."""

import pytest

from moat_local.plan import PARTS
from whole.house import House

SERVICES = [part.name for part in PARTS]
FIELDS = {"name", "ready", "version", "outbox", "lag", "timers_overdue", "dead_letters"}


def test_the_state_of_the_house_has_every_service_and_its_numbers(house: House):
    house.settle()

    status = house.get("/v1/ops/status")

    assert [one["name"] for one in status["services"]] == SERVICES
    for one in status["services"]:
        assert one.keys() >= FIELDS
        assert (one["ready"], one["outbox"], one["lag"], one["timers_overdue"]) == (True, 0, 0, 0)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs", "/v1/openapi.json", "/v1/asyncapi.json"])
def test_health_numbers_and_documents_need_no_token(house: House, path: str):
    assert house.call("GET", path, token="").status_code == 200


def test_one_document_describes_every_route_of_every_service(house: House):
    document = house.get("/v1/openapi.json", token="")

    assert {
        "/v1/auth/tokens",
        "/v1/auth/customer-tokens",
        "/v1/me",
        "/v1/api-keys",
        "/v1/api-keys/{key_id}",
        "/v1/staff",
        "/v1/staff/{staff_id}",
        "/v1/events",
        "/v1/customers",
        "/v1/customers/{customer_id}",
        "/v1/customers/{customer_id}/timeline",
        "/v1/customers/{customer_id}/orders",
        "/v1/customers/{customer_id}/overview",
        "/v1/customers/{customer_id}/consents",
        "/v1/customers/{customer_id}/consents/{purpose}/{channel}",
        "/v1/contacts/lookup",
        "/v1/customers/{customer_id}/loyalty",
        "/v1/customers/{customer_id}/loyalty/postings",
        "/v1/loyalty/audit",
        "/v1/customers/{customer_id}/scores",
        "/v1/scores/summary",
        "/v1/risks",
        "/v1/tickets",
        "/v1/tickets/{ticket_id}",
        "/v1/tickets/{ticket_id}/replies",
        "/v1/tickets/{ticket_id}/solve",
        "/v1/tickets/{ticket_id}/close",
        "/v1/tickets/{ticket_id}/reopen",
        "/v1/customers/{customer_id}/messages",
        "/v1/inbox",
        "/v1/inbox/{message_id}/read",
        "/v1/ops/status",
        "/v1/ops/dead-letters",
        "/v1/ops/dead-letters/{service}/{id}/replay",
        "/v1/ops/dead-letters/{service}/{id}/discard",
    } <= document["paths"].keys()
    assert document["openapi"].startswith("3.1")


def test_every_answer_has_a_request_id_and_a_refusal_says_who_may_come(house: House):
    answers = [house.call("GET", "/v1/me"), house.call("GET", "/v1/me", token=""), house.call("GET", "/v1/nowhere")]

    assert all(answer.headers["X-Request-Id"] for answer in answers)
    assert (answers[1].status_code, answers[1].headers["WWW-Authenticate"][:6]) == (401, "Bearer")
