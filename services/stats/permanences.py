"""How full the permanences of a year were: what the schedule offered on its past days, and the places kept there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from services.stats.places import CALLED_OFF, PERMANENCE, PLACES
from services.stats.queries import Asked, rows_of
from shared.catalogue import Catalogue, Opening


class Plan(NamedTuple):
    """The openings of the days of a year that are over, as the schedule has them today. `last` before `first`: none."""

    first: date
    last: date
    site: str | None
    openings: Sequence[Opening]


def planned(catalogue: Catalogue, year: int, site: str | None, today: date) -> Plan:
    """Of one site or of all. Reckons a year of each site: not for the event loop."""
    first, last = date(year, 1, 1), min(date(year, 12, 31), today - timedelta(days=1))
    sites = [each.code for each in catalogue.sites] if site is None else [site]
    return Plan(first, last, site, [one for code in sites for one in catalogue.openings(code, first, last)])


def permanences(connection: Connection, plan: Plan, names: Mapping[str, str]) -> dict[str, Any]:
    """The permanences held and called off, the places offered and kept; in all, by partner and by site."""
    off = _counted(connection, plan, CALLED_OFF, PERMANENCE)
    held = [opening for opening in plan.openings if opening.permanence_id not in off]
    by_partner = _lines(connection, plan, held, "partner")
    return {
        "until": plan.last.isoformat() if plan.first <= plan.last else None,
        **_line(len(held), _total(connection, plan, CALLED_OFF), _places(held), _total(connection, plan, PLACES)),
        "by_partner": [{**row, "name": names.get(row["partner"], "")} for row in by_partner],
        "by_site": _lines(connection, plan, held, "site"),
    }


def _lines(connection: Connection, plan: Plan, held: Sequence[Opening], by: str) -> list[dict[str, Any]]:
    number: Counter[str] = Counter()
    offered: Counter[str] = Counter()
    for opening in held:
        code = opening.partner if by == "partner" else opening.site
        number[code] += 1
        offered[code] += opening.places
    off, kept = (_counted(connection, plan, figure, by) for figure in (CALLED_OFF, PLACES))
    codes = sorted(number.keys() | off.keys() | kept.keys())
    return [{by: code, **_line(number[code], off.get(code, 0), offered[code], kept.get(code, 0))} for code in codes]


def _line(held: int, cancelled: int, offered: int, kept: int) -> dict[str, Any]:
    """`fullness` is None where nothing was offered; above 1 where the schedule has fewer places now than it had."""
    fullness = round(kept / offered, 4) if offered else None
    return {"held": held, "cancelled": cancelled, "offered": offered, "kept": kept, "fullness": fullness}


def _places(held: Sequence[Opening]) -> int:
    return sum(opening.places for opening in held)


def _total(connection: Connection, plan: Plan, figure: str) -> int:
    return sum(_counted(connection, plan, figure, None).values())


def _counted(connection: Connection, plan: Plan, figure: str, by: str | None) -> dict[str, int]:
    if plan.last < plan.first:
        return {}
    rows = rows_of(connection, Asked(figure, by, None, plan.first, plan.last, plan.site))
    return {row[by] if by else "": row["count"] for row in rows}
