"""Consents and contacts over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from customer_svc.consents.usecases import Contact
from moat.contracts.intake import ShortText

Status = Literal["granted", "denied", "revoked"]
IDS_MAX = 500


class ConsentIn(BaseModel):
    """What the customer says, and where that is written down."""

    model_config = ConfigDict(extra="forbid")

    status: Status
    evidence: ShortText | None = None


class ConsentOut(BaseModel):
    """What the customer has said to one purpose over one channel, since `at`."""

    purpose: str
    channel: str
    status: Status
    evidence: str | None
    at: datetime

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(purpose=row.purpose, channel=row.channel, status=row.status, evidence=row.evidence, at=row.at)


class ConsentsOut(BaseModel):
    """Everything the customer has said."""

    items: list[ConsentOut]


class LookupIn(BaseModel):
    """Whose addresses are wanted."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[UUID], Field(max_length=IDS_MAX)]


class ConsentShort(BaseModel):
    """One consent without its evidence."""

    purpose: str
    channel: str
    status: Status


class ContactOut(BaseModel):
    """How a customer may be reached at this moment; not to be stored. `id` is the one asked for."""

    id: UUID
    customer_id: UUID
    name: str | None
    emails: list[str]
    phones: list[str]
    locale: str | None
    zone: str | None
    consents: list[ConsentShort]

    @classmethod
    def of(cls, contact: Contact) -> Self:
        fields = contact.file.fields
        return cls(
            id=contact.asked,
            customer_id=contact.file.customer_id,
            name=fields.get("name"),
            emails=contact.addresses("email"),
            phones=contact.addresses("phone"),
            locale=fields.get("locale"),
            zone=fields.get("zone"),
            consents=[ConsentShort(purpose=c.purpose, channel=c.channel, status=c.status) for c in contact.consents],
        )


class ContactsOut(BaseModel):
    """One entry for each known customer, in the order asked."""

    items: list[ContactOut]
