"""Prometheus metrics of one process; label values are bounded: templates, never paths or ids."""

from functools import lru_cache
from typing import Final, TypeVar

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

M = TypeVar("M", Counter, Gauge, Histogram)
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def metric(kind: type[M], name: str, description: str, labels: tuple[str, ...] = ()) -> M:
    """The metric of this name, made at the first call; every later call gets the same one."""
    known = getattr(REGISTRY, "_names_to_collectors", {}).get(name)
    return known if isinstance(known, kind) else kind(name, description, labels)


REQUEST_SECONDS: Final = Histogram(
    "moat_http_request_seconds", "Seconds to the end of the answer.", ("method", "route", "status"), buckets=_SECONDS
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@lru_cache(maxsize=4096)
def _requests(method: str, route: str, status: int) -> Histogram:
    return REQUEST_SECONDS.labels(method, route, str(status))


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request under its route template."""
    _requests(method if method in _METHODS else "other", route, status).observe(seconds)
