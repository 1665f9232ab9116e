"""How many different people there were over a range of days: a few rows, whatever the history.

Such counts do not add up: somebody who came in March and in May is one person of the year, and of each month. What is
kept of whoever came again (see `tracks.py`) takes them off where a range is put together from several periods.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations_with_replacement
from typing import NamedTuple

from sqlalchemy import Connection

from services.stats.gathered import Counter, gathered
from services.stats.people.presences import TOTAL
from services.stats.periods import Grain, Span, divided
from services.stats.tables import ALL_SITES
from shared.inserting import mark_of


class Range(NamedTuple):
    """What is asked of one figure of people: divided by a dimension, by a grain, between two days, at one site."""

    figure: str
    by: str | None
    grain: Grain | None
    first: date | None
    last: date | None
    site: str | None


def different(connection: Connection, asked: Range) -> dict[tuple[str, str], int]:
    """(period, value) -> different people; the period is empty without a grain, the value without a dimension."""
    by_label: dict[str | None, list[Span]] = {}
    for span in _spans(asked):
        by_label.setdefault(span.label, []).append(span)
    totals: dict[tuple[str, str], int] = {}
    for label, spans in by_label.items():
        for period, value, count in _rows(connection, asked, spans, whole=label is None):
            cell = (period if label is None else label, value)
            totals[cell] = totals.get(cell, 0) + count
    return {cell: people for cell, people in totals.items() if people}


def _spans(asked: Range) -> Sequence[Span]:
    if asked.first is None and asked.last is None:
        return [Span(asked.grain or Grain.ALL, "", "~")]
    return divided(asked.first, asked.last, asked.grain or Grain.ALL)


def _rows(connection: Connection, asked: Range, spans: Sequence[Span], *, whole: bool) -> list[Counter]:
    """(period, value, count) of whole periods, or of all that adds up to the range that the periods make together."""
    by_site = asked.by == "site"
    dimension = TOTAL if by_site or asked.by is None else asked.by
    mark = mark_of(connection)
    condition, of_sites = f"site = {mark}", [asked.site or ALL_SITES]
    if by_site and not asked.site:
        every = f"SELECT site FROM people_counts WHERE figure = {mark} AND dimension = {mark} AND grain = 'all'"
        condition, of_sites = f"site IN ({every} AND next_grain = '' AND site <> '')", [asked.figure, dimension]
    one = (
        f"SELECT period, {'site' if by_site else 'value'} AS value, count FROM people_counts"
        f" WHERE figure = {mark} AND dimension = {mark} AND grain = {mark} AND next_grain = {mark} AND {condition}"
        f" AND period BETWEEN {mark} AND {mark} AND next_period BETWEEN {mark} AND {mark}"
    )
    runs = list(_runs(spans, whole=whole))
    query = " UNION ALL ".join([one] * len(runs))
    if not whole:
        query = f"SELECT '', value, CAST(sum(count) AS BIGINT) FROM ({query}) AS found GROUP BY value"
    parameters = [
        parameter
        for grain, next_grain, *within in runs
        for parameter in (asked.figure, dimension, grain, next_grain, *of_sites, *within)
    ]
    return gathered(connection, query, parameters)


def _runs(spans: Sequence[Span], *, whole: bool) -> Iterator[tuple[str, str, str, str, str, str]]:
    """grain, next grain, and from where to where the period and the next one lie."""
    for span in spans:
        yield span.grain.value, "", span.first, span.last, "", ""
    if whole:
        return
    for one, other in combinations_with_replacement(spans, 2):
        if one is not other or one.first < one.last:
            yield one.grain.value, other.grain.value, one.first, one.last, other.first, other.last
