"""From a text with placeholders to the words a person reads: sandboxed, and no placeholder without a value.

Pure: values in, text out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from moat.kit.money import EXPONENT

DEFAULT_LOCALE: Final = "zh-CN"
TEXT_CHARACTERS_MAX: Final = 20_000


class TextNotRendered(ValueError):
    """The template asks for a value that its message does not have, or does something it must not."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a person reads."""

    subject: str
    body: str


def money(amount_minor: int, currency: str) -> str:
    """`1234, "CNY"` → `12.34 CNY`: exact decimals of the currency, no rounding."""
    digits = EXPONENT.get(currency, 2)
    return f"{Decimal(amount_minor).scaleb(-digits):,.{digits}f} {currency}"


def render(texts: Mapping[str, Mapping[str, str]], locale: str | None, values: Mapping[str, Any]) -> Words:
    """Fill in the text of the locale, or of its language, or zh-CN.

    Raises TextNotRendered for an undefined value or a forbidden operation.
    """
    chosen = texts[best_locale(texts, locale)]
    try:
        filled = (_compiled(chosen[part]).render(values)[:TEXT_CHARACTERS_MAX] for part in ("subject", "body"))
        return Words(*filled)
    except TemplateError as error:
        raise TextNotRendered(str(error)) from error


def best_locale(texts: Mapping[str, Any], locale: str | None) -> str:
    """The locale that there are texts for and that comes nearest; zh-CN when none does."""
    if locale in texts:
        return str(locale)
    language = (locale or "").partition("-")[0].lower()
    return next((have for have in texts if language and have.lower().startswith(language)), DEFAULT_LOCALE)


# Subjects are single lines of plain text and bodies are plain text, so nothing is escaped.
_ENVIRONMENT: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.filters["money"] = money


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)
