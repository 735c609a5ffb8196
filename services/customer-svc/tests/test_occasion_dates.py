"""When a customer's days come round, and when that is told."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from customer_svc.occasions.dates import (
    ANNIVERSARY,
    BIRTHDAY,
    BIRTHDAY_MONTH,
    CATCH_UP,
    Birthday,
    Person,
    Watch,
    due,
    follow,
    next_due_at,
    next_occurrences,
    read_birthday,
    watched_from,
)

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"
LONG_AGO = datetime(2020, 5, 4, 3, 0, tzinfo=UTC)


def noon(day: str, zone: str = SHANGHAI) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def a_person(birthday: Birthday | None = None, *, zone: str = SHANGHAI, since: datetime = LONG_AGO) -> Person:
    return Person(birthday, zone, since)


def told(watch: Watch, until: datetime) -> list[tuple[str, str, int]]:
    return [(one.what.kind, one.what.occurs_on.isoformat(), one.days_ahead) for one in due(watch, until)]


def days_of(person: Person, kind: str, years: range) -> list[str]:
    found = []
    for year in years:
        found += [one.occurs_on.isoformat() for one in next_occurrences(person, date(year, 1, 1)) if one.kind == kind]
    return found


def test_a_birthday_is_told_a_week_ahead_and_on_the_day_when_it_begins_where_the_customer_lives():
    watch = watched_from(a_person(Birthday(3, 5), zone=NEW_YORK), noon("2026-02-01"))

    found = due(watch, noon("2026-03-06", NEW_YORK))

    assert [(one.what.kind, one.days_ahead, one.due_at.isoformat()) for one in found] == [
        (BIRTHDAY, 7, "2026-02-26T05:00:00+00:00"),
        (BIRTHDAY_MONTH, 0, "2026-03-01T05:00:00+00:00"),
        (BIRTHDAY, 0, "2026-03-05T05:00:00+00:00"),
    ]


def test_the_timer_stands_exactly_at_the_beginning_of_the_day():
    watch = watched_from(a_person(Birthday(3, 5)), noon("2026-02-20"))

    assert next_due_at(watch, noon("2026-02-20")) == datetime(2026, 2, 25, 16, 0, tzinfo=UTC)
    assert due(watch, datetime(2026, 2, 25, 15, 59, 59, tzinfo=UTC)) == []
    assert len(due(watch, datetime(2026, 2, 25, 16, 0, tzinfo=UTC))) == 1


def test_who_was_born_on_29_february_has_a_birthday_every_year():
    assert days_of(a_person(Birthday(2, 29)), BIRTHDAY, range(2026, 2030)) == [
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
        "2029-02-28",
    ]


def test_who_became_a_customer_on_29_february_has_an_anniversary_every_year():
    since = noon("2024-02-29")

    found = days_of(a_person(since=since), ANNIVERSARY, range(2025, 2029))

    assert found == ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


def test_a_lunar_birthday_moves_through_the_civil_year():
    assert days_of(a_person(Birthday(8, 15, "lunar")), BIRTHDAY, range(2023, 2027)) == [
        "2023-09-29",
        "2024-09-17",
        "2025-10-06",
        "2026-09-25",
    ]


def test_a_lunar_birthday_in_the_last_month_comes_once_each_lunar_year():
    watch = Watch(a_person(Birthday(12, 8, "lunar")), noon("2024-06-01"), noon("2024-06-01"))
    found, now = [], noon("2024-06-01")

    while now < noon("2028-06-01"):
        now += timedelta(days=1)
        found += [one for one in due(watch, now) if one.what.kind == BIRTHDAY and one.days_ahead == 0]
        watch = Watch(watch.person, now, now)

    assert [one.what.occurs_on.isoformat() for one in found] == ["2025-01-07", "2026-01-26", "2027-01-15", "2028-01-04"]
    assert [one.what.year for one in found] == [2024, 2025, 2026, 2027]


def test_the_month_of_a_lunar_birthday_is_the_civil_month_it_falls_into():
    (month,) = (
        one
        for one in next_occurrences(a_person(Birthday(8, 15, "lunar")), date(2025, 1, 1))
        if one.kind == BIRTHDAY_MONTH
    )

    assert month.occurs_on == date(2025, 10, 1)


def test_an_anniversary_says_how_many_years_and_counts_from_the_first():
    since = noon("2025-11-20")

    found = next_occurrences(a_person(since=since), date(2025, 11, 21))

    assert [(one.kind, one.occurs_on.isoformat(), one.years) for one in found] == [(ANNIVERSARY, "2026-11-20", 1)]


def test_the_day_somebody_became_a_customer_is_that_of_his_zone():
    late_evening_in_new_york = datetime(2025, 3, 2, 3, 0, tzinfo=UTC)

    (shanghai,) = next_occurrences(a_person(since=late_evening_in_new_york), date(2025, 12, 1))
    (new_york,) = next_occurrences(a_person(since=late_evening_in_new_york, zone=NEW_YORK), date(2025, 12, 1))

    assert (shanghai.occurs_on, new_york.occurs_on) == (date(2026, 3, 2), date(2026, 3, 1))


def test_an_outage_of_some_days_skips_nothing_and_one_of_months_only_what_is_stale():
    watch = watched_from(a_person(Birthday(3, 5)), noon("2026-02-01"))

    assert told(watch, noon("2026-03-08"))[-1] == (BIRTHDAY, "2026-03-05", 0)
    assert told(watch, noon("2026-03-05") + CATCH_UP + timedelta(days=1)) == []


def test_a_loaded_history_has_its_anniversaries_behind_it():
    watch = watched_from(a_person(since=noon("2023-03-05")), noon("2026-03-05"))

    assert due(watch, noon("2026-03-05")) == []
    assert next_due_at(watch, noon("2026-03-05")) == datetime(2027, 2, 25, 16, 0, tzinfo=UTC)


def test_a_birthday_learned_on_the_day_is_told_and_one_learned_a_day_late_is_not():
    nobody = watched_from(a_person(), noon("2026-01-01"))

    today = follow(nobody, a_person(Birthday(3, 5)), noon("2026-03-05"))
    yesterday = follow(nobody, a_person(Birthday(3, 4)), noon("2026-03-05"))

    assert (BIRTHDAY, "2026-03-05", 0) in told(today, noon("2026-03-05"))
    assert told(yesterday, noon("2026-03-05")) == []


def test_an_earlier_first_fact_moves_the_anniversary_without_telling_of_the_past():
    watch = watched_from(a_person(since=noon("2024-05-10")), noon("2026-01-01"))

    moved = follow(watch, a_person(since=noon("2024-04-01")), noon("2026-04-10"))

    assert told(moved, noon("2026-04-10")) == []
    assert next_due_at(moved, noon("2026-04-10")) == datetime(2027, 3, 24, 16, 0, tzinfo=UTC)


def test_whoever_flies_west_has_his_day_when_it_begins_there():
    watch = watched_from(a_person(Birthday(3, 5)), noon("2026-03-04"))

    moved = follow(watch, a_person(Birthday(3, 5), zone=NEW_YORK), noon("2026-03-04"))

    assert next_due_at(moved, noon("2026-03-04")) == datetime(2026, 3, 5, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00+00:00"),
        ("2026-03-30", "Europe/Berlin", "2026-03-29T22:00:00+00:00"),
        ("2026-09-06", "America/Santiago", "2026-09-06T04:00:00+00:00"),  # its midnight does not exist
    ],
)
def test_days_begin_right_where_clocks_are_changed(day, zone, begins):
    _, month, of_month = map(int, day.split("-"))
    watch = watched_from(a_person(Birthday(month, of_month), zone=zone), noon("2026-01-15"))

    found = [one for one in due(watch, noon(day, zone)) if one.what.kind == BIRTHDAY and one.days_ahead == 0]

    assert [one.due_at.isoformat() for one in found] == [begins]


def test_a_date_left_behind_by_a_corrected_calendar_is_the_last_day_of_its_month():
    assert days_of(a_person(Birthday(4, 31)), BIRTHDAY, range(2026, 2027)) == ["2026-04-30"]


def test_a_lunar_birthday_ends_with_the_table():
    watch = Watch(a_person(Birthday(8, 15, "lunar"), since=noon("2099-05-05")), noon("2101-06-01"), noon("2101-06-01"))

    kinds = {one.kind for one in next_occurrences(watch.person, date(2101, 6, 1))}

    assert kinds == {ANNIVERSARY}


def test_only_month_and_day_of_a_birthday_are_read():
    assert read_birthday("1990-08-15", "lunar") == Birthday(8, 15, "lunar")
    assert read_birthday("1990-08-15", None) == Birthday(8, 15, "solar")
    assert read_birthday(None, "lunar") is None
