"""Table of contents of the loyalty service: its features in the order a batch passes through them.

A later feature may use an earlier one, never the reverse.
"""

from typing import Final

from loyalty_svc.coupon_uses import api as coupon_uses_api
from loyalty_svc.coupon_uses import consumers as coupon_uses_consumers
from loyalty_svc.coupon_uses import timers as coupon_uses_timers
from loyalty_svc.coupons import api as coupons_api
from loyalty_svc.coupons import consumers as coupons_consumers
from loyalty_svc.coupons import timers as coupons_timers
from loyalty_svc.earning import consumers as earning_consumers
from loyalty_svc.ledger import api as ledger_api
from loyalty_svc.ledger import consumers as ledger_consumers
from loyalty_svc.milestones import api as milestones_api
from loyalty_svc.milestones import consumers as milestones_consumers
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
        Feature(
            "coupons",
            routes=coupons_api.router,
            subscriptions=coupons_consumers.subscriptions,
            timers=coupons_timers.timers,
        ),
        Feature(
            "coupon_uses",
            routes=coupon_uses_api.router,
            subscriptions=coupon_uses_consumers.subscriptions,
            timers=coupon_uses_timers.timers,
        ),
        Feature("milestones", routes=milestones_api.router, subscriptions=milestones_consumers.subscriptions),
    ),
    events=(
        customers.CustomerCreated,
        customers.CustomerMerged,
        customers.CustomerOccasionReached,
        orders.OrderPaid,
        orders.OrderRefunded,
        *loyalty.EVENTS,
    ),
    follow=follow_customers,
)
