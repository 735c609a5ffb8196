"""The heart of what rules may ask: for each event type that earns, its fields, and those of the member beside them.

A field has the name it has in the event; `at` is when it happened in the world, `tier` the code of the member's tier
when it is judged, `discount_share` how many percent of the orders that he had paid in the year before the event were
bought with a coupon, as far as that is known when it is judged. Only `order.paid` has an amount: formulas over money
are for it alone.
"""

from typing import Final

from loyalty_svc.discounts.share import DISCOUNT_SHARE, FIELD
from moat.rules import Catalogue, Choice, Instant, Lines, Money, Number, Text, Texts
from moat.rules.catalogue import Field, LineField

ORDER_PAID: Final = "order.paid"
LINE: Final[dict[str, LineField]] = {
    "sku": Text(),
    "category": Text(),
    "brand": Text(),
    "quantity": Number(whole=True),
    "amount_minor": Money(),
}
OF_MEMBERS: Final[dict[str, Field]] = {"tier": Text(), FIELD: DISCOUNT_SHARE}
"""What is asked about the member, not about the event."""
_COMMON: Final[dict[str, Field]] = {"at": Instant(), **OF_MEMBERS}
_TICKET: Final[dict[str, Field]] = {
    "kind": Choice(("question", "complaint", "after_sales", "suggestion", "follow_up")),
    **_COMMON,
}

CATALOGUES: Final[dict[str, Catalogue]] = {
    ORDER_PAID: Catalogue(
        {
            "currency": Text(),
            "total_minor": Money(),
            "channel": Text(),
            "paid_at": Instant(),
            "order_source": Text(),
            "lines": Lines(LINE),
            **_COMMON,
        }
    ),
    "customer.created": Catalogue({"locale": Text(), "zone": Text(), **_COMMON}),
    "customer.identified": Catalogue({"system": Text(), "kind": Text(), **_COMMON}),
    "customer.profile_updated": Catalogue({"fields": Texts(), **_COMMON}),
    "customer.consent_changed": Catalogue(
        {
            "purpose": Text(),
            "channel": Text(),
            "status": Choice(("granted", "denied", "revoked")),
            **_COMMON,
        }
    ),
    "customer.activity_recorded": Catalogue({"name": Text(), **_COMMON}),
    "ticket.solved": Catalogue({"reason": Text(), **_TICKET}),
    "ticket.closed": Catalogue(_TICKET),
}
"""Event type, without `moat.` and `.v1` → what a rule may ask about it."""
LINES: Final = Catalogue(dict(LINE))
"""What a filter over lines may ask about one line."""
