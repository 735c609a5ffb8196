"""What a customer's own token is good for: his own things, less what is the company's; nobody else's, nothing else."""

from dataclasses import dataclass

import pytest

from whole.facts import Shopper, a_shopper, ago
from whole.house import Document, House


@dataclass(frozen=True)
class Own:
    """A customer with something in every service, and his token."""

    house: House
    shopper: Shopper
    id: str
    token: str

    def get(self, path: str, **query: str) -> Document:
        document: Document = self.house.get(path, token=self.token, **query)
        return document

    def status(self, method: str, path: str, **request: object) -> int:
        return self.house.call(method, path, token=self.token, **request).status_code


@pytest.fixture
def own(house: House) -> Own:
    """At risk with much at stake, so that there is a follow-up he must not see."""
    shopper = a_shopper()
    house.tell(shopper.paid(30_000, at=ago(days=500)))
    id_ = house.customer(shopper)["id"]
    return Own(house, shopper, id_, house.customer_token(id_))


def _a_ticket(own: Own, **more: str) -> Document:
    body = {"customer_id": own.id, "kind": "question", "subject": "Where?", "body": "Where is it?", "channel": "app"}
    document: Document = own.house.post("/v1/tickets", body | more, token=own.token)
    return document


def test_it_reads_his_file_without_what_is_the_companys(own: Own):
    file = own.get(f"/v1/customers/{own.id}")

    assert (file["id"], file["orders_count"]) == (own.id, 1)
    assert not {"owner_id", "version", "first_seen_at"} & file.keys()


def test_it_reads_orders_points_postings_messages_and_inbox(own: Own):
    assert len(own.get(f"/v1/customers/{own.id}/orders")["items"]) == 1
    assert own.get(f"/v1/customers/{own.id}/loyalty")["tier"]["code"] == "silver"
    assert own.get(f"/v1/customers/{own.id}/loyalty/postings")["items"]
    assert own.get(f"/v1/customers/{own.id}/messages")["items"]
    assert own.get("/v1/inbox")["items"] == []
    me = own.get("/v1/me")
    assert (me["kind"], me["customer_id"]) == ("customer", own.id)


def test_its_overview_has_no_scores_and_no_follow_ups(own: Own):
    _a_ticket(own)

    overview = own.get(f"/v1/customers/{own.id}/overview")

    assert overview["missing"] == []
    assert not overview.get("scores")
    assert "Where?" in str(overview["tickets"])
    assert "follow_up" not in str(overview["tickets"])


def test_it_sees_no_follow_up_in_its_tickets_nor_by_id(own: Own):
    (follow_up,) = own.house.tickets(own.id)

    assert own.get("/v1/tickets", customer_id=own.id)["items"] == []
    assert own.get("/v1/tickets")["items"] == []
    assert own.status("GET", f"/v1/tickets/{follow_up['id']}") == 404
    assert own.status("POST", f"/v1/tickets/{follow_up['id']}/replies", json={"body": "hello"}) == 404


def test_it_opens_answers_and_reopens_a_ticket_and_sees_no_internal_note(own: Own):
    house, ticket = own.house, _a_ticket(own)
    path = f"/v1/tickets/{ticket['id']}"
    house.post(f"{path}/replies", {"body": "he is difficult", "visibility": "internal"})
    house.post(f"{path}/replies", {"body": "it is on its way"})
    house.post(f"{path}/replies", {"body": "thank you"}, token=own.token)
    house.post(f"{path}/solve", {"resolution": "arrived"})

    reopened = house.post(f"{path}/reopen", token=own.token)

    assert reopened["status"] == "open"
    seen = str(own.get(path))
    assert "it is on its way" in seen
    assert "thank you" in seen
    assert "difficult" not in seen
    assert "difficult" in str(house.get(path))


def test_it_may_not_solve_close_or_write_internal_notes(own: Own):
    path = f"/v1/tickets/{_a_ticket(own)['id']}"

    assert own.status("POST", f"{path}/solve", json={"resolution": "x"}) == 403
    assert own.status("POST", f"{path}/close") == 403
    assert own.status("POST", f"{path}/replies", json={"body": "x", "visibility": "internal"}) in (403, 422)


def test_another_customer_is_unknown_to_it_everywhere(own: Own):
    other = a_shopper()
    own.house.tell(other.paid(70_000, at=ago(days=400)))
    other_id = own.house.customer(other)["id"]
    others = _a_ticket(Own(own.house, other, other_id, own.house.customer_token(other_id)))

    for part in ("", "/orders", "/loyalty", "/loyalty/postings", "/messages", "/overview"):
        assert own.status("GET", f"/v1/customers/{other_id}{part}") == 404, part
    assert own.status("GET", f"/v1/tickets?customer_id={other_id}") == 404
    assert own.status("GET", f"/v1/tickets/{others['id']}") == 404
    assert own.status("POST", f"/v1/tickets/{others['id']}/replies", json={"body": "x"}) == 404
    body = {"customer_id": other_id, "kind": "question", "subject": "x", "body": "x", "channel": "app"}
    assert own.status("POST", "/v1/tickets", json=body) == 404


def test_another_and_nobody_are_refused_with_the_same_words(own: Own):
    other = a_shopper()
    own.house.tell(other.paid(100))
    known, unknown = own.house.customer(other)["id"], "01890000-0000-7000-8000-000000000000"

    answers = [own.house.call("GET", f"/v1/customers/{id_}/loyalty", token=own.token) for id_ in (known, unknown)]

    def words(document: Document) -> Document:
        return {name: value for name, value in document.items() if name not in ("instance", "request_id")}

    assert words(answers[0].json()) == words(answers[1].json())


def test_staff_and_operations_routes_are_refused_to_it(own: Own):
    for path in (f"/v1/customers/{own.id}/scores", f"/v1/customers/{own.id}/timeline", "/v1/customers", "/v1/risks"):
        assert own.status("GET", path) == 403, path
    for path in ("/v1/scores/summary", "/v1/loyalty/audit", "/v1/ops/status", "/v1/staff", "/v1/api-keys"):
        assert own.status("GET", path) == 403, path
