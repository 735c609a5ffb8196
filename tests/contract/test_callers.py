"""Every route as every kind of caller, generated from the gateway's own document.

What must happen follows from what the document says of a route: its scopes (`x-moat-scopes`) and whether it is for
customers (`x-moat-customers`). Requests carry no valid body unless one is needed to reach the decision, so that
whoever is let in is told what is missing and changes nothing.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from whole.callers import REFUSED_TOKENS, Signer
from whole.facts import a_shopper
from whole.house import House, bearer

pytestmark = pytest.mark.parametrize("house", ["embedded"], indirect=True)

UNKNOWN = "01890000-0000-7000-8000-000000000000"
PUBLIC = {"/.well-known/jwks.json", "/v1/auth/tokens", "/v1/openapi.json", "/v1/asyncapi.json"}
ONLY_CUSTOMERS = ("/v1/inbox", "/v1/inbox/{message_id}/read")
"""These have no scope, since there is nothing for staff in them."""
THERE = {"customer_id", "ticket_id", "message_id", "purpose", "channel"}
"""What both customers have, of what may stand in a path."""
LET_IN = {200, 201, 202, 204, 400, 404, 409, 412, 415, 422, 428}


@dataclass(frozen=True)
class Operation:
    """One route and method, and what the document says of who may come."""

    method: str
    path: str
    needs_token: bool
    scopes: frozenset[str]
    for_customers: bool
    has_body: bool
    asks_for_customer: bool

    @property
    def names_somebody(self) -> bool:
        """Whether a request says whose things are wanted."""
        return self.asks_for_customer or any(
            f"{{{n}}}" in self.path for n in ("customer_id", "ticket_id", "message_id")
        )

    @property
    def names_nothing(self) -> bool:
        """Whether it asks for one thing of a customer's that none of the two has (a redemption, say)."""
        return self.for_customers and bool(set(re.findall(r"{(\w+)}", self.path)) - THERE)


@dataclass(frozen=True)
class Someone:
    """A customer with a ticket and a message in the inbox, and his token."""

    customer_id: str
    ticket_id: str
    message_id: str
    token: str


@dataclass(frozen=True)
class Stage:
    """The house, its operations, and two customers."""

    house: House
    operations: list[Operation]
    li: Someone
    wang: Someone
    signer: Signer
    found: list[str] = field(default_factory=list)

    def status(self, operation: Operation, token: str, about: Someone) -> int:
        """What the gateway answers to this caller about this customer's things."""
        values = {"customer_id": about.customer_id, "ticket_id": about.ticket_id, "message_id": about.message_id}
        values |= {"staff_id": UNKNOWN, "id": UNKNOWN, "key_id": "0123456789abcdef", "service": "customer-svc"}
        path = operation.path.format_map(_Values(values | {"purpose": "care", "channel": "email"}))
        request: dict[str, Any] = {}
        if operation.asks_for_customer and operation.method == "GET":
            request["params"] = {"customer_id": about.customer_id}
        if operation.has_body:
            request["json"] = _body(operation, about)
        # Who proves nothing is counted by his address, and so many tries in a row are more than it is allowed.
        for _ in range(10):
            answer = self.house.call(operation.method, path, token=token, **request)
            if answer.status_code != 429:
                break
            time.sleep(float(answer.headers["Retry-After"]))
        return answer.status_code

    def expect(self, who: str, operation: Operation, token: str, about: Someone, wanted: set[int]) -> None:
        """Note where the answer is another than these."""
        status = self.status(operation, token, about)
        if status not in wanted:
            self.found.append(f"{operation.method} {operation.path} as {who}: {status}, not one of {sorted(wanted)}")


class _Values(dict[str, str]):
    """What stands in a path; whatever else is asked for there is an id of nothing, or a document's code."""

    def __missing__(self, name: str) -> str:
        return "nothing" if name == "code" else UNKNOWN


def _body(operation: Operation, about: Someone) -> dict[str, str]:
    if operation.path == "/v1/tickets":
        return _ticket(about.customer_id)
    # An answer to a ticket is checked before it is known whose ticket it is; all else may be refused as it comes.
    return {"body": "?"} if operation.path.endswith("/replies") else {}


def _ticket(customer_id: str) -> dict[str, str]:
    return {"customer_id": customer_id, "kind": "question", "subject": "?", "body": "?", "channel": "app"}


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, one in item.items():
            if method in ("get", "post", "put", "patch", "delete"):
                queries = {p["name"] for p in one.get("parameters", ()) if p["in"] == "query"}
                yield Operation(
                    method.upper(),
                    path,
                    needs_token=bool(one.get("security")),
                    scopes=frozenset(one.get("x-moat-scopes", ())),
                    for_customers=bool(one.get("x-moat-customers")),
                    has_body="requestBody" in one,
                    asks_for_customer="customer_id" in queries or (method, path) == ("post", "/v1/tickets"),
                )


def _someone(house: House) -> Someone:
    shopper = a_shopper()
    house.tell(shopper.paid(1_000))
    id_ = house.customer(shopper)["id"]
    token = house.customer_token(id_)
    ticket = house.post("/v1/tickets", _ticket(id_), token=token)
    (message,) = house.get("/v1/inbox", token=token)["items"]
    return Someone(id_, ticket["id"], message["id"], token)


@pytest.fixture(scope="module")
def people(house: House) -> tuple[Someone, Someone]:
    """Two customers who have something everywhere."""
    return _someone(house), _someone(house)


@pytest.fixture
def stage(house: House, people: tuple[Someone, Someone]) -> Stage:
    """The house, what its document says, and the two."""
    operations = list(_operations(house.get("/v1/openapi.json", token="")))
    return Stage(house, operations, *people, Signer.of(house))


def test_the_document_says_of_every_route_who_may_come(stage: Stage):
    public = {one.path for one in stage.operations if not one.needs_token}
    unsaid = {one.path for one in stage.operations if one.needs_token and not one.scopes and not one.for_customers}

    assert public <= PUBLIC
    assert unsaid == set()
    assert {one.path for one in stage.operations if not one.scopes} - public == {"/v1/me", *ONLY_CUSTOMERS}


@pytest.mark.parametrize("kind", REFUSED_TOKENS)
def test_who_proves_nothing_is_let_in_nowhere(stage: Stage, kind: str):
    token = stage.signer.make(kind)

    for operation in stage.operations:
        stage.expect(kind, operation, token, stage.li, {401} if operation.needs_token else LET_IN)

    assert stage.found == []


def test_a_revoked_key_is_let_in_nowhere(stage: Stage):
    made = stage.house.api_key("customers:read", "ops", "events:write", "tickets:write")
    stage.house.get("/v1/customers", token=made["key"])
    assert stage.house.call("DELETE", f"/v1/api-keys/{made['id']}").status_code == 204

    for operation in stage.operations:
        stage.expect("a revoked key", operation, made["key"], stage.li, {401} if operation.needs_token else LET_IN)

    assert stage.found == []


def _wanted(operation: Operation, scopes: frozenset[str]) -> set[int]:
    if operation.path in ONLY_CUSTOMERS:
        return {403}
    return LET_IN if operation.scopes <= scopes else {403}


@pytest.mark.parametrize("role", ["admin", "manager", "agent", "analyst"])
def test_staff_are_let_in_where_their_role_has_the_scope_and_nowhere_else(stage: Stage, role: str):
    token = stage.signer.staff(role)
    scopes = frozenset(stage.house.get("/v1/me", token=token)["scopes"])

    for operation in stage.operations:
        stage.expect(role, operation, token, stage.li, _wanted(operation, scopes))

    assert stage.found == []
    assert ("identity" in scopes) == (role == "admin")


def test_a_key_is_refused_wherever_it_has_all_scopes_but_the_one(stage: Stage):
    every = frozenset().union(*(operation.scopes for operation in stage.operations))

    for scope in sorted(every):
        made = stage.house.api_key(*(every - {scope}))
        for operation in stage.operations:
            if scope in operation.scopes:
                stage.expect(f"a key without {scope}", operation, made["key"], stage.li, {403})
        stage.house.call("DELETE", f"/v1/api-keys/{made['id']}")

    assert stage.found == []


def test_a_key_with_just_the_scope_is_let_in(stage: Stage):
    every = frozenset().union(*(operation.scopes for operation in stage.operations))

    for scope in sorted(every):
        made = stage.house.api_key(scope)
        for operation in stage.operations:
            if operation.scopes:
                stage.expect(
                    f"a key with {scope}", operation, made["key"], stage.li, _wanted(operation, frozenset({scope}))
                )
        stage.house.call("DELETE", f"/v1/api-keys/{made['id']}")

    assert stage.found == []


def test_a_customer_is_let_in_to_his_own_where_it_is_for_customers_and_forbidden_elsewhere(stage: Stage):
    for operation in stage.operations:
        if operation.needs_token:
            reads = operation.method == "GET" and operation.for_customers
            let_in = LET_IN if operation.names_nothing else {200} if reads else LET_IN - {404}
            wanted = let_in if operation.for_customers else {403}
            stage.expect("himself", operation, stage.li.token, stage.li, wanted)

    assert stage.found == []


def test_a_customer_finds_nothing_of_another_and_is_forbidden_elsewhere(stage: Stage):
    for operation in stage.operations:
        if operation.needs_token and operation.names_somebody:
            stage.expect("another", operation, stage.li.token, stage.wang, {404})
        elif operation.needs_token and not operation.for_customers:
            stage.expect("another", operation, stage.li.token, stage.wang, {403})

    assert stage.found == []


def test_a_token_in_the_address_or_a_cookie_counts_for_nothing(stage: Stage):
    house = stage.house

    assert house.call("GET", "/v1/me", token="", headers={"Cookie": f"token={house.admin}"}).status_code == 401
    assert house.call("GET", f"/v1/me?access_token={house.admin}", token="").status_code in (401, 422)
    assert house.call("GET", "/v1/me", token="", headers={"Authorization": f"Basic {house.admin}"}).status_code == 401
    assert house.call("GET", "/v1/me", token="", headers=bearer(house.admin)).status_code == 200
