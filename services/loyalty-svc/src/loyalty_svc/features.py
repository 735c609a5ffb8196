"""Table of contents of the loyalty service: its features in the order a batch passes through them.

A later feature may use an earlier one, never the reverse.
"""

from typing import Final

from loyalty_svc.earning import consumers as earning_consumers
from loyalty_svc.ledger import api as ledger_api
from loyalty_svc.ledger import consumers as ledger_consumers
from loyalty_svc.tiers import api as tiers_api
from loyalty_svc.tiers import consumers as tiers_consumers
from moat.contracts import customers, loyalty, orders
from moat.customers.follow import feature as known_customers
from moat.customers.follow import follow_customers
from moat.kit.feature import Feature, Service

SERVICE: Final = Service(
    name="loyalty-svc",
    title="Moat loyalty: rewarded for staying",
    features=(
        known_customers,
        Feature("ledger", routes=ledger_api.router, subscriptions=ledger_consumers.subscriptions),
        Feature("tiers", routes=tiers_api.router, subscriptions=tiers_consumers.subscriptions),
        Feature("earning", subscriptions=earning_consumers.subscriptions),
    ),
    events=(
        customers.CustomerCreated,
        customers.CustomerMerged,
        orders.OrderPaid,
        orders.OrderRefunded,
        *loyalty.EVENTS,
    ),
    follow=follow_customers,
)
