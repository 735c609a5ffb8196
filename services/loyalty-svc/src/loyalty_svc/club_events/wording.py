"""The heart of explanations: why there is no place, in the languages of the house."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from loyalty_svc.club_events.booking import WAITING_MAX, Reason

SENTENCES: Final[Mapping[Reason, Mapping[str, str]]] = {
    Reason.CANCELLED: {"zh-CN": "活动已取消", "en": "The event was cancelled"},
    Reason.BEGUN: {"zh-CN": "活动已于 {starts_at} 开始", "en": "The event began at {starts_at}"},
    Reason.NOT_OPEN: {"zh-CN": "{opens_at} 起接受报名", "en": "It can be booked from {opens_at}"},
    Reason.CLOSED: {"zh-CN": "报名已于 {closes_at} 截止", "en": "Booking ended at {closes_at}"},
    Reason.NOT_A_MEMBER: {"zh-CN": "仅限俱乐部成员报名", "en": "It is for members of the club"},
    Reason.LIST_FULL: {"zh-CN": "候补名额已满（{most} 人）", "en": "The waiting list is full ({most})"},
}
_ZONE: Final = ZoneInfo("Asia/Shanghai")


def why(reason: Reason, event: Any) -> dict[str, Any]:
    """A reason as a problem carries it: a code, and a sentence in each language. event: a row of `club_event`."""
    return {"reason": reason.value, "texts": {language: sentence(reason, event, language) for language in _LANGUAGES}}


def sentence(reason: Reason, event: Any, language: str) -> str:
    """One reason in one language; instants in Asia/Shanghai."""
    return SENTENCES[reason][language].format(
        starts_at=_shown(event.starts_at),
        opens_at=_shown(event.opens_at),
        closes_at=_shown(event.closes_at),
        most=WAITING_MAX,
    )


def _shown(at: datetime | None) -> str:
    return at.astimezone(_ZONE).strftime("%Y-%m-%d %H:%M") if at else ""


_LANGUAGES: Final = ("zh-CN", "en")
