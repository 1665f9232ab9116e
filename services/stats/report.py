"""The yearly review: one year's figures, side by side, from one snapshot."""

from datetime import date
from typing import Any

from sqlalchemy import Connection

from services.stats.projections import REFERRALS, REQUESTS, VISITS
from services.stats.queries import Asked, positions, rows_of
from shared.catalogue import Catalogue
from shared.database import Database


async def report(database: Database, catalogue: Catalogue, year: int, site: str | None) -> dict[str, Any]:
    """The review of a year, of one site or of all."""
    return await database.read(lambda connection: _report(connection, catalogue, year, site))


def _report(connection: Connection, catalogue: Catalogue, year: int, site: str | None) -> dict[str, Any]:
    def rows(figure: str, by: str | None = None, of_year: int = year) -> list[dict[str, Any]]:
        first, last = date(of_year, 1, 1), date(of_year, 12, 31)
        return rows_of(connection, Asked(figure, by, None, first, last, site))

    visits, before = rows(VISITS)[0]["count"], rows(VISITS, of_year=year - 1)[0]["count"]
    requests = rows(REQUESTS)[0]["count"]
    names = {partner.code: partner.name for partner in catalogue.partners}
    return {
        "year": year,
        "site": site,
        "as_of": positions(connection),
        "visits": {
            "count": visits,
            "previous": before or None,
            "growth": round(visits / before - 1, 4) if before else None,
            "by_category": rows(VISITS, "category"),
            "by_channel": rows(VISITS, "channel"),
            "by_site": rows(VISITS, "site"),
        },
        "requests": {
            "count": requests,
            "by_category": [{**row, "share": round(row["count"] / requests, 4)} for row in rows(REQUESTS, "category")],
            "by_status": rows(REQUESTS, "status"),
        },
        "referrals": {
            "count": rows(REFERRALS)[0]["count"],
            "by_partner": [{**row, "name": names.get(row["partner"], "")} for row in rows(REFERRALS, "partner")],
            "by_category": rows(REFERRALS, "category"),
            "by_status": rows(REFERRALS, "status"),
        },
    }
