"""Scores: how likely a customer is to have left, and what is at stake."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from moat.contracts.amounts import Currency
from moat.kit.events import EventData

Band = Literal["low", "medium", "high"]


class RiskAssessed(EventData):
    """What every event of a risk says; `time` of a raise by silence is the instant of the crossing."""

    TOPIC: ClassVar[str] = "moat.scoring"
    score: Annotated[float, Field(ge=0, le=100)]
    band: Band
    value_minor: int
    """What the customer has spent, less refunds, in the currency he spent most in."""
    value_currency: Currency | None
    reasons: tuple[str, ...] = ()
    """Codes, the weightiest first."""


class RiskRaised(RiskAssessed):
    """The score reached the threshold."""

    TYPE = "moat.risk.raised.v1"


class RiskChanged(RiskAssessed):
    """While raised, a fact changed score or value."""

    TYPE = "moat.risk.changed.v1"


class RiskCleared(RiskAssessed):
    """A fact brought the score below the threshold."""

    TYPE = "moat.risk.cleared.v1"


EVENTS = (RiskRaised, RiskChanged, RiskCleared)
