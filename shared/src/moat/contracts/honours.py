"""Honours of members: star customer, co-creator, advocate. Part of the topic of `loyalty`."""

from datetime import datetime
from uuid import UUID

from moat.contracts.points import LoyaltyFact


class HonourGiven(LoyaltyFact):
    """The member holds an honour, by a rule or by the hand of staff."""

    TYPE = "moat.honour.given.v1"
    honour: str
    holding_id: UUID
    rule: str
    """`<code>@<version>` of the kind of honour; by a rule if `by_rule`, else staff gave it for a reason."""
    by_rule: bool
    valid_until: datetime | None = None
    """When it lapses by itself, without another event."""


class HonourWithdrawn(LoyaltyFact):
    """Staff took an honour back."""

    TYPE = "moat.honour.withdrawn.v1"
    honour: str
    holding_id: UUID


EVENTS = (HonourGiven, HonourWithdrawn)
