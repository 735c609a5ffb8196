"""The heart of contradictions: what a document says against itself, so that no version that says it is published.

The model lets it pass, because versions that were published before this was looked at are read for ever.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from loyalty_svc.accounts.types import CalendarExpiry, Expiry, InactivityExpiry, NeverExpires, RollingExpiry
from loyalty_svc.earning.documents import ProgrammeDocument, RuleDocument
from moat.kit.documents.kind import Doubt
from moat.kit.problems import FieldError

EXPIRES_WHILE_PENDING: Final = Doubt(
    "earning.expires-while-pending",
    {
        "zh-CN": "冻结期不短于有效期：部分积分在可用之前就会过期。",
        "en": "Points wait as long as they live, or longer: some expire before they can be spent.",
    },
)
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_FOUR_YEARS: Final = range(2024 * 12, 2028 * 12)
"""All lengths that periods have, in months since the year 0."""


def contradictions(document: RuleDocument | ProgrammeDocument) -> tuple[FieldError, ...]:
    """Each place where a document contradicts itself, by JSON pointer."""
    found = _repeated(document.credits or ())
    if isinstance(document, RuleDocument) and document.expires is not None:
        found += _kept_alive_by_a_rule(document.expires)
        found += _expired_before_they_can_be_spent(document.pending_days, document.expires)
    return tuple(found)


def may_expire_while_pending(pending_days: int, expiry: Expiry) -> bool:
    """Whether some of the points that wait so long expire before they can be spent."""
    shortest, _ = _lives(expiry)
    return shortest is not None and 0 < pending_days >= shortest


def _repeated(credits: Sequence[str]) -> list[FieldError]:
    """An award is booked once in each account type."""
    return [
        FieldError(f"/credits/{place}", f"{code} is there twice: points go to each account type once")
        for place, code in enumerate(credits)
        if code in credits[:place]
    ]


def _kept_alive_by_a_rule(expiry: Expiry) -> list[FieldError]:
    if not isinstance(expiry, InactivityExpiry):
        return []
    told = "whether awards keep each other alive is a matter of the account type; use rolling, end_of or never here"
    return [FieldError("/expires/kind", told)]


def _expired_before_they_can_be_spent(pending_days: int, expiry: Expiry) -> list[FieldError]:
    _, longest = _lives(expiry)
    if longest is None or not 0 < pending_days >= longest:
        return []
    told = f"these points expire within {longest} days: after {pending_days} there are none left to be spent"
    return [FieldError("/pending_days", told)]


def _lives(expiry: Expiry) -> tuple[int | None, int | None]:
    """How many days points live, at least and at most; None for as long as one likes."""
    match expiry:
        case NeverExpires():
            return None, None
        case RollingExpiry():
            return expiry.days, expiry.days
        case CalendarExpiry():
            months = _MONTHS[expiry.period]
            later = expiry.periods_later * months
            begins = [month for month in _FOUR_YEARS if month % months == 0]
            # What is earned at the end of a period has only the later ones to live.
            shortest = min(_days(begin, begin + later) for begin in begins)
            longest = max(_days(begin, begin + later + months) for begin in begins)
            return shortest + expiry.grace_days, longest + expiry.grace_days
        case _:
            # Whatever is earned meanwhile moves it along.
            return expiry.days, None


def _days(month: int, until: int) -> int:
    """The days from the first of one month to the first of another; months since the year 0."""
    return (date(until // 12, until % 12 + 1, 1) - date(month // 12, month % 12 + 1, 1)).days
