"""What goes in and out over HTTP of reviews."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from loyalty_svc.reviews.queries import Reviewed
from loyalty_svc.reviews.wording import in_words
from moat.kit.web import LanguageCode

Status = Literal["given", "cut", "refused", "held", "approved", "turned_down"]


class DecisionIn(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class AwardOut(BaseModel):
    """An award worth a note: one that a limit cut, refused or holds, or one for something else than an order."""

    id: UUID
    customer_id: UUID
    at: AwareDatetime
    noted_at: AwareDatetime
    event_type: str
    event_id: str
    order_id: str | None
    rule: str
    matched: list[str]
    wanted: int
    points: int
    status: Status
    cut_by: Annotated[str | None, Field(examples=["customer/day/points"])]
    why: Annotated[str | None, Field(description="the limit in words, or what it waits with")]
    decided_by: str | None
    decided_at: AwareDatetime | None
    reason: str | None
    allowed_actions: list[str]

    @classmethod
    def of(cls, award: Reviewed, language: LanguageCode) -> "AwardOut":
        """With the limit in the caller's language."""
        note = award.note
        return cls(
            id=award.id,
            customer_id=note.customer_id,
            at=note.at,
            noted_at=award.noted_at,
            event_type=note.event_type,
            event_id=note.event_id,
            order_id=note.order_id,
            rule=note.rule,
            matched=note.matched.split(),
            wanted=note.wanted,
            points=note.points,
            status=note.status,
            cut_by=note.cut_by,
            why=None if note.cut_by is None else in_words(note.cut_by, language),
            decided_by=award.decided_by,
            decided_at=award.decided_at,
            reason=award.reason,
            allowed_actions=["approve", "turn_down"] if note.status == "held" and note.base is None else [],
        )
