"""What is published when a period has closed, and which of its cells add up to which: pure.

A month is published with its days and the weeks that ended in it; the year follows when December does. Days and weeks
carry totals only: divided any further, a house's days are too small to be shown.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from services.stats.actions import ACTIONS, ATTENDANCES
from services.stats.periods import Grain, bounds, key
from services.stats.projections import REFERRALS, REQUESTS, TOTAL, VISITS
from services.stats.secrecy import Sum
from services.stats.tables import ALL_SITES
from services.stats.waiting import INVITATIONS

GRACE_DAYS = 7
"""Visits of the last days are often entered late: a month closes a week after its last day."""

PUBLISHED: Mapping[str, tuple[str, ...]] = {
    VISITS: ("category", "channel", "language", "need"),
    REQUESTS: ("category", "channel", "status"),
    REFERRALS: ("category", "partner", "status"),
    INVITATIONS: ("status",),
    ACTIONS: ("kind", "category"),
    ATTENDANCES: ("kind", "category"),
}
"""What each figure is divided by when it is published.

No two of them count the same thing: what one withholds could be read off the other. So there are no unmet needs beside
the requests by status. Actions are not divided by partner: one that two led would stand under both.
"""
_DOES_NOT_ADD_UP = {(VISITS, "category"), (VISITS, "language"), (VISITS, "need")}
"""A visit with two requests counts under both of their categories; one of which no language was said, under none."""


class Cell(NamedTuple):
    """One number of one table."""

    figure: str
    dimension: str
    value: str
    site: str
    grain: str
    period: str


def closed_months(first: date, today: date) -> Iterator[str]:
    """The months from that of the first day on that are closed today, in order, as `2008-03`."""
    month = first.replace(day=1)
    while True:
        last = bounds(month, Grain.MONTH)[1]
        if last + timedelta(days=GRACE_DAYS) >= today:
            return
        yield key(month, Grain.MONTH)
        month = last + timedelta(days=1)


def days_of(month: str) -> tuple[date, date]:
    """The first day of the first week that ends in a month, and the month's last day."""
    first, last = bounds(date.fromisoformat(f"{month}-01"), Grain.MONTH)
    return bounds(first, Grain.WEEK)[0], last


def with_weeks(days: Mapping[Cell, int], month: str) -> dict[Cell, int]:
    """Day cells, and the weeks that end in the month, added up from them: a week is what its published days are."""
    counts: dict[Cell, int] = dict(days)
    for cell, count in days.items():
        day = date.fromisoformat(cell.period)
        ends = bounds(day, Grain.WEEK)[1]
        if key(ends, Grain.MONTH) == month:
            week = cell._replace(grain=Grain.WEEK, period=key(day, Grain.WEEK))
            counts[week] = counts.get(week, 0) + count
    return counts


def year_of(months: Mapping[Cell, int]) -> dict[Cell, int]:
    """A year's cells, added up from its months as they were published."""
    counts: dict[Cell, int] = {}
    for cell, count in months.items():
        year = cell._replace(grain=Grain.YEAR, period=cell.period[:4])
        counts[year] = counts.get(year, 0) + count
    return counts


def sums_of(cells: Collection[Cell]) -> list[Sum[Cell]]:
    """Every sum among these cells: values to totals, sites to all, days to weeks and months, months to years."""
    parts: defaultdict[tuple[Cell, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        for total in _totals_of(cell):
            if total in cells:
                parts[total, _way(cell, total)].append(cell)
    return [Sum(total, tuple(found)) for (total, _way_of_it), found in parts.items()]


def _totals_of(cell: Cell) -> Iterable[Cell]:
    if cell.dimension != TOTAL and (cell.figure, cell.dimension) not in _DOES_NOT_ADD_UP:
        yield cell._replace(dimension=TOTAL, value="")
    if cell.site != ALL_SITES:
        yield cell._replace(site=ALL_SITES)
    match cell.grain:
        case Grain.DAY:
            day = date.fromisoformat(cell.period)
            yield cell._replace(grain=Grain.WEEK, period=key(day, Grain.WEEK))
            yield cell._replace(grain=Grain.MONTH, period=cell.period[:7])
        case Grain.MONTH:
            yield cell._replace(grain=Grain.YEAR, period=cell.period[:4])


def _way(cell: Cell, total: Cell) -> str:
    """What a cell and its total differ in, other than their values: parts of one sum differ in the same."""
    if cell.site != total.site:
        return "site"
    return cell.dimension if cell.dimension != total.dimension else cell.grain
