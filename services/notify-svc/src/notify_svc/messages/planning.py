"""From an event to the messages it deserves: pure.

A message is planned once for what it is about (an order, a crossing, a tier change). What is stale is refused as a
whole, as one row on the channel that every message has; what is fresh goes to the in-app inbox at once and waits for
the e-mail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from moat.kit.ids import uuid7
from notify_svc.policy.decisions import Kind, Refusal, refusal_of_cause


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that happened and deserves a message; `subject_key` names what it is about."""

    kind: Kind
    customer_id: UUID
    subject_key: str
    happened_at: datetime
    cause: Mapping[str, Any]
    values: Mapping[str, Any]
    event: Any = field(compare=False)


@dataclass(frozen=True, slots=True)
class Planned:
    """A message as it will be kept. An e-mail that may go out is `deferred` until the dispatcher has sent it."""

    id: UUID
    occasion: Occasion
    channel: str
    status: str
    reason: Refusal | None


def plan(occasions: Sequence[Occasion], *, at: datetime) -> list[Planned]:
    """The messages of these occasions, in order; the same subject twice is planned once."""
    planned: list[Planned] = []
    seen: set[tuple[str, str]] = set()
    for occasion in occasions:
        subject = (occasion.kind.template, occasion.subject_key)
        if subject in seen:
            continue
        seen.add(subject)
        if (refusal := refusal_of_cause(occasion.happened_at, at=at)) is not None:
            planned.append(Planned(uuid7(), occasion, "inbox", "suppressed", refusal))
            continue
        planned.append(Planned(uuid7(), occasion, "inbox", "delivered", None))
        planned.append(Planned(uuid7(), occasion, "email", "deferred", None))
    return planned
