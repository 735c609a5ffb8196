"""Outside identifiers in the one form in which they are compared.

Values are trimmed, e-mails lower-cased, phones E.164 (+86 where no country is given). Blocked values are what systems
write when they know nobody; they never match.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import phonenumbers

ONE_SPACE: Final = frozenset({"phone", "email", "wechat_unionid"})
"""Kinds whose values are one space over all systems; their `system` is empty here."""
STRONG: Final = frozenset(
    {"customer_id", "member_id", "user_id", "account_id", "buyer_id", "openid", "wecom_id", "external_userid"}
)
"""Kinds by which a system proves a customer: at most one value per system and kind. All others are weak."""
BLOCKED: Final = frozenset({"", "0", "-1", "null", "anonymous"})
DEFAULT_COUNTRY: Final = "CN"


class Slot(NamedTuple):
    """A place that one customer can fill with one value."""

    system: str
    kind: str


class Identifier(NamedTuple):
    """An outside name of a customer, normalised; `system` is empty for kinds of one space."""

    system: str
    kind: str
    value: str

    @property
    def is_strong(self) -> bool:
        return self.kind in STRONG

    @property
    def slot(self) -> Slot:
        return Slot(self.system, self.kind)


def identifier_of(system: str, kind: str, value: str) -> Identifier | None:
    """The identifier in its compared form; None for a blocked value, which names nobody."""
    kind, value = kind.strip(), value.strip()
    if value.lower() in BLOCKED:
        return None
    if kind == "phone":
        value = e164(value)
    elif kind == "email":
        value = value.lower()
    return Identifier("" if kind in ONE_SPACE else system.strip(), kind, value)


@lru_cache(maxsize=65_536)
def e164(phone: str) -> str:
    """A phone number as +8613800138000; one that is no possible number stays as it was written, trimmed."""
    try:
        number = phonenumbers.parse(phone, DEFAULT_COUNTRY)
    except phonenumbers.NumberParseException:
        return phone.strip()
    if not phonenumbers.is_possible_number(number):
        return phone.strip()
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
