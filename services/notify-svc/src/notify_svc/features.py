"""The table of contents of notify-svc, in the order in which a batch passes through it."""

from moat.contracts import engagement
from moat.contracts.customers import CustomerCreated, CustomerMerged, CustomerSplit
from moat.contracts.loyalty import TierUpgraded
from moat.contracts.orders import OrderPaid
from moat.contracts.scoring import RiskRaised
from moat.customers import feature as known_customers
from moat.customers import follow_customers
from moat.kit.feature import Feature, Service
from notify_svc.channels import loops as dispatcher
from notify_svc.channels import queries as sending
from notify_svc.inbox import api as inbox
from notify_svc.messages import api as messages
from notify_svc.messages import consumers as occasions

SERVICE = Service(
    name="notify-svc",
    title="Messages to customers",
    features=(
        known_customers,
        Feature("messages", routes=messages.router, subscriptions=occasions.subscriptions),
        Feature("inbox", routes=inbox.router),
        Feature("channels", loops=(dispatcher.dispatch,), in_flight=sending.waiting),
    ),
    events=(*engagement.EVENTS, CustomerCreated, CustomerMerged, CustomerSplit, OrderPaid, RiskRaised, TierUpgraded),
    follow=follow_customers,
    gather_ms=200,  # A message takes longer than this to travel.
)
