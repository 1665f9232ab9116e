"""Counts of different people made again: everybody's days laid side by side, one after the other.

A row without a next period is how many were there; with one, less than nothing, how many were there and came next
then. What is kept is moved by what changes; here each person is gone through once, from the first day to the last.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from services.verify.checks import Check
from services.verify.periods import periods
from services.verify.stores import Store

_Row = tuple[str, str, str, str, str, str, str, str]
"""figure, dimension, grain, next grain, site (or all), period, next period, value."""
_STOPS = """
    WITH divided AS (
        SELECT figure, dimension, value, site, day, root FROM right WHERE count > 0
        UNION ALL
        SELECT figure, 'identity', CASE WHEN named THEN 'named' ELSE 'anonymous' END, site, day, root
        FROM right WHERE count > 0 AND dimension = 'total'
    )
    SELECT root, figure, dimension, value, site, day FROM divided
    UNION SELECT root, figure, dimension, value, '', day FROM divided
    ORDER BY 1, 2, 3, 4, 5, 6
"""
_ADDED_UP = ("day", "month", "year")


def compare(scratch: sqlite3.Connection, stats: Store, check: Check) -> int:
    """Hold `people_counts` against the presences in `right` of the scratch, both ways; how many rows there are."""
    counted: Counter[_Row] = Counter()
    for (_root, *line), stops in groupby(scratch.execute(_STOPS), key=itemgetter(0, 1, 2, 3, 4)):
        figure, dimension, value, site = line
        for grain, next_grain, period, next_period, step in _of([stop[5] for stop in stops]):
            counted[figure, dimension, grain, next_grain, site, period, next_period, value] += step
    rows = 0
    query = "SELECT figure, dimension, grain, next_grain, site, period, next_period, value, count FROM people_counts"
    for *key, kept in stats.rows(query):
        rows += 1
        count = counted.pop((*key,), 0)
        if count != kept:
            check.fault(f"{_name((*key,))}: {kept:,} kept, {count:,} counted")
    for missing, count in sorted(counted.items()):
        check.fault(f"{_name(missing)}: nothing kept, {count:,} counted")
    return rows


def _of(days: list[str]) -> Iterator[tuple[str, str, str, str, int]]:
    """What one person of these days, in order, is counted as."""
    seen: set[str] = set()
    for number, day in enumerate(days):
        for grain, period in periods(day):
            if period not in seen:
                seen.add(period)
                yield grain, "", period, "", 1
        if number:
            yield from _again(days[number - 1], day)


def _again(day: str, next_day: str) -> Iterator[tuple[str, str, str, str, int]]:
    for grain, period in periods(day):
        for next_grain, next_period in periods(next_day):
            apart = not period.startswith(next_period) and not next_period.startswith(period)
            if apart and grain in _ADDED_UP and next_grain in _ADDED_UP:
                yield grain, next_grain, period, next_period, -1


def _name(key: tuple[str, ...]) -> str:
    figure, dimension, _grain, _next_grain, site, period, next_period, value = key
    by = "" if dimension == "total" else f" of {dimension} {value}"
    when = f"{period or 'in all'}{f' and then {next_period}' if next_period else ''}"
    return f"different {figure}{by}, {when}, {f'site {site}' if site else 'all sites'}"
