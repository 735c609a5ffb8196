"""Table of contents of the loyalty service: its features in the order a batch passes through them.

A later feature may use an earlier one, never the reverse.
"""

from typing import Final

from loyalty_svc.account_types import api as account_types_api
from loyalty_svc.account_types import timers as account_types_timers
from loyalty_svc.adjustments import api as adjustments_api
from loyalty_svc.adjustments import consumers as adjustments_consumers
from loyalty_svc.checkout import api as checkout_api
from loyalty_svc.checkout import consumers as checkout_consumers
from loyalty_svc.club_events import api as club_events_api
from loyalty_svc.club_events import consumers as club_events_consumers
from loyalty_svc.club_events import timers as club_events_timers
from loyalty_svc.clubs import api as clubs_api
from loyalty_svc.clubs import consumers as clubs_consumers
from loyalty_svc.clubs import timers as clubs_timers
from loyalty_svc.coupon_uses import api as coupon_uses_api
from loyalty_svc.coupon_uses import consumers as coupon_uses_consumers
from loyalty_svc.coupon_uses import timers as coupon_uses_timers
from loyalty_svc.coupons import api as coupons_api
from loyalty_svc.coupons import consumers as coupons_consumers
from loyalty_svc.coupons import timers as coupons_timers
from loyalty_svc.earning import api as earning_api
from loyalty_svc.earning import consumers as earning_consumers
from loyalty_svc.expiry import api as expiry_api
from loyalty_svc.expiry import consumers as expiry_consumers
from loyalty_svc.expiry import loops as expiry_loops
from loyalty_svc.expiry import timers as expiry_timers
from loyalty_svc.grants import consumers as grants_consumers
from loyalty_svc.holds import api as holds_api
from loyalty_svc.holds import consumers as holds_consumers
from loyalty_svc.holds import timers as holds_timers
from loyalty_svc.honours import api as honours_api
from loyalty_svc.honours import consumers as honours_consumers
from loyalty_svc.honours import timers as honours_timers
from loyalty_svc.ledger import api as ledger_api
from loyalty_svc.ledger import consumers as ledger_consumers
from loyalty_svc.liability import api as liability_api
from loyalty_svc.milestones import api as milestones_api
from loyalty_svc.milestones import consumers as milestones_consumers
from loyalty_svc.referrals import api as referrals_api
from loyalty_svc.referrals import consumers as referrals_consumers
from loyalty_svc.referrals import timers as referrals_timers
from loyalty_svc.reviews import api as reviews_api
from loyalty_svc.rewards import api as rewards_api
from loyalty_svc.rewards import consumers as rewards_consumers
from loyalty_svc.rewards import timers as rewards_timers
from loyalty_svc.simulation import api as simulation_api
from loyalty_svc.simulation import loops as simulation_loops
from loyalty_svc.surprises import api as surprises_api
from loyalty_svc.surprises import consumers as surprises_consumers
from loyalty_svc.surprises import timers as surprises_timers
from loyalty_svc.tasks import api as tasks_api
from loyalty_svc.tasks import consumers as tasks_consumers
from loyalty_svc.tiers import api as tiers_api
from loyalty_svc.tiers import consumers as tiers_consumers
from loyalty_svc.tiers import timers as tiers_timers
from moat.contracts import customers, loyalty, orders, tickets
from moat.customers.follow import feature as known_customers
from moat.customers.follow import follow_customers
from moat.kit.feature import Feature, Service

SERVICE: Final = Service(
    name="loyalty-svc",
    title="Moat loyalty: rewarded for staying",
    features=(
        known_customers,
        Feature("accounts"),
        Feature("lots"),
        Feature("ledger", routes=ledger_api.router, subscriptions=ledger_consumers.subscriptions),
        Feature(
            "holds",
            routes=holds_api.router,
            subscriptions=holds_consumers.subscriptions,
            timers=holds_timers.timers,
        ),
        Feature("adjustments", routes=adjustments_api.router, subscriptions=adjustments_consumers.subscriptions),
        Feature("grants", subscriptions=grants_consumers.subscriptions),
        Feature(
            "expiry",
            routes=expiry_api.router,
            subscriptions=expiry_consumers.subscriptions,
            timers=expiry_timers.timers,
            loops=(expiry_loops.keep_timers,),
        ),
        Feature(
            "tiers",
            routes=tiers_api.router,
            subscriptions=tiers_consumers.subscriptions,
            timers=tiers_timers.timers,
        ),
        Feature("discounts"),
        Feature("earning", routes=earning_api.router, subscriptions=earning_consumers.subscriptions),
        Feature("reviews", routes=reviews_api.router),
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
        Feature(
            "rewards",
            routes=rewards_api.router,
            subscriptions=rewards_consumers.subscriptions,
            timers=rewards_timers.timers,
        ),
        Feature("liability", routes=liability_api.router),
        Feature("milestones", routes=milestones_api.router, subscriptions=milestones_consumers.subscriptions),
        Feature("tasks", routes=tasks_api.router, subscriptions=tasks_consumers.subscriptions),
        Feature(
            "referrals",
            routes=referrals_api.router,
            subscriptions=referrals_consumers.subscriptions,
            timers=referrals_timers.timers,
        ),
        Feature("checkout", routes=checkout_api.router, subscriptions=checkout_consumers.subscriptions),
        Feature(
            "honours",
            routes=honours_api.router,
            subscriptions=honours_consumers.subscriptions,
            timers=honours_timers.timers,
        ),
        Feature(
            "surprises",
            routes=surprises_api.router,
            subscriptions=surprises_consumers.subscriptions,
            timers=surprises_timers.timers,
        ),
        Feature(
            "clubs",
            routes=clubs_api.router,
            subscriptions=clubs_consumers.subscriptions,
            timers=clubs_timers.timers,
        ),
        Feature(
            "club_events",
            routes=club_events_api.router,
            subscriptions=club_events_consumers.subscriptions,
            timers=club_events_timers.timers,
        ),
        Feature("simulation", routes=simulation_api.router, loops=(simulation_loops.run_simulations,)),
        Feature("account_types", routes=account_types_api.router, timers=account_types_timers.timers),
    ),
    events=(
        customers.CustomerActivityRecorded,
        customers.CustomerConsentChanged,
        customers.CustomerCreated,
        customers.CustomerIdentified,
        customers.CustomerMergeProposed,
        customers.CustomerMerged,
        customers.CustomerOccasionReached,
        customers.CustomerProfileUpdated,
        customers.CustomerSplit,
        orders.OrderPaid,
        orders.OrderRefunded,
        tickets.TicketClosed,
        tickets.TicketSolved,
        *loyalty.EVENTS,
    ),
    follow=follow_customers,
)
