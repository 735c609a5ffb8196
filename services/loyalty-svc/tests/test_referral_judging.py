"""Whether a code may be used, and what a referral comes to, whatever becomes known first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from loyalty_svc.referrals.judging import (
    Claim,
    Order,
    Reason,
    Referral,
    Refund,
    Status,
    due_at,
    first_of,
    judge,
    refusal,
)
from loyalty_svc.referrals.programme import REFERRALS, ReferralProgramme
from loyalty_svc.referrals.wording import sentence
from moat.kit.documents.kind import Ref, WrongDocument
from moat.kit.ids import uuid7

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TERMS = ReferralProgramme.model_validate(
    {
        "names": {"zh-CN": "邀请好友", "en": "Bring a friend"},
        "attribution_days": 30,
        "return_days": 15,
        "order_least_minor": {"CNY": 5_000},
        "known_days": 7,
        "friends_max": 3,
        "friends_ever": 10,
        "referrer": {"points": 100},
    }
)
NEW = Claim(
    is_self=False,
    is_same_person=False,
    closes_ring=False,
    is_referred=False,
    has_ordered=False,
    known_for=timedelta(0),
    recent=0,
    ever=0,
)


def on(day: float) -> datetime:
    return MONDAY + timedelta(days=day)


def a_referral(**more) -> Referral:
    return Referral(
        **{
            "id": uuid7(),
            "referrer_id": uuid7(),
            "friend_id": uuid7(),
            "rule": "friends@1",
            "claimed_at": on(0),
            "expires_at": on(30),
            "status": Status.CLAIMED,
        }
        | more
    )


def an_order(day: float, total_minor: int = 10_000, *refunds: tuple[float, int], currency: str = "CNY") -> Order:
    money_back = tuple(Refund(on(at), amount) for at, amount in refunds)
    return Order(on(day), uuid7(), f"o-{day}", f"e-{day}", currency, total_minor, money_back)


def verdict(orders, *, day: float, **more):
    return judge(a_referral(**more), TERMS, orders, now=on(day))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"is_self": True, "is_referred": True}, Reason.SELF),
        ({"is_same_person": True}, Reason.SAME_PERSON),
        ({"closes_ring": True}, Reason.RING),
        ({"is_referred": True}, Reason.ALREADY_REFERRED),
        ({"has_ordered": True}, Reason.KNOWN_BEFORE),
        ({"known_for": timedelta(days=7)}, None),
        ({"known_for": timedelta(days=7, seconds=1)}, Reason.KNOWN_BEFORE),
        ({"recent": 2}, None),
        ({"recent": 3}, Reason.VELOCITY),
        ({"ever": 10}, Reason.LIMIT),
    ],
)
def test_a_code_is_refused_for_its_plainest_reason(changes, reason):
    assert refusal(NEW._replace(**changes), TERMS) == reason


def test_every_reason_has_words_in_both_languages():
    for reason in Reason:
        assert sentence(reason, "zh-CN")
        assert sentence(reason, "en") != sentence(reason, "zh-CN")


def test_an_order_converts_and_its_reward_waits_until_nothing_can_be_returned():
    referral, orders = a_referral(), [an_order(2)]

    before = judge(referral, TERMS, orders, now=on(16.9))
    after = judge(referral, TERMS, orders, now=on(17))

    assert (before.status, before.matures_at, due_at(before, referral)) == (Status.CONVERTED, on(17), on(17))
    assert (after.status, after.at, due_at(after, referral)) == (Status.REWARDED, on(17), None)


def test_what_is_returned_within_the_window_earns_nothing_and_later_money_back_changes_nothing():
    assert verdict([an_order(2, 10_000, (10, 6_000))], day=40).reason is Reason.RETURNED
    assert verdict([an_order(2, 10_000, (10, 5_000))], day=40).status is Status.REWARDED
    assert verdict([an_order(2, 10_000, (17.5, 10_000))], day=40).status is Status.REWARDED


def test_another_order_in_time_takes_the_place_of_a_returned_one():
    found = verdict([an_order(2, 10_000, (5, 10_000)), an_order(8)], day=20)

    assert (found.status, found.matures_at) == (Status.CONVERTED, on(23))


def test_a_friend_who_returned_all_may_still_buy_while_there_is_time():
    referral = a_referral()
    found = judge(referral, TERMS, [an_order(2, 10_000, (5, 10_000))], now=on(20))

    assert (found.status, due_at(found, referral)) == (Status.CLAIMED, on(30))


def test_orders_that_are_small_late_or_in_another_currency_do_not_count():
    orders = [an_order(2, 4_999), an_order(3, 90_000, currency="USD"), an_order(30, 90_000)]

    assert verdict(orders, day=31).reason is Reason.EXPIRED
    assert verdict(orders, day=29).status is Status.CLAIMED


def test_an_order_from_before_the_claim_shows_that_he_was_known():
    found = verdict([an_order(-1, 100), an_order(2)], day=40)

    assert (found.status, found.reason) == (Status.REJECTED, Reason.KNOWN_BEFORE)


def test_a_suspicion_holds_back_and_takes_nothing_away():
    orders = [an_order(2)]
    held, given = a_referral(), a_referral(status=Status.REWARDED)

    assert judge(held, TERMS, orders, now=on(20), is_same_person=True).reason is Reason.SAME_PERSON
    assert judge(given, TERMS, orders, now=on(20), is_same_person=True).status is Status.REWARDED


def test_who_brought_himself_gets_nothing_whatever_he_bought():
    one = uuid7()

    found = judge(a_referral(referrer_id=one, friend_id=one), TERMS, [an_order(2)], now=on(40))

    assert found.reason is Reason.SELF


def test_orders_in_any_order_come_to_the_same():
    orders = [an_order(2, 10_000, (4, 10_000)), an_order(6), an_order(9, 80_000), an_order(1, 100)]
    referral = a_referral()

    assert len({judge(referral, TERMS, arrival, now=on(40)) for arrival in permutations(orders)}) == 1


def test_of_two_who_were_one_the_first_referral_that_still_counts_stays():
    early, late = a_referral(claimed_at=on(1)), a_referral(claimed_at=on(2))
    settled = replace(a_referral(claimed_at=on(0)), status=Status.REJECTED, reason=Reason.SELF)

    assert first_of([late, settled, early]) is early


def test_what_came_too_late_or_was_returned_may_still_be_undone():
    assert not replace(a_referral(), status=Status.REJECTED, reason=Reason.EXPIRED).is_settled
    assert replace(a_referral(), status=Status.REJECTED, reason=Reason.RING).is_settled


def test_an_unknown_currency_in_the_programme_is_named():
    wrong = TERMS.model_copy(update={"order_least_minor": {"CNY": 1, "XXY": 1}})

    with pytest.raises(WrongDocument) as refused:
        REFERRALS.compile(wrong, Ref("referral_programme", "friends", 1))

    assert refused.value.errors[0].pointer == "/order_least_minor/XXY"
