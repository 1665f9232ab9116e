"""Which days of a year before stand beside a period that is still going on."""

from datetime import date, timedelta

from services.stats.periods import Grain, bounds

SAME_WEEKDAY = timedelta(weeks=52)
"""A Tuesday is held against a Tuesday: a day's figures depend on nothing as much."""


def a_year_before(today: date, grain: Grain) -> tuple[date, date]:
    """The first and last day of the same period a year before, as far as it had come after as many days.

    A day and a week: 52 weeks earlier. A month and a year: from the same first day as many days, not past its end.
    """
    first = bounds(today, grain)[0]
    if grain in (Grain.DAY, Grain.WEEK):
        return first - SAME_WEEKDAY, today - SAME_WEEKDAY
    start, end = bounds(first.replace(year=first.year - 1), grain)
    return start, min(start + (today - first), end)
