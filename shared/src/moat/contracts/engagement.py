"""Messages to customers; neither text nor address is in an event."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from moat.kit.events import EventData

Channel = Literal["inbox", "email"]
Refusal = Literal["stale", "no_consent", "quiet_hours", "cap", "complaint_open", "duplicate", "no_address"]


class MessageFact(EventData):
    """What every event of a message says; the customer is `about`."""

    TOPIC: ClassVar[str] = "moat.engagement"
    AGGREGATE_ID: ClassVar[str | None] = "message_id"
    message_id: UUID
    template: str
    channel: Channel


class MessageSent(MessageFact):
    """It was handed to the channel's provider."""

    TYPE = "moat.message.sent.v1"


class MessageDelivered(MessageFact):
    """It arrived (the in-app inbox delivers at once)."""

    TYPE = "moat.message.delivered.v1"


class MessageFailed(MessageFact):
    """The channel refused it for good; `reason` is a code."""

    TYPE = "moat.message.failed.v1"
    reason: str


class MessageSuppressed(MessageFact):
    """The policy held it back for good."""

    TYPE = "moat.message.suppressed.v1"
    reason: Refusal


class MessageDeferred(MessageFact):
    """It waits."""

    TYPE = "moat.message.deferred.v1"
    until: datetime | None = None


EVENTS = (MessageSent, MessageDelivered, MessageFailed, MessageSuppressed, MessageDeferred)
