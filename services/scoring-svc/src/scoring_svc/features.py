"""Table of contents of the scoring service: its features in the order a batch passes through them."""

from typing import Final

from moat.contracts import customers, orders, scoring
from moat.customers.follow import feature as known_customers
from moat.customers.follow import follow_customers
from moat.kit.feature import Feature, Service
from scoring_svc.risk import api as risk_api
from scoring_svc.risk import consumers as risk_consumers
from scoring_svc.risk import timers as risk_timers
from scoring_svc.silence import consumers as silence_consumers

SERVICE: Final = Service(
    name="scoring-svc",
    title="Moat scoring: who is leaving, and why",
    features=(
        known_customers,
        Feature("silence", subscriptions=silence_consumers.subscriptions),
        Feature(
            "risk",
            routes=risk_api.router,
            subscriptions=risk_consumers.subscriptions,
            timers=risk_timers.timers,
        ),
    ),
    events=(
        customers.CustomerCreated,
        customers.CustomerMerged,
        customers.CustomerSplit,
        orders.OrderPaid,
        orders.OrderRefunded,
        *scoring.EVENTS,
    ),
    follow=follow_customers,
    gather_ms=100,  # Nobody waits for a score.
)
