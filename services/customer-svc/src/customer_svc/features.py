"""Table of contents of the customer service: its features in the order a batch passes through them.

A later feature may use an earlier one, never the reverse. Merges are decided and carried out here, in the intake's
transaction, so there is nothing to follow: `known_customer` and `customer_alias` are written at first hand.
"""

from typing import Final

from customer_svc.consents import api as consents_api
from customer_svc.intake import consumers as intake_consumers
from customer_svc.occasions import api as occasions_api
from customer_svc.occasions import timers as occasions_timers
from customer_svc.orders import api as orders_api
from customer_svc.profiles import api as profiles_api
from customer_svc.splits import api as splits_api
from customer_svc.timeline import api as timeline_api
from customer_svc.timeline import consumers as timeline_consumers
from moat.contracts import customers, engagement, intake, loyalty, orders, scoring, tickets
from moat.contracts.topics import INTAKE
from moat.kit.feature import Feature, Service

SERVICE: Final = Service(
    name="customer-svc",
    title="Moat customers: one file per customer",
    features=(
        Feature("identity"),
        Feature("timeline", routes=timeline_api.router, subscriptions=timeline_consumers.subscriptions),
        Feature("occasions", routes=occasions_api.router, timers=occasions_timers.timers),
        Feature("profiles", routes=profiles_api.router),
        Feature("consents", routes=consents_api.router),
        Feature("orders", routes=orders_api.router),
        Feature("intake", subscriptions=intake_consumers.subscriptions),
        Feature("splits", routes=splits_api.router),
    ),
    events=(
        *intake.EVENTS,
        *customers.EVENTS,
        *orders.EVENTS,
        *loyalty.EVENTS,
        *tickets.EVENTS,
        *scoring.EVENTS,
        *engagement.EVENTS,
    ),
    # Raw facts come from outside: an unknown type is a dead letter, and nobody is known yet.
    strict_topics=frozenset({INTAKE}),
)
