"""Table of contents of the ticket service: its features in the order a batch passes through them."""

from typing import Final

from moat.contracts import customers, scoring, tickets
from moat.customers.follow import feature as known_customers
from moat.customers.follow import follow_customers
from moat.kit.feature import Feature, Service
from ticket_svc.rules import consumers as rules_consumers
from ticket_svc.tickets import api as tickets_api
from ticket_svc.tickets import consumers as tickets_consumers

SERVICE: Final = Service(
    name="ticket-svc",
    title="Moat tickets: answered in time, closed when solved",
    features=(
        known_customers,
        Feature("tickets", routes=tickets_api.router, subscriptions=tickets_consumers.subscriptions),
        Feature("rules", subscriptions=rules_consumers.subscriptions),
    ),
    events=(
        customers.CustomerCreated,
        customers.CustomerMerged,
        customers.CustomerSplit,
        *scoring.EVENTS,
        *tickets.EVENTS,
    ),
    follow=follow_customers,
    gather_ms=200,  # A follow-up is answered in hours.
)
