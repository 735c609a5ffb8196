"""What the intake does with a body: check each event, append the good ones, tell of the bad ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import Counter

from gateway.intake.appending import Appender
from gateway.intake.checking import Accepted, Rejected, check
from moat.contracts.topics import INTAKE
from moat.kit.messaging.log import Record

EVENTS = Counter("gateway_intake_events", "Facts that came in by HTTP", ["outcome"])
_HEADERS = (("content-type", b"application/json"),)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many were taken, and which were not, by their place in the body."""

    accepted: int
    rejected: Sequence[tuple[int, Rejected]]


async def take_in(appender: Appender, events: Sequence[Any], *, now: datetime, traceparent: str) -> Outcome:
    """Append every acceptable event, in order. Raises LogUnavailable; sending the same again is safe."""
    records: list[Record] = []
    rejected: list[tuple[int, Rejected]] = []
    for index, event in enumerate(events):
        judged = check(event, now=now, traceparent=traceparent)
        if isinstance(judged, Accepted):
            records.append(record_of(judged))
        else:
            rejected.append((index, judged))
    if records:
        await appender.append(records)
        EVENTS.labels("accepted").inc(len(records))
    if rejected:
        EVENTS.labels("rejected").inc(len(rejected))
    return Outcome(len(records), rejected)


def record_of(accepted: Accepted) -> Record:
    """CloudEvents binary mode: attributes as `ce_` headers, data as the value, the first identifier as the key."""
    headers = tuple((f"ce_{name}", text.encode()) for name, text in accepted.attributes.items())
    return Record(INTAKE, accepted.key, accepted.data, (*_HEADERS, *headers))
