"""What goes in and out over HTTP about simulations."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from loyalty_svc.simulation import wording
from loyalty_svc.simulation.comparing import Measure
from loyalty_svc.simulation.drafts import Kind
from moat.kit.documents import Code
from moat.kit.instants import Instant

State = Literal["queued", "running", "done", "failed", "cancelled"]
Side = Literal["winners", "losers"]


class SimulationIn(BaseModel):
    """Which draft, over how many days until now."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "earning_rule", "code": "order-points", "days": 365}]}
    )

    kind: Kind
    code: Code
    days: Annotated[int, Field(ge=1, le=1100, strict=True, description="days of 24 hours")]


class PublishFromIn(BaseModel):
    """As the document's own door takes it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"confirm": []}]})

    valid_from: Instant | None = None
    confirm: Annotated[
        list[Annotated[str, Field(max_length=100)]], Field(max_length=20, description="doubts that are meant")
    ] = []


class PairOut(BaseModel):
    """By what is published, and with the draft."""

    published: int
    draft: int


class AccountOut(PairOut):
    """What was given of an account type, less what was taken back, and what it costs when it is spent."""

    account_type: str
    currency: str | None
    published_cost_minor: int | None
    draft_cost_minor: int | None


class WeekOut(PairOut):
    """What was given in the civil week that begins on this Monday."""

    week_of: date


class TierOut(PairOut):
    """Of the customers who are in a tier today; sums are 0-based places of tiers where a tier plan is compared."""

    tier: str
    customers: int
    winners: int
    losers: int


class StandsOut(PairOut):
    """How many members stand in a tier by either plan."""

    tier: str


class MoveOut(BaseModel):
    """How many members of one tier would be in another."""

    from_tier: str
    to_tier: str
    members: int


class TurnsOut(BaseModel):
    """How often members rose and fell in the week that begins on this Monday, by either plan."""

    week_of: date
    published_rises: int
    published_falls: int
    draft_rises: int
    draft_falls: int


class CustomerOut(PairOut):
    """One customer: what he gets by either, and his tier today; of a tier plan places, and his tier by the draft."""

    customer_id: UUID
    difference: int
    tier: str
    to_tier: str | None

    @classmethod
    def of(cls, row: Any) -> "CustomerOut":
        """From a row."""
        return cls(
            customer_id=row.customer_id,
            published=row.published,
            draft=row.draft,
            difference=row.draft - row.published,
            tier=row.tier,
            to_tier=row.to_tier,
        )


class ResultOut(BaseModel):
    """What came of it. measure: what makes a customer better off; counted: the account types that are added up."""

    summary: str
    measure: Measure
    counted: list[str]
    customers: int
    winners: int
    losers: int
    unchanged: int
    published: int | None
    draft: int | None
    difference: int | None
    accounts: list[AccountOut] = []
    by_tier: list[TierOut]
    by_week: list[WeekOut] = []
    top: list[CustomerOut]
    held: PairOut | None = None
    completions: PairOut | None = None
    coupons: PairOut | None = None
    tiers: list[StandsOut] | None = None
    moves: list[MoveOut] | None = None
    turns_by_week: list[TurnsOut] | None = None

    @classmethod
    def of(cls, result: Mapping[str, Any], days: int, language: str) -> "ResultOut":
        """From the JSON that is kept."""
        has_sums = result["draft"] is not None
        top = [one | {"difference": one["draft"] - one["published"]} for one in result["top"]]
        return cls.model_validate(
            {
                **result,
                "summary": wording.summary(result, days, language),
                "difference": result["draft"] - result["published"] if has_sums else None,
                "moves": result["moves"] if result["measure"] == "tiers" else None,
                "top": top,
            }
        )


class SimulationOut(BaseModel):
    """A simulation. draft_revision: of the document as it was simulated; send it as If-Match to publish from here."""

    id: UUID
    kind: Kind
    code: str
    version: int
    draft_revision: int
    days: int
    since: datetime
    state: State
    progress: Annotated[int, Field(description="in percent")]
    events_read: int
    events_skipped: Annotated[int, Field(description="records of the log that nobody could read")]
    author: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    published_at: datetime | None
    failure: str | None
    failure_text: str | None
    notes: Annotated[list[str], Field(description="what was taken as given")]
    allowed_actions: list[Literal["cancel", "publish"]]
    result: ResultOut | None

    @classmethod
    def of(cls, row: Any, language: str) -> "SimulationOut":
        """From a row."""
        names = set(cls.model_fields) - {"failure_text", "notes", "allowed_actions", "result"}
        actions = {"queued": ["cancel"], "running": ["cancel"], "done": [] if row.published_at else ["publish"]}
        return cls.model_validate(
            {name: getattr(row, name) for name in names}
            | {
                "failure_text": wording.failure(row.failure, language) if row.failure else None,
                "notes": wording.notes(row.kind, language),
                "allowed_actions": actions.get(row.state, []),
                "result": ResultOut.of(row.result, row.days, language) if row.result else None,
            }
        )
