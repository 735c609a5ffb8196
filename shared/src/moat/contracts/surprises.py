"""Unannounced gifts that were drawn. Part of the topic of `loyalty`."""

from uuid import UUID

from moat.contracts.points import LoyaltyFact


class SurpriseGiven(LoyaltyFact):
    """The member won a gift that nobody had told him of; how it was drawn can be checked by the draw's seed."""

    TYPE = "moat.surprise.given.v1"
    surprise: str
    rule: str
    """`<code>@<version>` of the surprise."""
    draw_id: UUID
    account_type: str | None = None
    points: int | None = None
    posting_id: UUID | None = None
    coupon: str | None = None
    """Where it gives a coupon; its `coupon.issued` came before."""


EVENTS = (SurpriseGiven,)
