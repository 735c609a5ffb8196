"""Reading one value of a condition as the type of its field."""

import re
from decimal import Decimal
from typing import Final

from moat.kit.money import AMOUNT_MAX
from moat.rules.catalogue import Boolean, Choice, Field, Money, Number
from moat.rules.problems import nearest, shown
from moat.rules.tree import Scalar

TEXT_MAX: Final = 1000
"""The longest text in a condition, in characters."""
NUMBER_MAX: Final = 10**15
DECIMALS_MAX: Final = 9
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class WrongValue(ValueError):
    """The value does not fit its field; the message says what was expected."""


def scalar(value: object, field: Field) -> Scalar:
    """A value for any field but dates, instants and lists of lines. Raises WrongValue."""
    match field:
        case Number():
            return _number(value, whole=field.whole)
        case Money():
            return _amount(value, field.currency)
        case Boolean():
            if not isinstance(value, bool):
                raise WrongValue(f"true or false is expected, not {shown(value)}")
            return value
        case Choice():
            return _option(value, field.options)
        case _:
            return _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise WrongValue(f"a text is expected, not {shown(value)}")
    if len(value) > TEXT_MAX:
        raise WrongValue(f"a text of at most {TEXT_MAX} characters is expected")
    if _UNSTORABLE.search(value):
        raise WrongValue("NUL and lone surrogates cannot occur in a text")
    return value


def _option(value: object, options: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in options:
        listed = ", ".join(options[:20]) + (", …" if len(options) > 20 else "")
        raise WrongValue(f"{shown(value)} is none of: {listed}{nearest(value, options)}")
    return value


def _number(value: object, *, whole: bool) -> int | Decimal:
    """An exact number; a JSON fraction is taken as it was written (its shortest decimal form)."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise WrongValue(f"a number is expected, not {shown(value)}")
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite() or abs(exact) > NUMBER_MAX:
        raise WrongValue(f"a number between -{NUMBER_MAX} and {NUMBER_MAX} is expected")
    if exact == exact.to_integral_value():
        return int(exact)
    if whole:
        raise WrongValue(f"a whole number is expected, not {shown(value)}")
    exponent = exact.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -DECIMALS_MAX:
        raise WrongValue(f"at most {DECIMALS_MAX} decimals are taken")
    return exact


def _amount(value: object, currency: str | None) -> int:
    if isinstance(value, dict):
        if currency is None or value.keys() != {"currency", "minor"}:
            raise WrongValue("an amount is a whole number of minor units")
        if value["currency"] != currency:
            raise WrongValue(f"this field is in {currency}, not in {shown(value['currency'])}")
        value = value["minor"]
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > AMOUNT_MAX:
        raise WrongValue(f"a whole number of minor units up to {AMOUNT_MAX} is expected, not {shown(value)}")
    return value
