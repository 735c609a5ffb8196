"""A shop with a past, as tests of simulations talk to it: facts in the log, drafts and simulations over HTTP."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from loyalty_svc.features import SERVICE
from loyalty_svc.simulation.running import Runner
from moat.contracts.topics import RETENTION_MS
from moat.kit.events import Event
from moat.kit.messaging.log import Log, Record
from moat.kit.messaging.pglog.log import PgLog
from moat.kit.testing.callers import staff
from moat.kit.testing.web import client_for

from .house import House

PATH = "/v1/loyalty/simulations"
PATHS = {"earning_rule": "earning-rules", "tier_plan": "tier-plans", "task": "tasks"}


def record_of(event: Event[Any]) -> Record:
    """An event as the log has it."""
    noticed = event.recorded_at or event.time
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event.id,
        "ce_source": event.source,
        "ce_type": event.type,
        "ce_time": event.time.isoformat(),
        "ce_recordedat": noticed.isoformat(),
        "ce_subject": event.key,
    }
    packed = tuple((name, value.encode()) for name, value in headers.items())
    return Record(event.topic, event.key.encode(), event.data.model_dump_json().encode(), packed)


@dataclass
class Past:
    house: House
    log: Log
    staff: dict[str, str] = field(default_factory=lambda: staff("loyalty:read", "loyalty:write"))

    @classmethod
    async def begin(cls, house: House, url: str) -> "Past":
        log = PgLog(url, RETENTION_MS)
        await log.ensure_topics()
        return cls(house, log)

    async def append(self, *events: Event[Any]) -> None:
        """Into the log only."""
        await self.write(*map(record_of, events))

    async def write(self, *records: Record) -> None:
        producer = await self.log.producer()
        await producer.send(records)
        await producer.close()

    async def happen(self, *events: Event[Any]) -> None:
        """Into the log, and the service hears of each, one after the other."""
        producer = await self.log.producer()
        for event in events:
            await producer.send([record_of(event)])
        await producer.close()
        await self.house.learn_one_by_one(*events)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        async with client_for(SERVICE, self.house.db, self.house.clock) as http:
            return await http.request(method, path, json=body, headers=self.staff | headers)

    async def draft(self, kind: str, code: str, document: dict[str, Any]) -> str:
        """Its ETag."""
        answer = await self.ask("POST", f"/v1/loyalty/{PATHS[kind]}", {"code": code, "document": document})
        assert answer.status_code == 201, answer.text
        return str(answer.headers["ETag"])

    async def queue(self, kind: str, code: str, days: int = 1100) -> UUID:
        answer = await self.ask("POST", PATH, {"kind": kind, "code": code, "days": days})
        assert answer.status_code == 202, answer.text
        assert answer.headers["Location"] == f"{PATH}/{answer.json()['id']}"
        return UUID(answer.json()["id"])

    def runner(self, log: Any = None) -> Runner:
        return Runner(SERVICE, self.house.db, log or self.log, self.house.clock)

    async def read(self, id_: UUID, language: str = "en") -> dict[str, Any]:
        answer = await self.ask("GET", f"{PATH}/{id_}", **{"Accept-Language": language})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def run(self, kind: str, code: str, days: int = 1100) -> dict[str, Any]:
        """What comes of simulating the draft that there is."""
        id_ = await self.queue(kind, code, days)
        assert await self.runner().run_next()
        found = await self.read(id_)
        assert found["state"] == "done", found
        return found

    async def simulate(self, kind: str, code: str, document: dict[str, Any], days: int = 1100) -> dict[str, Any]:
        await self.draft(kind, code, document)
        return await self.run(kind, code, days)

    async def customers(self, id_: str, side: str = "") -> dict[UUID, tuple[int, int]]:
        """(published, draft) of the customers whom it changes, by page."""
        found: dict[UUID, tuple[int, int]] = {}
        cursor = ""
        while cursor is not None:
            query = "&".join(filter(None, ("limit=3", side and f"side={side}", cursor and f"cursor={cursor}")))
            answer = await self.ask("GET", f"{PATH}/{id_}/customers?{query}")
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found |= {UUID(one["customer_id"]): (one["published"], one["draft"]) for one in page["items"]}
            cursor = page["next_cursor"]
        return found


def given(result: dict[str, Any], account_type: str = "points") -> tuple[int, int]:
    """(published, draft) of an account type."""
    return next(
        ((one["published"], one["draft"]) for one in result["accounts"] if one["account_type"] == account_type), (0, 0)
    )


async def net(house: House, account_type: str = "points") -> dict[UUID, int]:
    """What every customer earned and kept, by the ledger."""
    async with house.db.transaction() as tx:
        rows = await tx.all(
            "SELECT customer_id, earned_total - reversed_total AS points FROM account WHERE type = :type",
            type=account_type,
        )
    return {row.customer_id: row.points for row in rows if row.points}
