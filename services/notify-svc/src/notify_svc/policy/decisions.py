"""The send policy: pure decisions, in the order in which a person would ask.

Loading history must never write to people, so freshness comes first. Consent and address are judged at the moment of
sending, from what customer-svc says at that moment.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

FRESH_FOR: Final = timedelta(hours=48)
"""A cause that happened longer ago sends nothing."""

Refusal = Literal["stale", "no_consent", "no_address", "duplicate"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What the policy knows about one template: which consent it needs by e-mail, None for none."""

    template: str
    email_consent_purpose: str | None


RECEIPT: Final = Kind("order_receipt", None)
CARE: Final = Kind("risk_care", "care")
CONGRATULATIONS: Final = Kind("tier_congratulations", "care")
KINDS: Final = {kind.template: kind for kind in (RECEIPT, CARE, CONGRATULATIONS)}


@dataclass(frozen=True, slots=True)
class Contact:
    """How a customer may be reached, as customer-svc says at this moment."""

    email: str | None
    locale: str | None
    consents: frozenset[tuple[str, str]]
    """(purpose, channel) of those that are granted."""


def refusal_of_cause(happened_at: datetime, *, at: datetime) -> Refusal | None:
    """Whether what happened is too long ago to write about."""
    return "stale" if at - happened_at > FRESH_FOR else None


def refusal_of_email(kind: Kind, contact: Contact | None, happened_at: datetime, *, at: datetime) -> Refusal | None:
    """Whether the e-mail must not be sent now; None when it may."""
    if (refusal := refusal_of_cause(happened_at, at=at)) is not None:
        return refusal
    purpose = kind.email_consent_purpose
    if purpose is not None and (contact is None or (purpose, "email") not in contact.consents):
        return "no_consent"
    if contact is None or not contact.email:
        return "no_address"
    return None
