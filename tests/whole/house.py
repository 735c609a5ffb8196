"""Speaking to a running house through its gateway, with the keys that `ready.json` gives."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from .facts import Fact, Shopper, word
from .sql import fetch
from .waiting import until

BATCH = "application/cloudevents-batch+json"
Document = dict[str, Any]


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token or a key."""
    return {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True)
class House:
    """A house that is ready. `call` asks as the admin's key unless told otherwise; paths begin with /v1."""

    home: Path
    events: str
    client: httpx.Client
    admin: str
    intake: str
    staff: dict[str, str]

    @classmethod
    @contextmanager
    def at(cls, home: Path, events: str, ready: Document) -> Iterator[Self]:
        """The house that this `ready.json` is about."""
        limits = httpx.Limits(max_connections=40)
        with httpx.Client(base_url=ready["gateway_url"], timeout=30, trust_env=False, limits=limits) as client:
            keys = ready["api_keys"]
            yield cls(home, events, client, keys["admin"], keys["intake"], ready["staff"])

    def ready(self) -> Document:
        """What ready.json says now: a process that died has a new id."""
        document: Document = json.loads((self.home / "ready.json").read_text())
        return document

    # ---- calling ------------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, *, token: str | None = None, **request: Any) -> httpx.Response:
        """Any request; `token` "" sends none."""
        chosen = self.admin if token is None else token
        headers = (bearer(chosen) if chosen else {}) | dict(request.pop("headers", {}))
        return self.client.request(method, path, headers=headers, **request)

    def get(self, path: str, *, token: str | None = None, **query: Any) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.call("GET", path, token=token, params=query)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def post(self, path: str, body: Any = None, *, token: str | None = None, **request: Any) -> Any:
        """The JSON of a POST that must succeed."""
        answer = self.call("POST", path, token=token, json=body, **request)
        assert answer.status_code < 300, (path, answer.status_code, answer.text)
        return answer.json()

    def every(self, path: str, **query: Any) -> list[Document]:
        """All rows of a list, page by page."""
        items: list[Document] = []
        page: Document = {"next_cursor": None}
        while page["next_cursor"] or not items:
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
            page = self.get(path, limit=200, **query, **cursor)
            if not page["items"]:
                break
            items += page["items"]
        return items

    # ---- facts --------------------------------------------------------------------------------------------------

    def offer(self, facts: list[Fact], **request: Any) -> httpx.Response:
        """Post a batch, whatever comes of it."""
        headers = {"Content-Type": BATCH} | request.pop("headers", {})
        return self.call("POST", "/v1/events", token=self.intake, json=facts, headers=headers, **request)

    def send(self, *facts: Fact, headers: Mapping[str, str] | None = None) -> None:
        """Post facts that must all be taken; told to come again, come again, as any client does."""
        answer = until(
            lambda: _unless_away(self.offer(list(facts), headers=dict(headers or {}))), 30, what="the log stays away"
        )
        assert (answer.status_code, answer.json().get("accepted")) == (202, len(facts)), answer.text

    def tell(self, *facts: Fact) -> None:
        """Send facts and wait until every service has handled them."""
        self.send(*facts)
        self.settle()

    def settle(self, seconds: float = 90) -> None:
        """Wait until nothing is left to do anywhere."""
        until(self.is_settled, seconds, what=lambda: self.call("GET", "/v1/ops/status").text)

    def is_settled(self) -> bool:
        """What the gateway says of the whole house; one that does not answer is not settled."""
        try:
            answer = self.call("GET", "/v1/ops/status")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and answer.json()["settled"]

    # ---- people -------------------------------------------------------------------------------------------------

    def find(self, shopper: Shopper) -> Document | None:
        """The customer behind a shopper's first name, if there is one."""
        first = shopper.names[0]
        items: list[Document] = self.get("/v1/customers", **first)["items"]
        return items[0] if items else None

    def customer(self, shopper: Shopper) -> Document:
        """The customer behind a shopper, who must be known."""
        found = self.find(shopper)
        assert found is not None, f"{shopper} is not known"
        return found

    def about(self, shopper: Shopper, part: str) -> Any:
        """`loyalty`, `scores`, … of the customer behind a shopper."""
        return self.get(f"/v1/customers/{self.customer(shopper)['id']}/{part}")

    def points(self, shopper: Shopper) -> Document:
        """His points account."""
        accounts: list[Document] = self.about(shopper, "loyalty")["accounts"]
        return next(account for account in accounts if account["type"] == "points")

    def kinds(self, shopper: Shopper) -> list[str]:
        """What his timeline tells, oldest first."""
        items = self.every(f"/v1/customers/{self.customer(shopper)['id']}/timeline")
        return [entry["kind"] for entry in reversed(items)]

    def tickets(self, customer_id: str) -> list[Document]:
        return self.every("/v1/tickets", customer_id=customer_id)

    def sign_in(self, email: str, password: str) -> str:
        """A staff token; where too many have just signed in from here, after the pause that is asked for."""

        def ask() -> str | None:
            answer = self.call("POST", "/v1/auth/tokens", token="", json={"email": email, "password": password})
            assert answer.status_code in (200, 429), answer.text
            return str(answer.json()["access_token"]) if answer.status_code == 200 else None

        token: str = until(ask, 70)
        return token

    def customer_token(self, customer_id: str) -> str:
        """A token that is good for this customer."""
        token: str = self.post("/v1/auth/customer-tokens", {"customer_id": customer_id})["access_token"]
        return token

    def api_key(self, *scopes: str) -> Document:
        """A new API key; revoke it to keep the list short."""
        document: Document = self.post("/v1/api-keys", {"name": f"a test's {word()}", "scopes": list(scopes)})
        return document

    # ---- what happens to it -------------------------------------------------------------------------------------

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """`kill -9` a process of the house, `postgres` or `kafka` among them, or send it another signal."""
        os.kill(self.pid_of(name), number)

    def pid_of(self, name: str) -> int:
        """The process id at this moment."""
        if name == "postgres":
            return int((self.home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
        if name == "kafka":
            return _java_of(self.home)
        return int(self.ready()["processes"][name])

    def mails_to(self, address: str) -> list[str]:
        """Mails that were sent to this address, as they went out."""
        mails = [path.read_text() for path in sorted((self.home / "mail").glob("*.eml"))]
        return [mail for mail in mails if f"X-Envelope-To: {address}" in mail]

    def sql(self, service: str, statement: str, *values: Any) -> list[Any]:
        """Look into a service's database as its owner, for what no route shows."""
        return fetch(self.ready()["databases"][service], statement, *values)

    def dead_letters(self, **query: Any) -> list[Document]:
        """What could not be handled, by whichever service."""
        return self.every("/v1/ops/dead-letters", **query)


def _unless_away(answer: httpx.Response) -> httpx.Response | None:
    return None if answer.status_code == 503 else answer


def _java_of(home: Path) -> int:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"java") and str(home / "kafka" / "server.properties").encode() in words:
            return int(folder.name)
    raise ProcessLookupError("no Kafka runs on this home")
