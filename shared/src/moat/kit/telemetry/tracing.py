"""Traces that follow one order across processes: W3C traceparent in from HTTP, on to events and upstream calls.

Spans are exported only where `MOAT_TRACES_URL` says so; without it a request costs no span, only the trace context
that is passed on.
"""

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_state: Final[dict[str, Any]] = {"exporting": False, "provider": None}


def set_up_tracing(service: str, traces_url: str | None) -> None:
    """Export spans to the OTLP/HTTP endpoint `traces_url`; without one spans are not made at all."""
    if not traces_url or _state["exporting"]:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=traces_url)))
    trace.set_tracer_provider(provider)
    _state.update(exporting=True, provider=provider)


def shut_down_tracing() -> None:
    """Send what is left, within the exporter's own bound."""
    if _state["provider"] is not None:
        _state["provider"].shutdown()
        _state.update(exporting=False, provider=None)


def tracer() -> trace.Tracer:
    """The house's tracer; a no-op until `set_up_tracing`."""
    return trace.get_tracer("moat")


@contextmanager
def request_span(scope: Any) -> Generator[None, None, None]:
    """The trace context of one HTTP request: its caller's, or a new one. The span is named after the route."""
    header = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
    method = scope["method"]
    with joined(header.decode("latin-1") if header else None, f"HTTP {method}", SpanKind.SERVER):
        yield
        if _state["exporting"]:
            route = getattr(scope.get("route"), "path_format", "unmatched")
            span = trace.get_current_span()
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.request.method": method, "http.route": route})


@contextmanager
def joined(traceparent: str | None, name: str, kind: SpanKind = SpanKind.CONSUMER) -> Generator[None, None, None]:
    """Run the block inside the trace that `traceparent` names (a new one if it names none), as a span `name`."""
    parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else otel_context.Context()
    if _state["exporting"]:
        with tracer().start_as_current_span(name, context=parent, kind=kind):
            yield
        return
    known = trace.get_current_span(parent).get_span_context()
    here = SpanContext(
        known.trace_id if known.is_valid else random.getrandbits(128) or 1,
        random.getrandbits(64) or 1,
        is_remote=False,
        trace_flags=known.trace_flags if known.is_valid else TraceFlags(0),
    )
    token = otel_context.attach(trace.set_span_in_context(NonRecordingSpan(here), parent))
    try:
        yield
    finally:
        otel_context.detach(token)


def current_traceparent() -> str | None:
    """The W3C traceparent of what runs now, for an event or an upstream call; None outside any trace."""
    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return None
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{int(here.trace_flags):02x}"
