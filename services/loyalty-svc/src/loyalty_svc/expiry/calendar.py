"""The heart of expiry's calendar: when its work falls due, by clocks in Asia/Shanghai."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from loyalty_svc.accounts.types import ZONE

SWEPT_WITHIN: Final = timedelta(hours=1)
"""An expiry that nobody foresaw (of a shorter policy, say) is swept so late at most; it cannot be spent meanwhile."""
WARNS_AT: Final = time(9)
AUDITS_AT: Final = time(3, 30)


def next_at(clock_time: time, now: datetime) -> datetime:
    """The next instant after `now` at which clocks in Asia/Shanghai show this time."""
    today = now.astimezone(ZONE).date()
    first = datetime.combine(today, clock_time, ZONE)
    return (first if first > now else datetime.combine(today + timedelta(days=1), clock_time, ZONE)).astimezone(UTC)


def next_sweep(now: datetime, next_due: datetime | None) -> datetime:
    """When to look for expired points again."""
    latest = now + SWEPT_WITHIN
    return latest if next_due is None else min(next_due, latest)


def warned_until(now: datetime, days: int) -> datetime:
    """What expires before this instant is warned of by now: everything of the civil day that lies `days` ahead."""
    last: date = now.astimezone(ZONE).date() + timedelta(days=days)
    return datetime.combine(last + timedelta(days=1), time(), ZONE).astimezone(UTC)
