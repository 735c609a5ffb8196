"""One order's trace through all services: spans of batches, linked to the `traceparent` of the events in them."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags

from moat.kit.events import Event

LINKS_MAX: Final = 32
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_tracer = trace.get_tracer("moat.kit.messaging")


@contextmanager
def batch_span(consumer: str, events: Iterable[Event[Any]], size: int) -> Iterator[None]:
    """A span around one handled batch; its links are bounded, a batch may hold two thousand traces."""
    with _tracer.start_as_current_span(
        f"{consumer} batch",
        kind=SpanKind.CONSUMER,
        links=_links(events),
        attributes={"messaging.batch.message_count": size, "messaging.consumer.group.name": consumer},
    ):
        yield


def _links(events: Iterable[Event[Any]]) -> list[Link]:
    links: dict[str, Link] = {}
    for event in events:
        text = event.traceparent
        if text is None or text in links or not (match := _TRACEPARENT.fullmatch(text)):
            continue
        trace_id, span_id, flags = (int(part, 16) for part in match.groups())
        links[text] = Link(SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags)))
        if len(links) == LINKS_MAX:
            break
    return list(links.values())
