"""Customers: who they are to Moat. Ids only; what people are called and reached by stays in customer-svc."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from moat.kit.events import EventData


class CustomerFact(EventData):
    """What every event about a customer shares; the customer himself is `about`."""

    TOPIC: ClassVar[str] = "moat.customers"


class CustomerCreated(CustomerFact):
    """A customer was seen for the first time; `time` is that of the fact."""

    TYPE = "moat.customer.created.v1"
    locale: str | None = None
    zone: str | None = None


class CustomerIdentified(CustomerFact):
    """Another outside identifier became known; its value stays in customer-svc."""

    TYPE = "moat.customer.identified.v1"
    system: str | None = None
    kind: str


class CustomerProfileUpdated(CustomerFact):
    """The file of a customer changed; names of the fields only."""

    TYPE = "moat.customer.profile_updated.v1"
    fields: tuple[str, ...]
    locale: str | None = None
    zone: str | None = None


class CustomerMerged(CustomerFact):
    """Two customers were one; `about` is the survivor, `from_id` the one who is no more."""

    TYPE = "moat.customer.merged.v1"
    from_id: UUID


class CustomerSplit(CustomerFact):
    """A merge was undone; `about` is the one who stays what he was, `from_id` the customer who parts again from him."""

    TYPE = "moat.customer.split.v1"
    from_id: UUID
    merge_id: UUID
    """The id of the event `customer.merged` that this undoes."""
    former_ids: tuple[UUID, ...] = ()
    """Who had become `from_id` before that merge; they mean him again."""
    order_uids: tuple[UUID, ...] = ()
    """The paid orders that are his again, those since the merge included, whomever events before this name."""


class CustomerMergeProposed(CustomerFact):
    """`about` and `other_id` share an identifier and may be one person; staff decide."""

    TYPE = "moat.customer.merge_proposed.v1"
    other_id: UUID


class CustomerConsentChanged(CustomerFact):
    """A customer said yes or no to one purpose over one channel."""

    TYPE = "moat.customer.consent_changed.v1"
    purpose: str
    channel: str
    status: Literal["granted", "denied", "revoked"]


class CustomerActivityRecorded(CustomerFact):
    """A customer did something that has a name; properties stay in customer-svc."""

    TYPE = "moat.customer.activity_recorded.v1"
    name: str


class CustomerOccasionReached(CustomerFact):
    """A day of the customer's comes round: told at the beginning of a day in his zone, some days ahead and on the day.

    Neither the year of birth nor the calendar is told; `time` is the instant due, however late an outage made it.
    """

    TYPE = "moat.customer.occasion_reached.v1"
    kind: str
    """`birthday`, `birthday_month` (told on its first day) or `anniversary` (of becoming a customer); more may come."""
    occurs_on: date
    """The civil day in the customer's zone."""
    days_ahead: Annotated[int, Field(ge=0)]
    year: int
    """Of the calendar it is counted in: each kind comes once in a year, and a lunar one now and then twice in a civil
    year; so this, not that of `occurs_on`, is what something yearly is known by."""
    years: Annotated[int, Field(ge=1)] | None = None
    """How many years, for an anniversary."""


EVENTS = (
    CustomerCreated,
    CustomerIdentified,
    CustomerProfileUpdated,
    CustomerMerged,
    CustomerSplit,
    CustomerMergeProposed,
    CustomerConsentChanged,
    CustomerActivityRecorded,
    CustomerOccasionReached,
)
