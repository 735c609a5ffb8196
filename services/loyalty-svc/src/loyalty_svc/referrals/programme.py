"""The programme of referrals as business people write it. Pure.

There is one, a document of the kind `referral_programme`. A referral stays with the version it began with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from moat.kit.documents.kind import DocumentKind, Ref, WrongDocument
from moat.kit.documents.model import Code, DocumentModel, Names
from moat.kit.money import AMOUNT_MAX, is_currency
from moat.kit.problems import FieldError

CODE: Final = "friends"
"""The code of the one programme."""
Language = Literal["zh-CN", "en"]


class Reward(DocumentModel):
    """Points of one account type."""

    account_type: Code = "points"
    points: Annotated[int, Field(ge=1, le=1_000_000)]


class ReferralProgramme(DocumentModel):
    """The programme's document."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "names": {"zh-CN": "邀请好友", "en": "Bring a friend"},
                    "link": "https://shop.example/invite/{code}",
                    "order_least_minor": {"CNY": 9900},
                    "referrer": {"points": 500},
                    "friend": {"points": 200},
                }
            ]
        }
    )

    names: Names
    link: Annotated[
        str | None,
        Field(
            pattern=r"^https://[^\s{}]{1,200}\{code\}[^\s{}]{0,200}$",
            description="where a code leads, with `{code}` in its place",
            examples=["https://shop.example/invite/{code}"],
        ),
    ] = None
    attribution_days: Annotated[int, Field(ge=1, le=365, description="the friend buys within so many days")] = 30
    return_days: Annotated[int, Field(ge=0, le=366, description="rewards are held so many days after his order")] = 15
    order_least_minor: Annotated[
        dict[str, Annotated[int, Field(ge=1, le=AMOUNT_MAX)]],
        Field(min_length=1, max_length=50, description="what the order comes to at least, by currency"),
    ]
    known_days: Annotated[
        int, Field(ge=0, le=3650, description="who was known for longer when he used the code was no new friend")
    ] = 30
    friends_max: Annotated[int, Field(ge=1, le=100_000, description="so many friends at most …")] = 20
    friends_days: Annotated[int, Field(ge=1, le=366, description="… within so many days")] = 30
    friends_ever: Annotated[int | None, Field(ge=1, le=1_000_000, description="so many friends at all")] = None
    referrer: Reward
    friend: Reward | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """One version; `rule` is `<code>@<version>`."""

    rule: str
    names: Mapping[Language, str]
    terms: ReferralProgramme

    def link_of(self, code: str) -> str | None:
        """Where a code leads, if it leads anywhere."""
        return self.terms.link.replace("{code}", code) if self.terms.link else None

    def rewards(self) -> list[tuple[str, Reward]]:
        """Whom it rewards with what: (role, reward)."""
        found = [("referrer", self.terms.referrer)]
        return found if self.terms.friend is None else [*found, ("friend", self.terms.friend)]


def compile_programme(model: ReferralProgramme, ref: Ref) -> Programme:
    """The programme of a document. Raises WrongDocument for an unknown currency."""
    unknown = [code for code in model.order_least_minor if not is_currency(code)]
    if unknown:
        errors = [FieldError(f"/order_least_minor/{code}", "is no currency of ISO 4217") for code in unknown]
        raise WrongDocument(errors=errors)
    return Programme(str(ref), model.names, model)


REFERRALS: Final = DocumentKind("referral_programme", ReferralProgramme, compile_programme, single=CODE)
