"""Where the live counters stand, beside those of a year before: what the page of figures shows, from one snapshot."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from services.stats.elapsed import a_year_before
from services.stats.periods import Grain, bounds
from services.stats.queries import LIVE, Asked, positions, rows_of
from shared.database import Database

GRAINS = (Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.YEAR)


class Count(NamedTuple):
    """A counter of a period that is going on, and of the same days a year before."""

    now: int
    before: int


Line = tuple[Count, ...]
"""One count for each of `GRAINS`."""


class Standing(NamedTuple):
    """Every figure of one site, or of all: `totals` by figure, `divided` by (figure, dimension) and code."""

    day: date
    as_of: Mapping[str, int]
    totals: Mapping[str, Line]
    divided: Mapping[tuple[str, str], Mapping[str, Line]]


async def standing(database: Database, today: date, site: str | None) -> Standing:
    """What there is to see today."""
    return await database.read(lambda connection: _standing(connection, today, site))


def _standing(connection: Connection, today: date, site: str | None) -> Standing:
    totals: dict[str, Line] = {}
    divided: dict[tuple[str, str], Mapping[str, Line]] = {}
    for figure, kind in LIVE.items():
        totals[figure] = _lines(connection, figure, None, today, site).get("", _NOTHING)
        for by in kind.by:
            divided[figure, by] = _lines(connection, figure, by, today, site)
    return Standing(today, positions(connection), totals, divided)


_NOTHING: Line = (Count(0, 0),) * len(GRAINS)


def _lines(connection: Connection, figure: str, by: str | None, today: date, site: str | None) -> dict[str, Line]:
    """A line for each value that was counted in either year; its key is empty for a total."""

    def counted(days: tuple[date, date]) -> dict[str, int]:
        rows = rows_of(connection, Asked(figure, by, None, *days, site))
        return {row[by] if by else "": row["count"] for row in rows}

    columns = [(counted(bounds(today, grain)), counted(a_year_before(today, grain))) for grain in GRAINS]
    codes = dict.fromkeys(code for now, before in reversed(columns) for code in (*now, *before))
    return {code: tuple(Count(now.get(code, 0), before.get(code, 0)) for now, before in columns) for code in codes}
