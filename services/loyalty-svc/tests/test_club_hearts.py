"""What facts about a membership come to, what is told of it, and which clubs cannot be. Pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_svc.clubs.changes import tales
from loyalty_svc.clubs.club import CLUBS, Club, ClubDocument, compile_club
from loyalty_svc.clubs.histories import History
from loyalty_svc.clubs.stays import Fact, Kind, Stay, walk
from loyalty_svc.clubs.terms import YEAR_MAX, Term
from loyalty_svc.milestones.plans import Order
from moat.kit.documents.kind import Published, Ref, WrongDocument
from moat.kit.ids import uuid7
from moat.kit.problems import Invalid

from .builders import at
from .club_rooms import MONTH, a_club, by_value

SHANGHAI = ZoneInfo("Asia/Shanghai")
RULE = "circle@1"
NOTHING = History()


def a_version(document: dict[str, Any], number: int = 1) -> Published[Club]:
    ref = Ref("club", "circle", number)
    return Published(ref, None, None, True, compile_club(ClubDocument.model_validate(document), ref))


def fact(kind: Kind, day: float, terms: int = 1) -> Fact:
    return Fact(at(day), kind, uuid7(), terms, None if kind in {"left", "removed"} else RULE)


def orders(*bought: tuple[float, int]) -> History:
    """Orders of CNY by (day, kept)."""
    return History.of({}, [Order(at(day), "CNY", minor, minor) for day, minor in bought])


def stay(*facts: Fact, document: dict[str, Any] | None = None, history: History = NOTHING, today: float = 100) -> Any:
    zone_at = lambda _: SHANGHAI  # noqa: E731
    return walk([a_version(document or a_club())], facts, history, now=at(today), zone_at=zone_at)


def ends(found: Stay | None) -> tuple[float | None, str | None]:
    """(day of the end, how it ended)."""
    assert found is not None
    days = None if found.ends_at is None else (found.ends_at - at(0)) / timedelta(days=1)
    return days, found.ended_by


@pytest.mark.parametrize(
    ("facts", "joined", "end"),
    [
        ([("paid", 80)], 80, (110, None)),
        ([("paid", 80), ("paid", 90)], 80, (140, None)),
        ([("paid", 60), ("paid", 92)], 60, (120, None)),
        ([("paid", 60), ("paid", 93)], 93, (123, None)),
        ([("paid", 40)], 40, (70, "lapsed")),
        ([("accepted", 80), ("renewed", 85)], 80, (140, None)),
        ([("renewed", 85), ("paid", 90)], 90, (120, None)),
        ([("paid", 80), ("left", 85)], 80, (110, "left")),
        ([("paid", 80), ("left", 85), ("paid", 86)], 86, (116, None)),
        ([("left", 79), ("paid", 80)], 80, (110, None)),
        ([("paid", 80), ("left", 80)], 80, (110, "left")),
        ([("paid", 80), ("removed", 85), ("left", 86)], 80, (110, "removed")),
    ],
)
def test_paying_begins_prolongs_and_bridges_the_days_of_grace(facts: Any, joined: float, end: Any):
    found = stay(*(fact(*one) for one in facts))

    assert (found.joined_at, ends(found)) == (at(joined), end)


def test_so_many_pieces_are_so_many_terms_and_a_club_for_ever_has_no_end():
    for_ever = a_club(term=None, remind_days=0, grace_days=0)

    assert ends(stay(fact("paid", 80, 3))) == (170, None)
    assert ends(stay(fact("paid", 80), fact("paid", 90), document=for_ever)) == (None, None)


def test_a_value_within_a_term_takes_in_and_reached_again_renews_once_for_each():
    club = a_club(**by_value(1_000))

    assert stay(document=club, history=orders((10, 600), (41, 600))) is None
    joined = stay(document=club, history=orders((70, 600), (80, 400)))
    assert (joined.joined_at, joined.way, ends(joined)) == (at(80), "value", (110, None))
    # What was bought to join does not renew; what is bought after that does, once.
    assert ends(stay(document=club, history=orders((70, 600), (80, 400), (90, 900)))) == (110, None)
    assert ends(stay(document=club, history=orders((70, 600), (80, 400), (90, 900), (95, 100)))) == (140, None)
    more = orders((70, 600), (80, 400), (90, 900), (95, 100), (99, 5_000))
    assert ends(stay(document=club, history=more)) == (140, None)


def test_a_value_renews_when_it_is_reached_within_one_term_however_long_he_is_in():
    club = a_club(**by_value(1_000)) | {"by_payment": {"skus": ["CARD-30"]}}
    paid_twice = fact("paid", 10), fact("paid", 35)

    # He is in until day 70: 500 in his first term and 500 in his second are no 1,000 in one.
    assert ends(stay(*paid_twice, document=club, history=orders((12, 500), (60, 500)), today=70)) == (70, None)
    assert ends(stay(*paid_twice, document=club, history=orders((42, 500), (60, 500)), today=70)) == (100, None)
    # Nor do the days of grace make a term longer, though they count for one.
    once = fact("paid", 10)
    assert ends(stay(once, document=club, history=orders((11, 500), (42, 500)), today=42.5)) == (40, None)
    assert ends(stay(once, document=club, history=orders((13, 500), (42, 500)), today=42.5)) == (70, None)


def test_a_value_counts_in_the_term_that_runs_also_where_a_later_one_has_another_length():
    short, long = a_version(a_club()), a_version(a_club(**by_value(1_000), term={"unit": "days", "count": 60}), 2)
    versions = [replace(short, valid_to=at(20)), replace(long, valid_from=at(20))]
    facts = [fact("paid", 10), Fact(at(21), "renewed", uuid7(), 1, "circle@2")]

    def end(*bought: tuple[float, int]) -> Any:
        zone_at = lambda _: SHANGHAI  # noqa: E731
        return ends(walk(versions, facts, orders(*bought), now=at(70), zone_at=zone_at))

    assert end() == (100, None)
    assert end((30, 500), (45, 500)) == (100, None)
    assert end((30, 500), (35, 500)) == end((42, 500), (65, 500)) == (160, None)


def test_a_value_of_a_lifetime_holds_for_as_long_as_it_stands():
    club = a_club(**by_value(1_000, over="lifetime"))

    assert ends(stay(document=club, history=orders((1, 600), (80, 400)))) == (None, None)
    assert stay(document=club, history=orders((1, 600), (80, 300))) is None


def test_who_left_is_not_taken_in_again_because_he_buys_but_because_he_pays():
    club = a_club(**by_value(1_000)) | {"by_payment": {"skus": ["CARD-30"]}}
    history = orders((80, 1_000), (90, 1_000))

    assert ends(stay(fact("left", 85), document=club, history=history)) == (110, "left")
    back = stay(fact("left", 85), fact("paid", 86), document=club, history=history)
    # And what he buys as a member again counts again.
    assert (back.joined_at, ends(back)) == (at(86), (146, None))


def test_a_condition_asks_what_he_had_come_to_at_that_instant():
    two_orders = {"combinator": "and", "rules": [{"field": "orders", "operator": ">=", "value": 2}]}
    club = a_club(**by_value(1_000, condition=two_orders))

    assert stay(document=club, history=orders((80, 1_000))) is None
    assert stay(document=club, history=orders((80, 1_000), (85, 1))).joined_at == at(85)


@given(st.lists(st.tuples(st.sampled_from(["paid", "accepted", "renewed", "left"]), st.integers(1, 99)), max_size=8))
def test_facts_in_any_order_come_to_the_same(some: list[tuple[Kind, int]]):
    facts = [fact(kind, day) for kind, day in some]
    shuffled = list(facts)
    Random(1).shuffle(shuffled)

    assert stay(*facts) == stay(*shuffled)


@given(st.lists(st.integers(1, 99), min_size=1, max_size=6), st.integers(0, 5))
def test_a_payment_more_never_makes_the_end_earlier(days: list[int], left_out: int):
    facts = [fact("paid", day) for day in days]
    club = a_club(grace_days=0)
    fewer = stay(*(facts[:left_out] + facts[left_out + 1 :]), document=club)

    assert fewer is None or stay(*facts, document=club).ends_at >= fewer.ends_at


@pytest.mark.parametrize(
    ("term", "begin", "end"),
    [
        (("months", 1), "2027-01-31 10:00", "2027-02-28 10:00"),
        (("months", 12), "2028-02-29 10:00", "2029-02-28 10:00"),
        (("months", -1), "2027-03-31 10:00", "2027-02-28 10:00"),
        (("days", 1), "2027-12-31 10:00", "2028-01-01 10:00"),
    ],
)
def test_a_month_ends_on_its_last_day_where_the_next_has_no_such_day(term: Any, begin: str, end: str):
    def local(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)

    assert Term(term[0], 1).after(local(begin), term[1], SHANGHAI) == local(end)


def test_terms_that_follow_each_other_keep_the_day_on_which_the_first_began():
    club = a_club(term={"unit": "months", "count": 1}, grace_days=2)

    def local(month: int, day: int) -> float:
        return (datetime(2026, month, day, 10, tzinfo=SHANGHAI) - at(0)) / timedelta(days=1)

    def end(*facts: Fact) -> float | None:
        return ends(stay(*facts, document=club, today=facts[-1].at.toordinal() - at(0).toordinal()))[0]

    at_once, one_by_one = fact("paid", local(8, 31), 2), [fact("paid", local(8, 31)), fact("paid", local(9, 20))]
    assert end(at_once) == end(*one_by_one) == local(10, 31)
    # Also over the days of grace; after a gap it is the day on which he came back.
    assert end(fact("paid", local(8, 31)), fact("paid", local(10, 1))) == local(10, 31)
    assert end(fact("paid", local(8, 31)), fact("paid", local(10, 10))) == local(11, 10)


def test_a_day_is_a_civil_day_where_clocks_are_put_forward():
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(2027, 3, 27, 12, tzinfo=berlin)

    assert Term("days", 1).after(noon, 1, berlin) == datetime(2027, 3, 28, 12, tzinfo=berlin).astimezone(UTC)
    assert Term("months", 120).after(noon, 10_000, berlin).year == YEAR_MAX


def test_each_change_of_a_stay_is_told_once_and_by_its_name():
    open_one, longer, lapsed = stay(fact("paid", 80)), stay(fact("paid", 80, 2)), stay(fact("paid", 40))
    anew = stay(fact("paid", 40), fact("paid", 80))
    in_time = stay(fact("paid", 40), fact("paid", 72), today=101)
    left = stay(fact("paid", 80), fact("left", 90))

    def told(before: Stay | None, after: Stay | None) -> list[str]:
        return [tale.what for tale in tales(before, after)]

    assert told(None, open_one) == ["joined"]
    assert told(None, lapsed) == ["joined", "lapsed"]
    assert told(open_one, longer) == ["renewed"]
    assert told(longer, open_one) == ["shortened"]
    assert told(open_one, left) == ["left"]
    assert told(open_one, None) == ["withdrawn"]
    assert told(lapsed, anew) == ["joined"]
    assert told(stay(fact("paid", 40), today=60), anew) == ["lapsed", "joined"]
    assert told(lapsed, in_time) == ["renewed"]
    assert told(lapsed, None) == told(open_one, open_one) == told(left, left) == []


@pytest.mark.parametrize(
    ("wrong", "pointer", "says"),
    [
        ({"term": None}, "/remind_days", "no end"),
        ({"remind_days": 30}, "/remind_days", "30 days"),
        (by_value(1, over="term") | {"term": None, "remind_days": 0, "grace_days": 0}, "/by_value/value/over", "life"),
        ({"benefits": [a_club()["benefits"][0]] * 2}, "/benefits/1/code", "two benefits tea"),
    ],
)
def test_a_club_that_cannot_be_is_refused_with_the_place(wrong: dict[str, Any], pointer: str, says: str):
    with pytest.raises(WrongDocument) as refused:
        a_version(a_club(**wrong))

    assert refused.value.errors[0].pointer == pointer
    assert says in refused.value.errors[0].detail


def test_unknown_money_and_fields_are_refused_and_a_club_needs_a_way_in():
    condition = {"combinator": "and", "rules": [{"field": "order", "operator": ">=", "value": 2}]}
    with pytest.raises(Invalid) as refused:
        a_version(a_club(**by_value(1_000, condition=condition)))
    assert "orders" in refused.value.errors[0].detail
    wrong_money = by_value(1)
    wrong_money["by_value"]["value"]["currency"] = "XXY"
    with pytest.raises(WrongDocument):
        a_version(a_club(**wrong_money))
    with pytest.raises(ValueError, match="nobody could join"):
        CLUBS.model.model_validate({"names": a_club()["names"], "term": MONTH})
