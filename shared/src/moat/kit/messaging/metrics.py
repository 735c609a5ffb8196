"""What relay and consumer count, for `/metrics`."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES: Final = (1, 5, 20, 50, 100, 250, 500, 1000, 2000)

RELAYED: Final = Counter("moat_relay_events", "Events the log has acknowledged", ["service"])
RELAY_FAILURES: Final = Counter("moat_relay_failures", "Passes of the relay that failed", ["service", "kind"])
RELAY_DEAD: Final = Counter("moat_relay_dead", "Outbox rows that can never be sent", ["service"])
RELAY_SECONDS: Final = Histogram("moat_relay_pass_seconds", "One pass with rows", ["service"], buckets=_SECONDS)
RELAY_AGE: Final = Histogram("moat_relay_age_seconds", "Age of the oldest row read", ["service"], buckets=_SECONDS)

CONSUMED: Final = Counter("moat_consumer_events", "Events taken in", ["service", "outcome"])
BATCH_SECONDS: Final = Histogram("moat_consumer_batch_seconds", "One batch", ["service"], buckets=_SECONDS)
BATCH_EVENTS: Final = Histogram("moat_consumer_batch_events", "Records in a batch", ["service"], buckets=_SIZES)
CONSUMER_FAILURES: Final = Counter("moat_consumer_failures", "Failed attempts", ["service", "kind"])
DEAD_LETTERS: Final = Counter("moat_consumer_dead_letters", "Events set aside", ["service", "code"])
HELD_PLACES: Final = Gauge("moat_consumer_held_places", "Partitions that wait after a failure", ["service"])
REBUILDS: Final = Counter("moat_consumer_rebuilds", "Readers rebuilt by the watchdog", ["service"])

LOOP_LAG: Final = Histogram("moat_event_loop_lag_seconds", "How late the event loop is", ["service"], buckets=_SECONDS)
