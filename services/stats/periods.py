"""Days, weeks, months and years in ISO form, and which of them a range of days is made of."""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Grain(StrEnum):
    """How finely a figure is divided in time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


class Span(NamedTuple):
    """Counters of one grain from one period to another, both included, to be added up under `label` if it has one."""

    grain: Grain
    first: str
    last: str
    label: str | None = None


EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)
_DAY = timedelta(days=1)


@lru_cache(maxsize=4096)
def keys(day: str) -> tuple[tuple[Grain, str], ...]:
    """The periods that a local day belongs to, at every grain: `2008-03-11`, `2008-W11`, `2008-03`, `2008`."""
    year, week, _ = date.fromisoformat(day).isocalendar()
    return (
        (Grain.DAY, day),
        (Grain.WEEK, f"{year:04}-W{week:02}"),
        (Grain.MONTH, day[:7]),
        (Grain.YEAR, day[:4]),
        (Grain.ALL, ""),
    )


@lru_cache(maxsize=4096)
def names(day: str) -> tuple[tuple[str, str], ...]:
    """The same with the names of the grains, as they stand in a table."""
    return tuple((grain.value, period) for grain, period in keys(day))


def key(day: date, grain: Grain) -> str:
    """The period of a grain that a day belongs to."""
    return dict(keys(day.isoformat()))[grain]


def bounds(day: date, grain: Grain) -> tuple[date, date]:
    """The first and last day of the period of a grain that a day belongs to."""
    match grain:
        case Grain.WEEK:
            first = day - timedelta(days=day.isoweekday() - 1)
            return first, first + timedelta(days=6)
        case Grain.MONTH:
            first = day.replace(day=1)
            return first, (first + timedelta(days=31)).replace(day=1) - _DAY
        case Grain.YEAR:
            return day.replace(month=1, day=1), day.replace(month=12, day=31)
        case Grain.ALL:
            return EARLIEST, LATEST
    return day, day


def divided(first: date | None, last: date | None, grain: Grain) -> list[Span]:
    """The spans of a range of days, divided by a grain. A period that is only partly inside is counted by days."""
    start, end = first or EARLIEST, last or LATEST
    if start > end:
        return []
    spans = []
    low, low_end = bounds(start, grain)
    high, high_end = bounds(end, grain)
    if low == high and (low < start or high_end > end):
        return [Span(*span, key(start, grain)) for span in added_up(start, end)]
    if low < start:
        spans += [Span(*span, key(start, grain)) for span in added_up(start, low_end)]
        low = low_end + _DAY
    tail = []
    if high_end > end:
        tail = [Span(*span, key(end, grain)) for span in added_up(high, end)]
        high = high - _DAY
    if low <= high:
        spans.append(Span(grain, key(low, grain), key(high, grain)))
    return spans + tail


def added_up(start: date, end: date) -> Iterator[tuple[Grain, str, str]]:
    """A range of days as few runs of whole years, months and days."""
    for grain in (Grain.YEAR, Grain.MONTH):
        first, last = start, end
        if bounds(first, grain)[0] < first:
            first = bounds(first, grain)[1] + _DAY
        if bounds(last, grain)[1] > last:
            last = bounds(last, grain)[0] - _DAY
        if first <= last:
            if start < first:
                yield from added_up(start, first - _DAY)
            yield grain, key(first, grain), key(last, grain)
            if last < end:
                yield from added_up(last + _DAY, end)
            return
    yield Grain.DAY, start.isoformat(), end.isoformat()
