"""The hearts of surprises: what a budget affords, why a draw ends, and what a document may not say."""

import hashlib
import hmac
from uuid import UUID

import pytest
from pydantic import ValidationError

from loyalty_svc.surprises.drawing import commitment_of, digest_of, ended_by, hash_of
from loyalty_svc.surprises.surprise import SURPRISES, Spent
from moat.kit.documents.kind import Ref, WrongDocument
from moat.rules import RuleError

from .hall_of_honour import where
from .lottery import a_surprise

SEED, DRAW, LI = bytes(range(32)), UUID(int=7), UUID(int=1)


def compiled(**more: object):
    return SURPRISES.compile(SURPRISES.model.model_validate(a_surprise(**more)), Ref("surprise", "tea", 1))


def cost(each: int = 3, amount: int = 10, currency: str = "CNY") -> dict[str, object]:
    return {"kind": "cost", "currency": currency, "amount_minor": amount, "each_minor": each}


def test_a_budget_of_points_affords_whole_gifts():
    surprise = compiled(points=30, budget=100)

    assert [surprise.affords(Spent(points)) for points in (0, 10, 11, 70, 71, 500)] == [3, 3, 2, 1, 0, 0]
    assert surprise.each == Spent(30, 0)


def test_a_budget_of_money_reckons_each_gift():
    surprise = SURPRISES.compile(
        SURPRISES.model.model_validate(a_surprise() | {"budget": cost()}), Ref("surprise", "tea", 1)
    )

    assert [surprise.affords(Spent(0, spent)) for spent in (0, 1, 2, 8)] == [3, 3, 2, 0]
    assert surprise.each == Spent(50, 3)


@pytest.mark.parametrize(
    ("wanted", "left", "affordable", "end"),
    [
        (0, 5, 5, "winners"),
        (0, 0, 0, "winners"),
        (1, 0, 5, "eligible"),
        (1, 5, 0, "budget"),
        (1, 1, 1, None),
    ],
)
def test_a_draw_ends_when_nobody_more_can_win(wanted: int, left: int, affordable: int, end: str | None):
    assert ended_by(wanted=wanted, left=left, affordable=affordable) == end


def test_what_ranks_a_customer_is_what_the_algorithm_says():
    assert commitment_of(SEED) == hashlib.sha256(SEED).hexdigest()
    told = f"{DRAW}:{LI}".encode()
    assert digest_of(SEED, DRAW, LI) == hmac.new(SEED, told, hashlib.sha256).digest()
    assert hash_of([UUID(int=2), LI]) == hashlib.sha256(f"{LI}\n{UUID(int=2)}\n".encode()).hexdigest()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"gift": {"coupon": "twenty"}}, "/budget/kind"),
        ({"budget": cost(currency="XYZ")}, "/budget/currency"),
        ({"currency": "XYZ"}, "/currency"),
    ],
)
def test_a_document_that_cannot_be_is_refused_with_a_pointer(change: dict[str, object], pointer: str):
    model = SURPRISES.model.model_validate(a_surprise() | change)

    with pytest.raises(WrongDocument) as refused:
        SURPRISES.compile(model, Ref("surprise", "tea", 1))

    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_an_unknown_field_is_refused_with_the_nearest():
    with pytest.raises(RuleError) as refused:
        compiled(condition=where("honors", "contains", "star-customer"))

    assert "honours" in refused.value.errors[0].detail


@pytest.mark.parametrize("wrong", [{"gift": {}}, {"winners": 0}, {"quiet_days": 0}, {"budget": {"kind": "points"}}])
def test_what_makes_no_sense_is_no_document(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        SURPRISES.model.model_validate(a_surprise() | wrong)
