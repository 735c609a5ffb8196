"""The Chinese calendar against published dates."""

from datetime import date, timedelta

import pytest

from customer_svc.occasions.lunar import (
    FIRST_YEAR,
    LAST_YEAR,
    civil_day,
    days_in_month,
    is_lunar_date,
    leap_month,
)

NEW_YEARS = """
1900-01-31 1912-02-18 1933-01-26 1949-01-29 1954-02-03 1966-01-21 1970-02-06 1976-01-31 1978-02-07 1984-02-02
1985-02-20 1997-02-07 2000-02-05 2008-02-07 2012-01-23 2015-02-19 2018-02-16 2019-02-05 2020-01-25 2021-02-12 2022-02-01
2023-01-22 2024-02-10 2025-01-29 2026-02-17 2027-02-06 2028-01-26 2029-02-13 2030-02-03 2033-01-31 2034-02-19
2050-01-23 2100-02-09
"""
MID_AUTUMNS = "2017-10-04 2019-09-13 2020-10-01 2021-09-21 2022-09-10 2023-09-29 2024-09-17 2025-10-06 2026-09-25"
DRAGON_BOATS = "2019-06-07 2020-06-25 2021-06-14 2022-06-03 2023-06-22 2024-06-10 2025-05-31 2026-06-19"


@pytest.mark.parametrize(("month", "day", "published"), [(1, 1, NEW_YEARS), (8, 15, MID_AUTUMNS), (5, 5, DRAGON_BOATS)])
def test_festivals_fall_on_the_days_they_were_published_for(month, day, published):
    for text in published.split():
        expected = date.fromisoformat(text)
        assert civil_day(expected.year, month, day) == expected


def test_leap_months_are_those_that_were_published():
    published = {1984: 10, 1995: 8, 1998: 5, 2001: 4, 2004: 2, 2006: 7, 2009: 5, 2012: 4, 2014: 9, 2017: 6, 2020: 4}
    published |= {2023: 2, 2025: 6, 2028: 5, 2031: 3, 2033: 11}

    assert {year: leap_month(year) for year in range(1996, 2034) if leap_month(year)} == {
        year: month for year, month in published.items() if year >= 1996
    }


def test_years_join_without_a_gap_and_have_the_length_of_lunar_years():
    for year in range(FIRST_YEAR, LAST_YEAR):
        begin, following = civil_day(year, 1, 1), civil_day(year + 1, 1, 1)
        assert (following - begin).days in ({383, 384, 385} if leap_month(year) else {353, 354, 355})
        last = civil_day(year, 12, 30)
        assert leap_month(year) == 12 or last + timedelta(1) == following


def test_a_thirtieth_of_a_short_month_is_its_last_day():
    assert days_in_month(2026, 2) == 29 or days_in_month(2026, 1) == 29
    for month in range(1, 13):
        last = days_in_month(2026, month)
        assert civil_day(2026, month, 30) == civil_day(2026, month, last)


def test_nothing_is_known_outside_of_the_table():
    assert civil_day(1899, 1, 1) is None
    assert civil_day(2101, 1, 1) is None
    assert not is_lunar_date(1899, 1, 1)


@pytest.mark.parametrize(
    ("lunar", "is_one"),
    [
        ((1990, 8, 15), True),
        ((1990, 13, 1), False),
        ((1990, 1, 31), False),
        ((1990, 0, 1), False),
        ((1990, 2, 0), False),
    ],
)
def test_what_is_a_lunar_date(lunar, is_one):
    assert is_lunar_date(*lunar) is is_one
