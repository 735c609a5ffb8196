import pytest

from moat.kit.money import Money, is_currency, minor_units


@pytest.mark.parametrize(
    ("currency", "units"), [("CNY", 100), ("USD", 100), ("JPY", 1), ("KRW", 1), ("KWD", 1000), ("CLF", 10_000)]
)
def test_minor_units_follow_iso_4217(currency, units):
    assert minor_units(currency) == units


@pytest.mark.parametrize("code", ["cny", "RMB", "XXX", "", "EURO"])
def test_what_is_no_currency_is_refused(code):
    assert not is_currency(code)
    with pytest.raises(ValueError, match="unknown currency"):
        minor_units(code)


def test_two_currencies_do_not_add_up():
    assert Money("CNY", 5) + Money("CNY", 7) == Money("CNY", 12)
    with pytest.raises(ValueError, match="cannot add USD to CNY"):
        Money("CNY", 5) + Money("USD", 7)
