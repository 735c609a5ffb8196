"""Logs, metrics and traces."""

from moat.kit.telemetry.logs import set_up_logs
from moat.kit.telemetry.metrics import metric
from moat.kit.telemetry.tracing import current_traceparent, joined, set_up_tracing, shut_down_tracing, tracer

__all__ = (
    "current_traceparent",
    "joined",
    "metric",
    "set_up_logs",
    "set_up_tracing",
    "shut_down_tracing",
    "tracer",
)
