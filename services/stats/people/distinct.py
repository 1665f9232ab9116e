"""How many different people there were over a range of days: counted when asked, because such counts do not add up.

Somebody who came in March and in May is one person of the year, and of each month.
"""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from services.stats.people.presences import TOTAL
from services.stats.periods import EARLIEST, LATEST, Grain, key

IDENTITY = "identity"
_PERIODS = {
    None: "''",
    Grain.DAY: "day",
    Grain.WEEK: "day",
    Grain.MONTH: "substr(day, 1, 7)",
    Grain.YEAR: "substr(day, 1, 4)",
    Grain.ALL: "''",
}


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
    if asked.grain is Grain.WEEK:
        # A week has no place in the text of a day.
        weeks: dict[tuple[str, str], set[str]] = {}
        for day, value, root in _rows(connection, asked, "root", ""):
            weeks.setdefault((key(date.fromisoformat(day), Grain.WEEK), value), set()).add(root)
        return {cell: len(roots) for cell, roots in weeks.items()}
    rows = _rows(connection, asked, "count(DISTINCT root)", " GROUP BY 1, 2")
    return {(period, value): count for period, value, count in rows}


def _rows(connection: Connection, asked: Range, what: str, grouped: str) -> list[Any]:
    of_total = asked.by in (None, "site", IDENTITY)
    values = {None: "''", "site": "site", IDENTITY: "CASE WHEN named THEN 'named' ELSE 'anonymous' END"}
    at_site = " AND site = :site" if asked.site else ""
    query = (
        f"SELECT {_PERIODS[asked.grain]}, {values.get(asked.by, 'value')}, {what} FROM presences"
        " WHERE figure = :figure AND dimension = :dimension AND day BETWEEN :first AND :last"
        f" AND count > 0{at_site}{grouped}"
    )
    parameters = {
        "figure": asked.figure,
        "dimension": TOTAL if of_total else asked.by,
        "first": (asked.first or EARLIEST).isoformat(),
        "last": (asked.last or LATEST).isoformat(),
        **({"site": asked.site} if asked.site else {}),
    }
    return list(connection.execute(text(query), parameters).all())
