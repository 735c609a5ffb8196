"""Why a referral was refused, in words for the member. Pure."""

from collections.abc import Mapping
from typing import Final

from loyalty_svc.referrals.judging import Reason
from loyalty_svc.referrals.programme import Language

TEXTS: Final[Mapping[Reason, Mapping[Language, str]]] = {
    Reason.SELF: {"zh-CN": "不能使用自己的邀请码。", "en": "One's own code cannot be used."},
    Reason.SAME_PERSON: {
        "zh-CN": "邀请人与好友的账户信息相同。",
        "en": "The accounts of member and friend share an identifier.",
    },
    Reason.RING: {
        "zh-CN": "邀请人是由这位好友邀请来的，不能互相邀请。",
        "en": "The friend brought the member himself, directly or through others.",
    },
    Reason.ALREADY_REFERRED: {"zh-CN": "这位好友已经被邀请过。", "en": "The friend has been referred before."},
    Reason.KNOWN_BEFORE: {"zh-CN": "这位好友已经是我们的客户。", "en": "The friend was a customer before."},
    Reason.VELOCITY: {
        "zh-CN": "邀请人近期邀请的好友过多，请稍后再试。",
        "en": "The member has brought many friends lately; please try again later.",
    },
    Reason.LIMIT: {"zh-CN": "邀请人的邀请名额已用完。", "en": "The member has brought as many friends as he may."},
    Reason.EXPIRED: {"zh-CN": "好友没有在期限内下单。", "en": "The friend did not buy in time."},
    Reason.RETURNED: {"zh-CN": "好友的订单已退货。", "en": "The friend returned his order."},
}


def sentence(reason: Reason, language: Language) -> str:
    """The reason in words."""
    return TEXTS[reason][language]
