"""The heart of account types: what business people write down about one, and when its points expire.

A type is a document of the kind `account_type`; its code is what postings name (`points`). `growth` is one that cannot
be spent and never expires. What was given keeps the instant of expiry that the version valid when it was earned said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from loyalty_svc.accounts.problems import NotSpendable, UnknownAccountType
from moat.kit.documents.kind import DocumentKind, Published, Ref
from moat.kit.documents.model import DocumentModel, Names

ZONE: Final = ZoneInfo("Asia/Shanghai")
"""Where calendar periods end at midnight, whatever the programme's zone (ADR 0032)."""


class NeverExpires(DocumentModel):
    """Points stay for life."""

    kind: Literal["never"] = "never"


class RollingExpiry(DocumentModel):
    """Each award expires so many days (of 24 hours) after it was earned."""

    kind: Literal["rolling"] = "rolling"
    days: Annotated[int, Field(ge=1, le=36_500)]


class CalendarExpiry(DocumentModel):
    """All awards of a period expire together: at its end (Asia/Shanghai), and so many days of grace later."""

    kind: Literal["end_of"] = "end_of"
    period: Literal["month", "quarter", "year"]
    periods_later: Annotated[int, Field(ge=0, le=120, description="1: at the end of the period after")] = 0
    grace_days: Annotated[int, Field(ge=0, le=366)] = 0


class InactivityExpiry(DocumentModel):
    """Awards keep each other alive: each expires so many days after the last one that followed without a longer gap."""

    kind: Literal["inactivity"] = "inactivity"
    days: Annotated[int, Field(ge=1, le=36_500)]


Expiry = Annotated[NeverExpires | RollingExpiry | CalendarExpiry | InactivityExpiry, Field(discriminator="kind")]
"""When points expire."""
NEVER: Final = NeverExpires()
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


class Cost(DocumentModel):
    """What points cost the company when they are spent, for the liability."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"
    minor_per_thousand: Annotated[int, Field(ge=0, le=10**9, description="minor units for a thousand points")]


class AccountTypeDocument(DocumentModel):
    """One account type as business people write it."""

    names: Names
    units: Annotated[Names, Field(examples=[{"zh-CN": "积分", "en": "points"}])]
    decimals: Literal[0] = 0
    spendable: bool
    expiry: Expiry = NEVER
    warn_days: Annotated[int, Field(ge=0, le=366, description="0: nobody is warned")] = 0
    debt: Annotated[
        Literal["carry", "write_off"],
        Field(description="when points that are taken back were spent already: what is earned next pays, or a loss"),
    ] = "carry"
    approval_above: Annotated[int, Field(ge=0, le=10**12, description="adjustments above need a second person")] = 1_000
    unit_cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class AccountType:
    """One version of an account type. Only what is spendable has lots, and only lots expire."""

    code: str
    version: int
    names: Mapping[str, str]
    units: Mapping[str, str]
    is_spendable: bool
    expiry: NeverExpires | RollingExpiry | CalendarExpiry | InactivityExpiry
    warn_days: int
    debt: Literal["carry", "write_off"]
    approval_above: int
    unit_cost: Cost | None

    @property
    def rolling_days(self) -> int | None:
        """The days that a lot lives when that is all there is to say, None otherwise."""
        return self.expiry.days if isinstance(self.expiry, RollingExpiry | InactivityExpiry) else None


@dataclass(frozen=True, slots=True)
class AccountTypes:
    """All account types with their versions, the earliest first."""

    versions: Mapping[str, Sequence[Published[AccountType]]]

    def at(self, code: str, at: datetime) -> AccountType:
        """The version that judges what happens at an instant: the latest that has begun by then.

        Before the first of all that one, and once the type is retired its last one: what members hold goes on. Raises
        UnknownAccountType.
        """
        known = self._known(code)
        if len(known) == 1:
            return known[0].value
        begun = (one for one in reversed(known) if one.valid_from is None or one.valid_from <= at)
        return next(begun, known[0]).value

    def has_one_version(self, code: str) -> bool:
        """Whether there is nothing to choose from."""
        return len(self._known(code)) == 1

    def is_spendable(self, code: str) -> bool:
        """Whether its accounts have lots; the same in every version. Raises UnknownAccountType."""
        return self._known(code)[0].value.is_spendable

    def offered(self) -> list[str]:
        """The types that something new may name: those that are published, not retired ones."""
        return sorted(code for code, known in self.versions.items() if any(one.is_current for one in known))

    def must_be_known(self, code: str) -> None:
        """Raises UnknownAccountType."""
        self._known(code)

    def must_be_offered(self, code: str) -> None:
        """Raises UnknownAccountType, also for one that is retired."""
        if code not in self.offered():
            raise UnknownAccountType(account_type=code)

    def must_be_spendable(self, code: str) -> None:
        """Raises UnknownAccountType, NotSpendable."""
        if not self.is_spendable(code):
            raise NotSpendable(account_type=code)

    def spendable_codes(self) -> list[str]:
        """The types that have lots."""
        return sorted(code for code in self.versions if self.is_spendable(code))

    def living_on_activity(self) -> frozenset[str]:
        """The types in which an award may keep others alive, by any of their versions."""
        return frozenset(
            code
            for code, known in self.versions.items()
            if known[0].value.is_spendable and any(isinstance(one.value.expiry, InactivityExpiry) for one in known)
        )

    def units(self, at: datetime) -> dict[str, Mapping[str, str]]:
        """What each type is counted in at an instant, by language."""
        return {code: self.at(code, at).units for code in self.versions}

    def _known(self, code: str) -> Sequence[Published[AccountType]]:
        known = self.versions.get(code)
        if not known:
            raise UnknownAccountType(account_type=code)
        return known


def compile_type(model: AccountTypeDocument, ref: Ref) -> AccountType:
    """The type that a document describes."""
    return AccountType(
        ref.code,
        ref.version,
        {str(language): text for language, text in model.names.items()},
        {str(language): text for language, text in model.units.items()},
        model.spendable,
        model.expiry,
        model.warn_days,
        model.debt,
        model.approval_above,
        model.unit_cost,
    )


ACCOUNT_TYPES: Final = DocumentKind("account_type", AccountTypeDocument, compile_type)


def expires_at(
    expiry: NeverExpires | RollingExpiry | CalendarExpiry | InactivityExpiry, earned_at: datetime
) -> datetime | None:
    """When points that were earned at an aware instant expire, in UTC; None for never.

    The end of a period is midnight of the first day after it (Asia/Shanghai).
    """
    if isinstance(expiry, NeverExpires):
        return None
    if isinstance(expiry, CalendarExpiry):
        return _end_of(expiry, earned_at.astimezone(ZONE).date())
    return earned_at + timedelta(days=expiry.days)


def _end_of(expiry: CalendarExpiry, day: date) -> datetime:
    length = _MONTHS[expiry.period]
    begins = (day.month - 1) // length * length
    months = day.year * 12 + begins + length * (expiry.periods_later + 1)
    first_after = date(months // 12, months % 12 + 1, 1) + timedelta(days=expiry.grace_days)
    return datetime.combine(first_after, time(), ZONE).astimezone(UTC)
