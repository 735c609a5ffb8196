"""Money as integer minor units with its ISO 4217 currency; no float comes near it."""

from dataclasses import dataclass
from typing import Final

AMOUNT_MAX: Final = 10**12
"""The largest amount in minor units that Moat accepts."""

# ISO 4217 list one (SIX Financial Information), active codes by their number of minor digits; two unless listed.
_EXPONENTS: Final[dict[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
    "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV "
    "MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
    "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENT: Final[dict[str, int]] = {code: digits for digits, codes in _EXPONENTS.items() for code in codes.split()}


def is_currency(code: str) -> bool:
    """Whether `code` is an active ISO 4217 currency, in capitals."""
    return code in EXPONENT


def minor_units(currency: str) -> int:
    """How many minor units make one whole unit: 100 for CNY, 1 for JPY. Raises ValueError for an unknown currency."""
    try:
        return int(10 ** EXPONENT[currency])
    except KeyError:
        raise ValueError(f"unknown currency {currency!r}") from None


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in one currency; adding two currencies is an error."""

    currency: str
    minor: int

    def __post_init__(self) -> None:
        if not is_currency(self.currency):
            raise ValueError(f"unknown currency {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.currency, self.minor + other.minor)
