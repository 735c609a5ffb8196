"""Codes, baskets, stacking and the words for why not: pure."""

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.coupon_uses.judging import Held, Judged, Reason, judge
from loyalty_svc.coupon_uses.wording import SENTENCES, sentence
from loyalty_svc.coupons.basket import Basket, Line
from loyalty_svc.coupons.codes import ALPHABET, LETTERS, codes_from, distinct, normalised, random_bytes_for, shown
from loyalty_svc.coupons.coupon import Coupon
from loyalty_svc.coupons.document import CouponDocument, compile_coupon, doubts
from moat.kit.documents.kind import Ref
from moat.kit.problems import Invalid
from moat.kit.testing.events import TODAY

NAMES = {"zh-CN": "券", "en": "Coupon"}
TEN_OFF = {"kind": "amount_off", "currency": "CNY", "amount_minor": 1000}
ME = uuid4()


def a_coupon(code: str = "c", benefit: Any = TEN_OFF, **more: Any) -> Coupon:
    document = CouponDocument.model_validate({"names": NAMES, "benefit": benefit, **more})
    return compile_coupon(document, Ref("coupon", code, 1))


def a_basket(*amounts: int, shipping: int = 0, currency: str = "CNY", category: str | None = None) -> Basket:
    lines = tuple(Line(amount, category=category) for amount in amounts)
    return Basket(currency, lines, TODAY, shipping_minor=shipping)


def a_code(code: str, coupon: Coupon, **more: Any) -> Held:
    held = Held(uuid4(), code, uuid4(), coupon.code, 1, None, None, None, 0, 0, 0)
    return held._replace(**more)


def judged(coupons: list[Coupon], basket: Basket, **more: Any) -> list[Judged]:
    held = {f"C{place}": a_code(f"C{place}", coupon, **more) for place, coupon in enumerate(coupons)}
    return judge(list(held), held, {(coupon.code, 1): coupon for coupon in coupons}, basket, ME)


def test_codes_have_no_letters_that_look_alike():
    codes = codes_from(os.urandom(random_bytes_for(1000)), 1000, prefix="XMAS")

    assert len(codes) == len(set(codes)) == 1000
    assert set("".join(code[4:] for code in codes)) <= set(ALPHABET)
    assert not set(ALPHABET) & set("01OILBSZU")
    assert {len(code) for code in codes} == {4 + LETTERS}


@pytest.mark.parametrize("wanted", [1, 2, 10])
def test_few_codes_are_as_many_as_were_wanted(wanted: int):
    assert {len(codes_from(os.urandom(random_bytes_for(wanted)), wanted)) for _ in range(3000)} == {wanted}


def test_every_letter_is_equally_likely():
    letters = "".join(codes_from(bytes(range(256)) * 12, 10_000))

    assert {letters.count(letter) for letter in ALPHABET} == {12 * 9}


@pytest.mark.parametrize("typed", ["abcd-efgh", " ABCD EFGH ", "ａｂｃｄｅｆｇｈ", "Abcd–Efgh", "a b_c.d\u200befgh"])
def test_a_code_is_understood_however_it_is_typed(typed: str):
    assert normalised(typed) == "ABCDEFGH"


@pytest.mark.parametrize("typed", ["", "---", "优惠券", "a" * 41, "a'; DROP", "x" * 5000, "é"])
def test_what_is_no_code_is_none(typed: str):
    assert normalised(typed) is None


@given(st.text(alphabet=ALPHABET, min_size=1, max_size=40))
def test_a_code_as_printed_is_the_code(code: str):
    assert normalised(shown(code)) == normalised(shown(code).lower()) == code


def test_the_same_code_twice_is_one():
    assert distinct(["abc", "A-B-C", "!", "xyz"]) == (["ABC", "XYZ"], [2])


@pytest.mark.parametrize(
    ("benefit", "goods", "shipping"),
    [
        (TEN_OFF, 1000, 0),
        ({"kind": "amount_off", "currency": "CNY", "amount_minor": 999_999}, 3333, 0),
        ({"kind": "percent_off", "basis_points": 1000}, 333, 0),
        ({"kind": "percent_off", "basis_points": 5000, "ceiling": {"currency": "CNY", "amount_minor": 700}}, 700, 0),
        ({"kind": "free_shipping"}, 0, 800),
        ({"kind": "free_shipping", "ceiling": {"currency": "CNY", "amount_minor": 500}}, 0, 500),
    ],
)
def test_what_a_coupon_takes_off(benefit: Any, goods: int, shipping: int):
    (one,) = judged([a_coupon(benefit=benefit)], a_basket(3333, shipping=800))

    assert one.worth is not None
    assert (one.worth.goods_minor, one.worth.shipping_minor) == (goods, shipping)


def test_a_gift_is_put_in():
    (one,) = judged([a_coupon(benefit={"kind": "gift", "sku": "mug", "quantity": 2})], a_basket(1))

    assert one.worth is not None
    assert (one.worth.gift_sku, one.worth.gift_quantity) == ("mug", 2)


def test_only_the_lines_it_counts_are_reduced():
    music = {"combinator": "and", "rules": [{"field": "category", "operator": "=", "value": "music"}]}
    coupon = a_coupon(benefit={"kind": "percent_off", "basis_points": 10_000}, lines=music)
    basket = Basket("CNY", (Line(700, category="music"), Line(900, category="books")), TODAY)

    (one,) = judged([coupon], basket)

    assert one.worth is not None
    assert one.worth.goods_minor == 700


def test_together_coupons_never_take_more_than_there_is():
    free = a_coupon("a", {"kind": "percent_off", "basis_points": 9000}, stacking={"mode": "with_others", "priority": 5})
    ten = a_coupon("b", stacking={"mode": "with_others"})
    late = a_coupon("c", stacking={"mode": "with_others", "priority": -1})

    first, second, third = judged([free, ten, late], a_basket(5000))

    assert first.worth is not None
    assert second.worth is not None
    assert first.worth.goods_minor + second.worth.goods_minor == 5000
    assert [refusal.reason for refusal in third.refusals] == [Reason.WORTH_NOTHING]


def test_of_one_group_the_highest_priority_is_taken():
    low = a_coupon("a", stacking={"mode": "with_others", "group": "season", "priority": 1})
    high = a_coupon("b", stacking={"mode": "with_others", "group": "season", "priority": 2})

    first, second = judged([low, high], a_basket(5000))

    assert second.is_usable
    assert [refusal.reason for refusal in first.refusals] == [Reason.STACKING]
    assert sentence(first.refusals[0], "en") == "It cannot be used together with “Coupon”"


def test_a_coupon_that_stands_alone_joins_nobody():
    alone, other = a_coupon("a"), a_coupon("b", stacking={"mode": "with_others"})

    first, second = judged([alone, other], a_basket(5000))

    assert (first.is_usable, second.is_usable) == (True, False)


def test_two_codes_of_a_coupon_that_everybody_has_once_are_one_too_many():
    coupon = a_coupon(limits={"per_customer": 1}, stacking={"mode": "with_others"})

    first, second = judged([coupon, coupon], a_basket(5000))

    assert first.is_usable
    assert [refusal.reason for refusal in second.refusals] == [Reason.CUSTOMER_LIMIT]


def test_a_limit_of_one_is_said_in_the_singular():
    coupon = a_coupon(limits={"per_customer": 1, "per_pool": 1})

    (one,) = judged([coupon], a_basket(8_000), customer_uses=1, pool_uses=1)

    told = [sentence(refusal, "en") for refusal in one.refusals]
    assert told == ["Each member may use it once", "All uses are taken: 1"]


def test_every_reason_is_told_and_not_only_the_first():
    at_least = {"combinator": "and", "rules": [{"field": "total_minor", "operator": ">=", "value": 10_000}]}
    coupon = a_coupon(condition=at_least, limits={"per_customer": 2}, starts_at=TODAY + timedelta(days=1))

    (one,) = judged([coupon], a_basket(8_000), uses=1, customer_uses=2, expires_at=TODAY, withdrawn_at=TODAY)

    assert [sentence(refusal, "en") for refusal in one.refusals] == [
        "This code was withdrawn",
        "It can be used from 2026-11-21 16:00",
        "It expired on 2026-11-20 16:00",
        "This code has been used",
        "Each member may use it 2 times",
        "The basket does not fit: the goods 20.00 CNY more is needed",
    ]
    assert sentence(one.refusals[-1], "zh-CN") == "购物车不符合条件：商品金额还差 20.00 CNY"


def test_tiers_are_called_by_their_names():
    gold = {"combinator": "and", "rules": [{"field": "tier", "operator": "in", "value": ["gold", "gone"]}]}
    basket = replace(a_basket(8_000), tier_names={"gold": {"zh-CN": "金卡", "en": "Gold"}})

    (one,) = judged([a_coupon(condition=gold)], basket)

    assert sentence(one.refusals[0], "zh-CN") == "购物车不符合条件：会员等级应为 金卡、gone 之一"


@pytest.mark.parametrize(
    ("rule", "en"),
    [
        ({"field": "tier", "operator": "in", "value": ["gold", "black"]}, "the tier must be one of gold, black"),
        ({"field": "channel", "operator": "=", "value": "app"}, "the channel must be app"),
        ({"field": "quantity", "operator": ">=", "value": 3}, "the number of pieces 2 more is needed"),
        ({"field": "total_minor", "operator": "<=", "value": 100}, "the goods must be at most 1.00 CNY"),
        ({"field": "tier", "operator": "notNull"}, "the tier is not as required"),
    ],
)
def test_a_condition_says_what_is_missing(rule: Any, en: str):
    (one,) = judged([a_coupon(condition={"combinator": "and", "rules": [rule]})], a_basket(8_000))

    assert sentence(one.refusals[0], "en") == f"The basket does not fit: {en}"
    assert sentence(one.refusals[0], "zh-CN").startswith("购物车不符合条件：")


def test_a_coupon_of_another_currency_does_not_fit():
    (one,) = judged([a_coupon()], a_basket(8_000, currency="USD"))

    assert sentence(one.refusals[0], "en") == "It is for orders in CNY, and this one is in USD"


def test_there_is_a_sentence_for_every_reason_in_both_languages():
    assert set(SENTENCES) == set(Reason)
    assert all(texts.keys() == {"zh-CN", "en"} for texts in SENTENCES.values())


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"benefit": {**TEN_OFF, "currency": "XXQ"}}, "/benefit/currency"),
        (
            {"benefit": {"kind": "free_shipping"}, "lines": {"combinator": "and", "rules": []}},
            "/lines",
        ),
        (
            {"condition": {"combinator": "and", "rules": [{"field": "totl_minor", "operator": ">", "value": 1}]}},
            "/condition/rules/0/field",
        ),
    ],
)
def test_a_wrong_document_is_refused_with_the_place(change: Any, pointer: str):
    with pytest.raises(Invalid) as refused:
        a_coupon(**change)

    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_giving_the_goods_away_is_asked_about():
    assert [doubt.code for doubt in doubts(a_coupon(benefit={"kind": "percent_off", "basis_points": 10_000}))] == [
        "gives-goods-away"
    ]
    assert doubts(a_coupon(benefit={"kind": "percent_off", "basis_points": 5000})) == []
