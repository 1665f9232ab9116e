"""The yearly review for the city: what was published of a year, put together, and nothing that was not published.

A number that is withheld in the files is withheld here; shares are taken of published numbers alone, and so say
nothing that the files do not.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from services.stats.closing import PUBLISHED
from services.stats.names import known_names
from services.stats.periods import Grain
from services.stats.projections import TOTAL
from services.stats.publishing import PUBLICATIONS
from services.stats.tables import ALL_SITES

Row = Mapping[Any, Any]


def published_years(connection: Connection) -> list[int]:
    """The years that were published, the newest first."""
    columns = PUBLICATIONS.c
    query = select(columns.period).where(columns.grain == Grain.YEAR, columns.site == ALL_SITES).distinct()
    return sorted((int(year) for year in connection.execute(query).scalars()), reverse=True)


def city_review(connection: Connection, year: int, site: str | None) -> dict[str, Any] | None:
    """A published year of one site, or of all; None where it was not published. A withheld count is None.

    `revision` of a line: 1, or more where it was restated. `share`: of the figure's total, where both are published.
    """
    rows = _latest(connection, year, site or ALL_SITES)
    if not any(row["grain"] == Grain.YEAR for row in rows):
        return None
    names = {key: name.label for key, name in known_names(connection).items()}
    # What there was nothing of in a year was not published of it: that is no withheld number.
    of: dict[str, list[Row]] = {row["figure"]: [] for row in rows if row["grain"] == Grain.YEAR}
    for row in rows:
        of.get(row["figure"], []).append(row)
    return {
        "year": year,
        "site": site,
        "published_on": max(row["published_on"] for row in rows),
        "figures": {figure: _figure(of[figure], names) for figure in PUBLISHED if figure in of},
    }


def _latest(connection: Connection, year: int, site: str) -> list[Row]:
    """Each cell of the year and of its months' totals, as it was published last."""
    columns = PUBLICATIONS.c
    months = and_(
        columns.grain == Grain.MONTH, columns.dimension == TOTAL, columns.period.between(f"{year}-01", f"{year}-12")
    )
    wanted = or_(and_(columns.grain == Grain.YEAR, columns.period == str(year)), months)
    query = select(PUBLICATIONS).where(columns.site == site, wanted).order_by(columns.period, columns.revision)
    latest: dict[tuple[str, ...], Row] = {}
    for row in connection.execute(query).mappings():
        latest[row["figure"], row["grain"], row["period"], row["dimension"], row["value"]] = row
    return list(latest.values())


def _figure(rows: list[Row], names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    yearly = [row for row in rows if row["grain"] == Grain.YEAR]
    whole = next((row for row in yearly if row["dimension"] == TOTAL), None)
    total = _told(whole) if whole else None
    divided: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(yearly, key=lambda row: (row["withheld"], -row["count"] if not row["withheld"] else 0)):
        if row["dimension"] != TOTAL:
            label = names.get((row["dimension"], row["value"]), row["value"])
            divided.setdefault(row["dimension"], []).append(_line(row, label, total))
    return {
        "count": total,
        "threshold": max((row["threshold"] for row in yearly), default=None),
        "by_month": [{"period": row["period"], "count": _told(row)} for row in rows if row["grain"] == Grain.MONTH],
        **{f"by_{dimension}": lines for dimension, lines in divided.items()},
    }


def _line(row: Row, label: str, total: int | None) -> dict[str, Any]:
    count = _told(row)
    share = round(count / total, 4) if count is not None and total else None
    return {row["dimension"]: row["value"], "label": label, "count": count, "share": share, "revision": row["revision"]}


def _told(row: Row) -> int | None:
    return None if row["withheld"] else int(row["count"])
