"""The lines of the star, made from what was published and what its codes are called."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from services.stats.bi.star import DIMENSIONS, FACT_TABLES, PERIODS, WHOLE
from services.stats.closing import PUBLISHED
from services.stats.names import known_names
from services.stats.periods import Grain, bounds
from services.stats.published import rows_of

Line = tuple[Any, ...]
"""In the order of its table's columns. A withheld count is None."""


def star(connection: Connection) -> dict[str, list[Line]]:
    """Every table of the star with its lines, from one snapshot: what is named stands before what names it."""
    published = {figure: rows_of(connection, figure) for figure in FACT_TABLES}
    periods = {(row["grain"], row["period"]) for rows in published.values() for row in rows}
    named = known_names(connection)
    tables = {PERIODS.name: sorted(_period(*period) for period in periods)}
    for dimension, table in DIMENSIONS.items():
        names = [(code, *name) for (of, code), name in named.items() if of == dimension]
        tables[table.name] = [("", WHOLE, 0), *sorted(names, key=lambda name: (name[2], name[0]))]
    for figure, rows in published.items():
        tables[FACT_TABLES[figure].name] = list(_facts(figure, rows))
    return tables


def _facts(figure: str, rows: Sequence[Mapping[Any, Any]]) -> Iterator[Line]:
    newest: dict[Line, int] = {}
    for row in rows:
        newest[_cell(row)] = max(row["revision"], newest.get(_cell(row), 0))
    for row in rows:
        yield (
            row["period"],
            row["grain"],
            row["site"],
            row["dimension"],
            *(row["value"] if row["dimension"] == axis else "" for axis in PUBLISHED[figure]),
            None if row["withheld"] else row["count"],
            bool(row["withheld"]),
            row["threshold"],
            row["revision"],
            row["revision"] == newest[_cell(row)],
            row["published_on"],
        )


def _cell(row: Mapping[Any, Any]) -> Line:
    return row["dimension"], row["grain"], row["site"], row["period"], row["value"]


def _period(grain: str, period: str) -> Line:
    first, last = days_of(Grain(grain), period)
    of_week = grain == Grain.WEEK
    year, week, _ = first.isocalendar()
    return (
        period,
        grain,
        first.isoformat(),
        last.isoformat(),
        year if of_week else first.year,
        first.month if grain in (Grain.DAY, Grain.MONTH) else None,
        week if of_week else None,
    )


def days_of(grain: Grain, period: str) -> tuple[date, date]:
    """The first and last day of a period in ISO form."""
    match grain:
        case Grain.WEEK:
            first = date.fromisocalendar(int(period[:4]), int(period[6:]), 1)
        case _:
            first = date.fromisoformat((period + "-01-01")[:10])
    return bounds(first, grain)
