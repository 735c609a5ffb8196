"""What goes in and out over HTTP about honours."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from loyalty_svc.honours.honour import Honour, Language
from moat.kit.instants import Instant

Reason = Annotated[str, Field(min_length=1, max_length=500)]


class HonourIn(BaseModel):
    """An honour given by hand. `valid_until`: instead of what the kind of honour says."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"honour": "star-customer", "reason": "ten years with us"}]},
    )

    honour: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Reason
    valid_until: Instant | None = None


class WithdrawIn(BaseModel):
    """Why it is taken back, and whether its rule may give it again; without that it does not."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "given by mistake"}]})

    reason: Reason
    may_return: bool = False


class HonourOut(BaseModel):
    """One honour of a customer, in the reader's language. `ended_at` when it was taken back, or had lapsed.

    What staff wrote and who they are is null for the member himself.
    """

    id: UUID
    honour: str
    name: str
    told: str | None
    rule: str
    by_rule: bool
    given_at: datetime
    valid_until: datetime | None
    stands: bool
    given_by: str | None
    reason: str | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    rule_may_give: bool | None
    allowed_actions: list[str]

    @classmethod
    def of(cls, row: Any, kinds: Mapping[str, Honour], language: Language, *, now: datetime, own: bool) -> Self:
        """From a row of `honour_holding`; kinds by rule (`<code>@<version>`). own: the member reads it himself."""
        kind = kinds.get(row.rule)
        stands = row.ended_at is None and (row.valid_until is None or row.valid_until > now)
        actions = ["withdraw"] * stands + ["allow"] * row.is_barred
        return cls(
            id=row.id,
            honour=row.honour,
            name=kind.names[language] if kind else row.honour,
            told=kind.told[language] if kind else None,
            rule=row.rule,
            by_rule=row.is_by_rule,
            given_at=row.given_at,
            valid_until=row.valid_until,
            stands=stands,
            given_by=None if own else row.given_by,
            reason=None if own else row.reason,
            ended_at=row.ended_at,
            ended_by=None if own else row.ended_by,
            end_reason=None if own else row.end_reason,
            rule_may_give=None if own else not row.is_barred,
            allowed_actions=[] if own else actions,
        )


class HolderOut(BaseModel):
    """Who holds an honour."""

    customer_id: UUID
    holding_id: UUID
    by_rule: bool
    given_at: datetime
    valid_until: datetime | None

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row of `honour_holding`."""
        told = {name: getattr(row, name) for name in ("customer_id", "given_at", "valid_until")}
        return cls(holding_id=row.id, by_rule=row.is_by_rule, **told)
