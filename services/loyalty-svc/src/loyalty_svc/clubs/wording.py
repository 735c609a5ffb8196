"""The heart of explanations: why a club says no, and how a membership stands, in the languages of the house."""

from collections.abc import Mapping
from typing import Any, Final

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "closed": {"zh-CN": "该俱乐部目前不接受此方式加入", "en": "The club takes nobody in this way at the moment"},
    "already_member": {"zh-CN": "已是该俱乐部成员", "en": "Already a member of this club"},
    "already_invited": {"zh-CN": "已发出邀请，等待答复", "en": "Invited already, and not answered yet"},
    "not_a_member": {"zh-CN": "不是该俱乐部成员", "en": "Not a member of this club"},
    "for_ever": {"zh-CN": "永久成员，无需续期", "en": "A member for ever: there is nothing to renew"},
    "accepted": {"zh-CN": "邀请已被接受", "en": "The invitation was accepted"},
    "declined": {"zh-CN": "邀请已被谢绝", "en": "The invitation was declined"},
    "withdrawn": {"zh-CN": "邀请已撤回", "en": "The invitation was withdrawn"},
    "expired": {"zh-CN": "邀请已过期", "en": "The invitation is out of date"},
}
STATUS: Final[Mapping[str, Mapping[str, str]]] = {
    "none": {"zh-CN": "未加入", "en": "Not a member"},
    "invited": {"zh-CN": "已受邀", "en": "Invited"},
    "active": {"zh-CN": "成员", "en": "Member"},
    "grace": {"zh-CN": "已到期，宽限期内权益保留", "en": "Ended; the benefits go on in the days of grace"},
    "lapsed": {"zh-CN": "已失效", "en": "Lapsed"},
    "left": {"zh-CN": "已退出", "en": "Left"},
    "removed": {"zh-CN": "已被移出", "en": "Removed"},
}


def why(reason: str) -> dict[str, Any]:
    """A reason as a problem carries it: a sentence in each language."""
    return {"texts": dict(TEXTS[reason])}
