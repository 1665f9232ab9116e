"""Days, weeks, months and years: whatever is asked for, each day is counted once."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.stats.periods import EARLIEST, LATEST, Grain, Span, bounds, divided, key, keys

DAYS = st.dates(date(1996, 1, 1), date(2012, 12, 31))
LONG_AGO_OR_FAR_OFF = st.dates(EARLIEST, LATEST)
GRAINS = st.sampled_from(list(Grain))


def days_between(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def covered(spans: list[Span], around: tuple[date, date]) -> Counter[tuple[date, str]]:
    """How often each day is counted under each label, by looking at every day near the range."""
    found: Counter[tuple[date, str]] = Counter()
    for day in days_between(*around):
        of_day = dict(keys(day.isoformat()))
        for span in spans:
            period = of_day[span.grain]
            if span.first <= period <= span.last:
                found[day, period if span.label is None else span.label] += 1
    return found


@given(DAYS, st.integers(0, 900), GRAINS)
@example(date(2008, 2, 29), 0, Grain.DAY)
@example(date(2008, 2, 28), 2, Grain.MONTH)
@example(date(2008, 12, 29), 3, Grain.WEEK)
@example(date(2004, 12, 27), 7, Grain.WEEK)
@example(date(2008, 1, 1), 365, Grain.YEAR)
@example(date(2008, 1, 2), 365, Grain.YEAR)
def test_a_divided_range_counts_each_of_its_days_once_and_no_other(first: date, days: int, grain: Grain) -> None:
    last = first + timedelta(days=days)
    spans = divided(first, last, grain)
    around = (first - timedelta(days=400), last + timedelta(days=400))
    expected = Counter({(day, key(day, grain)): 1 for day in days_between(first, last)})
    assert covered(spans, around) == expected


@given(LONG_AGO_OR_FAR_OFF, LONG_AGO_OR_FAR_OFF, GRAINS)
def test_a_range_of_any_length_is_made_of_few_spans(one: date, other: date, grain: Grain) -> None:
    first, last = min(one, other), max(one, other)
    spans = divided(first, last, grain)
    # Two ends of days, months and years each, and a middle.
    assert 1 <= len(spans) <= 11
    assert spans == [Span(*span) for span in spans]


@given(DAYS, GRAINS)
def test_an_open_range_reaches_to_the_ends_of_time(day: date, grain: Grain) -> None:
    around = (day - timedelta(days=40), day + timedelta(days=40))
    since, until = divided(day, None, grain), divided(None, day, grain)
    assert {each for each, _ in covered(since, around)} == set(days_between(day, around[1]))
    assert {each for each, _ in covered(until, around)} == set(days_between(around[0], day))
    assert max(covered(since, around).values()) == max(covered(until, around).values()) == 1


@given(DAYS, st.integers(1, 100), GRAINS)
def test_a_range_that_ends_before_it_begins_is_empty(first: date, days: int, grain: Grain) -> None:
    assert divided(first, first - timedelta(days=days), grain) == []


@given(LONG_AGO_OR_FAR_OFF, st.sampled_from([Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.YEAR]))
def test_a_period_is_the_days_between_its_bounds(day: date, grain: Grain) -> None:
    first, last = bounds(day, grain)
    assert first <= day <= last
    assert key(first, grain) == key(day, grain) == key(last, grain)
    if first > date.min:
        assert key(first - timedelta(days=1), grain) != key(day, grain)
    assert key(last + timedelta(days=1), grain) != key(day, grain)


@given(LONG_AGO_OR_FAR_OFF, LONG_AGO_OR_FAR_OFF, GRAINS)
def test_periods_sort_as_their_days_do(one: date, other: date, grain: Grain) -> None:
    earlier, later = min(one, other), max(one, other)
    assert key(earlier, grain) <= key(later, grain)


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2008-12-28", "2008-W52"),
        ("2008-12-29", "2009-W01"),
        ("2009-12-31", "2009-W53"),
        ("2010-01-03", "2009-W53"),
        ("2010-01-04", "2010-W01"),
        ("2005-01-02", "2004-W53"),
        ("2008-02-29", "2008-W09"),
    ],
)
def test_weeks_are_iso_weeks_whose_year_may_be_another(day: str, week: str) -> None:
    assert key(date.fromisoformat(day), Grain.WEEK) == week


def test_a_day_is_told_at_every_grain() -> None:
    assert keys("2008-03-11") == (
        (Grain.DAY, "2008-03-11"),
        (Grain.WEEK, "2008-W11"),
        (Grain.MONTH, "2008-03"),
        (Grain.YEAR, "2008"),
        (Grain.ALL, ""),
    )
