"""What a customer's file says over HTTP, and what may be written into it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from customer_svc.identity.normalising import Identifier
from customer_svc.profiles.folding import File
from customer_svc.profiles.writing import kept
from moat.contracts.intake import Text


class IdentifierOut(BaseModel):
    """An outside name; `system` is null for kinds that are one space over all systems."""

    system: str | None
    kind: str
    value: str


class SpentOut(BaseModel):
    """What was paid in one currency, less refunds."""

    currency: str
    amount_minor: int


class OwnCustomerOut(BaseModel):
    """A customer as he himself may see it. Figures count paid orders."""

    id: UUID
    name: str | None
    gender: str | None
    birthday: str | None
    birthday_calendar: Literal["solar", "lunar"] | None
    locale: str | None
    zone: str | None
    emails: list[str]
    phones: list[str]
    identifiers: list[IdentifierOut]
    first_order_at: datetime | None
    last_order_at: datetime | None
    orders_count: int
    spent: list[SpentOut]

    @classmethod
    def of(cls, file: File, identifiers: Sequence[Identifier]) -> Self:
        return cls(**_shown(file, identifiers))


class CustomerOut(OwnCustomerOut):
    """A customer as staff and systems see it; `version` is what If-Match wants."""

    owner_id: str | None
    first_seen_at: datetime
    version: int

    @classmethod
    def of(cls, file: File, identifiers: Sequence[Identifier]) -> Self:
        return cls(
            **_shown(file, identifiers),
            owner_id=file.owner_id,
            first_seen_at=file.first_seen_at,
            version=file.version,
        )


class CustomerEdit(BaseModel):
    """The fields to change: an absent one stays, a null one is cleared. What is not here cannot be written."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    gender: Literal["female", "male", "other", "unknown"] | None = None
    birthday: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    birthday_calendar: Literal["solar", "lunar"] | None = None
    locale: Annotated[str, Field(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] | None = None
    zone: Annotated[str, Field(max_length=64)] | None = None
    emails: Annotated[list[Annotated[Text, Field(max_length=320)]], Field(max_length=20)] | None = None
    phones: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=20)] | None = None
    owner_id: Annotated[Text, Field(min_length=1, max_length=100)] | None = None

    def changes(self) -> dict[str, Any]:
        """What was sent, as it is kept. Raises ProfileInvalid."""
        return kept({name: getattr(self, name) for name in self.model_fields_set}, pointer="")


def _shown(file: File, identifiers: Sequence[Identifier]) -> dict[str, Any]:
    return {
        "id": file.customer_id,
        **{
            name: file.fields.get(name)
            for name in ("name", "gender", "birthday", "birthday_calendar", "locale", "zone")
        },
        "emails": list(file.fields.get("emails") or ()),
        "phones": list(file.fields.get("phones") or ()),
        "identifiers": [IdentifierOut(system=i.system or None, kind=i.kind, value=i.value) for i in identifiers],
        "first_order_at": file.first_order_at,
        "last_order_at": file.last_order_at,
        "orders_count": file.orders_count,
        "spent": [SpentOut(currency=code, amount_minor=minor) for code, minor in sorted(file.spent.items())],
    }
