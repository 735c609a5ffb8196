"""The heart of paying with points: what so many points take off a basket, by terms that business people write.

Points pay in whole steps (100 points for 1 CNY, say), so nothing is ever rounded; they pay for goods after coupons,
never for shipping.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

from pydantic import Field

from moat.kit.documents.kind import DocumentKind, Ref
from moat.kit.documents.model import Code, DocumentModel, Names


class PaymentDocument(DocumentModel):
    """What points of one account type are worth in one currency at the till."""

    names: Names
    account_type: Code = "points"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    step_points: Annotated[int, Field(ge=1, le=10**9, description="points are used in multiples of this")]
    step_minor: Annotated[int, Field(ge=1, le=10**9, description="what each step takes off, in minor units")]
    at_least_points: Annotated[int, Field(ge=0, le=10**12, description="fewer are not taken")] = 0
    share_max_percent: Annotated[int, Field(ge=1, le=100, description="of the goods after coupons")] = 100


class Reason(StrEnum):
    """Why points do not pay."""

    NOT_ACCEPTED = "not_accepted"
    TOO_FEW = "too_few"
    TOO_FEW_ASKED = "too_few_asked"
    BASKET_TOO_SMALL = "basket_too_small"
    TOO_MANY = "too_many"


class Refusal(NamedTuple):
    """One reason with the facts that its sentence needs."""

    reason: Reason
    facts: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Payment:
    """One version of the terms. name: `<code>@<version>`."""

    name: str
    code: str
    account_type: str
    currency: str
    step_points: int
    step_minor: int
    at_least_points: int
    share_max_percent: int

    def worth_minor(self, points: int) -> int:
        """What so many points take off; a multiple of the step is asked for."""
        return points // self.step_points * self.step_minor

    def most(self, goods_minor: int) -> int:
        """The most points that goods of so much take, whole steps."""
        return goods_minor * self.share_max_percent // 100 // self.step_minor * self.step_points

    @property
    def least(self) -> int:
        """The fewest points that pay: whole steps, one at least."""
        steps = max(1, -(-self.at_least_points // self.step_points))
        return steps * self.step_points

    def usable(self, available: int, goods_minor: int) -> tuple[int, Refusal | None]:
        """How many of the points a member has may pay for goods of so much, and why none."""
        if available < self.least:
            return 0, Refusal(Reason.TOO_FEW, {"least": self.least, "available": max(available, 0)})
        most = self.most(goods_minor)
        if most < self.least:
            return 0, Refusal(
                Reason.BASKET_TOO_SMALL, {"least": self.least, "worth_minor": self.worth_minor(self.least)}
            )
        return min(available // self.step_points * self.step_points, most), None

    def refuses(self, points: int, goods_minor: int) -> Refusal | None:
        """Why these points (> 0, whole steps) cannot pay for goods of so much, whoever has them."""
        most = self.most(goods_minor)
        if most < self.least:
            return Refusal(Reason.BASKET_TOO_SMALL, {"least": self.least, "worth_minor": self.worth_minor(self.least)})
        if points < self.least:
            return Refusal(Reason.TOO_FEW_ASKED, {"least": self.least, "requested": points})
        return Refusal(Reason.TOO_MANY, {"most": most, "requested": points}) if points > most else None


def compile_payment(model: PaymentDocument, ref: Ref) -> Payment:
    """The terms that a document describes."""
    return Payment(
        str(ref),
        ref.code,
        model.account_type,
        model.currency,
        model.step_points,
        model.step_minor,
        model.at_least_points,
        model.share_max_percent,
    )


PAYMENTS: Final = DocumentKind("points_payment", PaymentDocument, compile_payment)
