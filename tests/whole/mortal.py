"""loyalty-svc alone, as a process that a test kills and starts again, on real PostgreSQL and the embedded log."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import httpx

from moat.contracts.topics import RETENTION_MS
from moat.kit.auth.keyset import jwks_of
from moat.kit.db.provision import DatabaseUrls
from moat.kit.messaging import open_log
from moat.kit.messaging.log import Record
from moat.kit.testing.callers import KEY_ID, key, signing_key
from moat.kit.testing.databases import Templates
from moat_local.ports import free_ports

from .facts import word
from .sql import fetch
from .topic import Published, published_on, write_to
from .waiting import until

Document = dict[str, Any]


@dataclass
class Mortal:
    """A loyalty-svc that can be killed; its databases stay."""

    nursery: "subprocess.Popen[str]"
    urls: DatabaseUrls
    log_url: str
    client: httpx.Client
    pid: int = 0
    ahead: timedelta = timedelta(0)

    @classmethod
    @contextmanager
    def on(cls, templates: Templates, output: Path) -> Iterator["Mortal"]:
        """A running one over fresh databases; it writes its log to `output`."""
        urls, log = asyncio.run(templates.clone("loyalty_svc")), asyncio.run(templates.bare("log"))
        asyncio.run(_make_topics(log.owner))
        with output.open("w") as said, _a_nursery(said) as nursery:
            url = f"http://127.0.0.1:{free_ports(1)[0]}"
            with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
                mortal = cls(nursery, urls, log.owner, client)
                mortal.start()
                yield mortal
                if mortal.pid:
                    mortal.kill()
        for database in (urls.owner, log.owner):
            asyncio.run(templates.drop(database))

    # ---- life and death ------------------------------------------------------------------------------------------

    def start(self, *, later: timedelta = timedelta(0), ready: bool = True) -> None:
        """Begin it anew, with a clock that is so much later; like any clock it stays ahead."""
        self.ahead += later
        environment = {
            "LOYALTY_DATABASE_URL": self.urls.app,
            "LOYALTY_PORT": str(self.client.base_url.port),
            "MOAT_EVENTS_URL": self.log_url,
            "MOAT_GATEWAY_URL": "http://gateway.test",
            "MOAT_LOG_LEVEL": "warning",
        }
        jwks = jwks_of({KEY_ID: signing_key().public_key()})
        order = {"environment": environment, "jwks": jwks, "ahead_seconds": self.ahead.total_seconds()}
        self.pid = int(self._order(order))
        if ready:
            until(self._is_ready, 30, what="loyalty-svc does not become ready")

    def _is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """`kill -9`, and be sure that it is dead.

        The embedded log would keep its partitions for it until its lease has run out; that is shown elsewhere, so its
        membership goes with it.
        """
        os.kill(self.pid, signal.SIGKILL)
        assert self._order({"buried": self.pid}) == "buried"
        self.pid = 0
        fetch(self.log_url, "DELETE FROM member")

    def be_there(self) -> None:
        """Begin it if a test that failed has left it dead."""
        if not self.pid:
            self.start()

    def again(self) -> None:
        """Kill it where it is and start it anew."""
        self.kill()
        self.start()

    def _order(self, order: Document) -> str:
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(json.dumps(order) + "\n")
        self.nursery.stdin.flush()
        return self.nursery.stdout.readline().strip()

    # ---- calling -------------------------------------------------------------------------------------------------

    def ask(
        self, method: str, path: str, body: Any = None, *, once: str | None = None, **headers: str
    ) -> httpx.Response:
        """Any request of a shop's program; `once` is its Idempotency-Key."""
        now = datetime.now(UTC) + self.ahead
        known = key("loyalty:read", "loyalty:write", "ops", at=now)
        asked = {"Idempotency-Key": once} if once else {}
        return self.client.request(method, path, json=body, headers=known | asked | headers)

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def post(self, path: str, body: Any, **more: Any) -> Any:
        """The JSON of a POST that must succeed."""
        answer = self.ask("POST", path, body, **more)
        assert answer.status_code < 300, (path, answer.status_code, answer.text)
        return answer.json()

    def publish(self, path: str, code: str, document: Document) -> None:
        """Publish the first version of a document."""
        draft = self.ask("POST", path, {"code": code, "document": document})
        assert draft.status_code == 201, draft.text
        self.post(f"{path}/{code}/publish", {}, **{"If-Match": draft.headers["ETag"]})

    # ---- the log -------------------------------------------------------------------------------------------------

    def tell(self, records: Sequence[Record]) -> None:
        """Write events to the log as other services do."""
        write_to(self.log_url, records)

    def welcome(self, customer_ids: Iterable[UUID]) -> None:
        """Tell it of customers, as customer-svc does."""
        self.tell([record_of("moat.customer.created.v1", "moat.customers", id_, {}) for id_ in customer_ids])

    def said_about(self, customer_ids: Iterable[UUID]) -> list[Published]:
        """Every event that it announced about these customers, as often as it stands on the log."""
        wanted = {str(id_) for id_ in customer_ids}
        return [one for one in published_on(self.log_url, ["moat.loyalty"]) if one.key in wanted]

    def announced(self, *customer_ids: UUID) -> Counter[str]:
        """How many different events of each type it announced about these customers."""
        types = {one.headers["ce_id"]: one.headers["ce_type"] for one in self.said_about(customer_ids)}
        return Counter(type_.removeprefix("moat.").removesuffix(".v1") for type_ in types.values())

    def settle(self) -> None:
        """Wait until it has read all there is and everything it had to say is on the log."""
        until(lambda: not self.sql("SELECT FROM outbox LIMIT 1") and not asyncio.run(self._is_behind()), 30)

    async def _is_behind(self) -> bool:
        log = open_log(self.log_url, topics=RETENTION_MS)
        try:
            lag = await log.lag("loyalty-svc", ["moat.orders", "moat.customers"])
        finally:
            await log.close()
        return any(done < end for done, end in lag.values())

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Look into its database as its owner."""
        return fetch(self.urls.owner, statement, *values)


@contextmanager
def _a_nursery(said: IO[str]) -> Iterator["subprocess.Popen[str]"]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MOAT_", "LOYALTY_"))}
    command = [sys.executable, "-m", "whole.nursery"]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[1],
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        start_new_session=True,
    ) as nursery:
        assert nursery.stdout is not None
        assert nursery.stdout.readline() == "ready\n", "the nursery could not import the service"
        yield nursery


async def _make_topics(url: str) -> None:
    log = open_log(url, topics=RETENTION_MS)
    await log.ensure_topics()
    await log.close()


def record_of(type_: str, topic: str, about: UUID, data: Document, *, at: datetime | None = None) -> Record:
    """An event of another service as it stands on the log, with an id of its own."""
    headers = {
        "specversion": "1.0",
        "id": word(),
        "source": "/customer-svc",
        "type": type_,
        "subject": str(about),
        "time": (at or datetime.now(UTC)).isoformat(),
    }
    named = tuple((f"ce_{name}", value.encode()) for name, value in headers.items())
    return Record(topic, str(about).encode(), json.dumps(data).encode(), named)
