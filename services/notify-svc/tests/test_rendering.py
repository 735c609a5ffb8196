import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify_svc.templates.rendering import TextNotRendered, best_locale, money, render

TEXTS = {
    "zh-CN": {"subject": "订单 {{ order_id }}", "body": "{{ total_minor | money(currency) }}"},
    "en": {"subject": "Order {{ order_id }}", "body": "{{ total_minor | money(currency) }}"},
}
VALUES = {"order_id": "o-1", "total_minor": 123456, "currency": "CNY"}


def test_a_text_is_filled_in_in_the_readers_language():
    assert render(TEXTS, "en", VALUES).subject == "Order o-1"
    assert render(TEXTS, "zh-CN", VALUES).subject == "订单 o-1"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("en-GB", "en"), ("zh-TW", "zh-CN"), ("fr", "zh-CN"), (None, "zh-CN"), ("", "zh-CN"), ("EN-us", "en")],
)
def test_the_nearest_language_is_taken(asked, answered):
    assert best_locale(TEXTS, asked) == answered


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [(123456, "CNY", "1,234.56 CNY"), (5, "USD", "0.05 USD"), (1200, "JPY", "1,200 JPY"), (1, "BHD", "0.001 BHD")],
)
def test_money_is_written_with_the_digits_of_its_currency(minor, currency, written):
    assert money(minor, currency) == written


@given(st.integers(min_value=0, max_value=10**12))
def test_no_cent_is_lost_in_writing(minor):
    assert int(money(minor, "CNY").removesuffix(" CNY").replace(",", "").replace(".", "")) == minor


@pytest.mark.parametrize(
    "text",
    ["{{ missing }}", "{{ ''.__class__.__mro__ }}", "{{ order_id.__init__.__globals__ }}", "{% if %}"],
)
def test_what_a_template_must_not_do_stops_it(text):
    with pytest.raises(TextNotRendered):
        render({"zh-CN": {"subject": "x", "body": text}}, "zh-CN", VALUES)
