"""The other door: reading and writing the log itself, as a company system with its own Kafka client does."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moat.contracts.topics import CANONICAL, RETENTION_MS
from moat.kit.messaging import open_log
from moat.kit.messaging.log import Received, Record

from .facts import Fact
from .house import House

INTAKE = "moat.intake"


def binary(fact: Fact) -> Record:
    """A fact in binary mode: attributes as `ce_` headers."""
    headers = [(f"ce_{name}", str(value).encode()) for name, value in fact.items() if name != "data"]
    return Record(INTAKE, _key(fact), json.dumps(fact["data"]).encode(), tuple(headers))


def structured(fact: Fact) -> Record:
    """A fact in structured mode: the whole event is the value."""
    return Record(INTAKE, _key(fact), json.dumps(fact).encode(), (("content-type", b"application/cloudevents+json"),))


def _key(fact: Fact) -> bytes:
    return str(fact["data"]["customer"][0]["value"]).encode()


def write(house: House, *records: Record) -> None:
    """Write records straight to the log."""
    write_to(house.ready()["events_url"], records)


def write_to(url: str, records: Sequence[Record]) -> None:
    """Write records to the log at this address."""
    asyncio.run(_write(url, records))


async def _write(url: str, records: Sequence[Record]) -> None:
    log = open_log(url, topics=RETENTION_MS)
    producer = await log.producer()
    try:
        await producer.send(records)
    finally:
        await producer.close()
        await log.close()


@dataclass(frozen=True)
class Published:
    """An event as it stands on the log."""

    topic: str
    key: str
    headers: dict[str, str]
    data: Any


def published_about(house: House, customer_id: str) -> list[Published]:
    """Every canonical event that is keyed by this customer."""
    return [one for one in published_on(house.ready()["events_url"], CANONICAL) if one.key == customer_id]


def published_on(url: str, topics: Sequence[str]) -> list[Published]:
    """Every event that stands on these topics of a log, as often as it stands there."""
    return [_published(one) for one in asyncio.run(_read(url, topics))]


def _published(received: Received) -> Published:
    headers = {name: value.decode() for name, value in received.headers}
    return Published(received.topic, (received.key or b"").decode(), headers, json.loads(received.value or b"null"))


async def _read(url: str, topics: Sequence[str]) -> list[Received]:
    log = open_log(url, topics=RETENTION_MS)
    try:
        scan = await log.scan(topics)
        try:
            return [received async for batch in scan.batches() for received in batch]
        finally:
            await scan.close()
    finally:
        await log.close()
