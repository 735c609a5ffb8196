"""Field types that several payloads share."""

from typing import Annotated

from pydantic import AfterValidator, Field

from moat.kit.money import AMOUNT_MAX, is_currency


def _known(code: str) -> str:
    if not is_currency(code):
        raise ValueError(f"unknown currency {code!r}; ISO 4217 in capitals is expected")
    return code


Currency = Annotated[str, Field(min_length=3, max_length=3), AfterValidator(_known)]
AmountMinor = Annotated[int, Field(ge=0, le=AMOUNT_MAX, strict=True)]
"""Minor units, 0 to 10^12."""
