"""The Chinese calendar from 1900 to 2100: which civil day a lunar date falls on. Pure.

Where the months come from: their lengths are those that sxtwl 2.0.7 and lunar-python 1.4.8 compute alike from the new
moons and solar terms of 120° east (the rule of GB/T 33661-2017). They differ in one place: the new moon of
2057-09-29 falls within a minute of midnight; here, as in lunar-python and the tables in use, the ninth month begins
on that 29th. Tests compare with published dates of festivals and leap months.

A year is one number: bit 16 says that the leap month has 30 days, bits 15 to 4 the same of months 1 to 12, and bits 3
to 0 name the month that is repeated, 0 for none.
"""

from datetime import date, timedelta
from typing import Final

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
_FIRST_DAY: Final = date(1900, 1, 31)
"""The first day of the first month of 1900."""

_TABLE: Final = """
04bd8 04ae0 0a570 054d5 0d260 0d950 16554 056a0 09ad0 055d2
04ae0 0a5b6 0a4d0 0d250 1d255 0b540 0d6a0 0ada2 095b0 14977
04970 0a4b0 0b4b5 06a50 06d40 1ab54 02b60 09570 052f2 04970
06566 0d4a0 0ea50 16a95 05ad0 02b60 186e3 092e0 1c8d7 0c950
0d4a0 1d8a6 0b550 056a0 1a5b4 025d0 092d0 0d2b2 0a950 0b557
06ca0 0b550 15355 04da0 0a5b0 14573 052b0 0a9a8 0e950 06aa0
0aea6 0ab50 04b60 0aae4 0a570 05260 0f263 0d950 05b57 056a0
096d0 04dd5 04ad0 0a4d0 0d4d4 0d250 0d558 0b540 0b6a0 195a6
095b0 049b0 0a974 0a4b0 0b27a 06a50 06d40 0af46 0ab60 09570
04af5 04970 064b0 074a3 0ea50 06b58 05ac0 0ab60 096d5 092e0
0c960 0d954 0d4a0 0da50 07552 056a0 0abb7 025d0 092d0 0cab5
0a950 0b4a0 0baa4 0ad50 055d9 04ba0 0a5b0 15176 052b0 0a930
07954 06aa0 0ad50 05b52 04b60 0a6e6 0a4e0 0d260 0ea65 0d530
05aa0 076a3 096d0 04afb 04ad0 0a4d0 1d0b6 0d250 0d520 0dd45
0b5a0 056d0 055b2 049b0 0a577 0a4b0 0aa50 1b255 06d20 0ada0
14b63 09370 049f8 04970 064b0 168a6 0ea50 06b20 1a6c4 0aae0
092e0 0d2e3 0c960 0d557 0d4a0 0da50 05d55 056a0 0a6d0 055d4
052d0 0a9b8 0a950 0b4a0 0b6a6 0ad50 055a0 0aba4 0a5b0 052b0
0b273 06930 07337 06aa0 0ad50 14b55 04b60 0a570 054e4 0d160
0e968 0d520 0daa0 16aa6 056d0 04ae0 0a9d4 0a2d0 0d150 0f252
0d520
"""
_YEARS: Final = tuple(int(year, 16) for year in _TABLE.split())


def leap_month(year: int) -> int:
    """The month that is repeated in a lunar year of the table, 0 for none."""
    return _YEARS[year - FIRST_YEAR] & 0xF


def days_in_month(year: int, month: int) -> int:
    """29 or 30: the days of an ordinary month (1 to 12) of a lunar year of the table."""
    return 30 if _YEARS[year - FIRST_YEAR] >> (16 - month) & 1 else 29


def civil_day(year: int, month: int, day: int) -> date | None:
    """The civil day of a lunar date in the ordinary month of that number; None outside of the table.

    Day 30 of a month that has 29 is its last day, as people keep it who were born on a thirtieth.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    days = sum(_days_before(year, each) for each in range(1, month))
    return _NEW_YEARS[year - FIRST_YEAR] + timedelta(days + min(day, days_in_month(year, month)) - 1)


def is_lunar_date(year: int, month: int, day: int) -> bool:
    """Whether a lunar year had such a day, in the ordinary or the leap month of that number."""
    if not FIRST_YEAR <= year <= LAST_YEAR or not 1 <= month <= 12 or day < 1:
        return False
    longest = max(days_in_month(year, month), _leap_days(year) if leap_month(year) == month else 0)
    return day <= longest


def _days_before(year: int, month: int) -> int:
    """The days of a month with those of the leap month that follows it."""
    return days_in_month(year, month) + (_leap_days(year) if leap_month(year) == month else 0)


def _leap_days(year: int) -> int:
    if not leap_month(year):
        return 0
    return 30 if _YEARS[year - FIRST_YEAR] >> 16 & 1 else 29


def _new_years() -> tuple[date, ...]:
    days = [_FIRST_DAY]
    for year in range(FIRST_YEAR, LAST_YEAR):
        days.append(days[-1] + timedelta(sum(_days_before(year, month) for month in range(1, 13))))
    return tuple(days)


_NEW_YEARS: Final = _new_years()
