"""The yearly review: one year's figures, side by side, from one snapshot."""

from datetime import date
from typing import Any

from sqlalchemy import Connection

from services.stats.periods import Grain
from services.stats.projections import HANDOVERS, MINUTES, NEEDS, RECEIVED, REFERRALS, REQUESTS, VISITS
from services.stats.queries import Asked, positions, rows_of
from shared.catalogue import Catalogue
from shared.database import Database


async def report(database: Database, catalogue: Catalogue, year: int, site: str | None) -> dict[str, Any]:
    """The review of a year, of one site or of all."""
    return await database.read(lambda connection: _Year(connection, year, site).report(catalogue))


class _Year:
    """A year of one site, or of all, as it is counted now."""

    def __init__(self, connection: Connection, year: int, site: str | None) -> None:
        self._connection, self._year, self._site = connection, year, site

    def report(self, catalogue: Catalogue) -> dict[str, Any]:
        """The whole document."""
        names = {partner.code: partner.name for partner in catalogue.partners}
        visits, requests = self._count(VISITS), self._count(REQUESTS)
        before = self._count(VISITS, of_year=self._year - 1)
        return {
            "year": self._year,
            "site": self._site,
            "as_of": positions(self._connection),
            "visits": {
                "count": visits,
                "previous": before or None,
                "growth": round(visits / before - 1, 4) if before else None,
                "by_month": self._by_month(VISITS),
                "previous_by_month": self._by_month(VISITS, of_year=self._year - 1),
                "by_category": self._rows(VISITS, "category"),
                "by_channel": self._rows(VISITS, "channel"),
                "by_site": self._rows(VISITS, "site"),
            },
            "requests": {
                "count": requests,
                "previous": self._count(REQUESTS, of_year=self._year - 1) or None,
                "by_category": [
                    {**row, "share": round(row["count"] / requests, 4)} for row in self._rows(REQUESTS, "category")
                ],
                "by_status": self._rows(REQUESTS, "status"),
                "by_site": self._rows(REQUESTS, "site"),
            },
            "referrals": {
                "count": self._count(REFERRALS),
                "previous": self._count(REFERRALS, of_year=self._year - 1) or None,
                "by_partner": [
                    {**row, "name": names.get(row["partner"], "")} for row in self._rows(REFERRALS, "partner")
                ],
                "by_category": self._rows(REFERRALS, "category"),
                "by_status": self._rows(REFERRALS, "status"),
                "by_site": self._rows(REFERRALS, "site"),
            },
            "handovers": self._handovers(),
            "needs": {
                "count": self._count(NEEDS),
                "by_category": self._rows(NEEDS, "category"),
                "by_reason": self._rows(NEEDS, "reason"),
                "by_site": self._rows(NEEDS, "site"),
            },
        }

    def _handovers(self) -> dict[str, Any]:
        """Walks to a partner's door, and the minutes of those who were received; the average is None without any."""
        by_result = self._rows(HANDOVERS, "result")
        received = sum(row["count"] for row in by_result if row["result"] == RECEIVED)
        minutes = self._count(MINUTES)
        return {
            "count": self._count(HANDOVERS),
            "by_result": by_result,
            "by_partner": self._rows(HANDOVERS, "partner"),
            "by_site": self._rows(HANDOVERS, "site"),
            "minutes": minutes,
            "average_minutes": round(minutes / received, 1) if received else None,
        }

    def _count(self, figure: str, of_year: int | None = None) -> int:
        count: int = self._rows(figure, of_year=of_year)[0]["count"]
        return count

    def _by_month(self, figure: str, of_year: int | None = None) -> list[dict[str, Any]]:
        return self._rows(figure, grain=Grain.MONTH, of_year=of_year)

    def _rows(
        self, figure: str, by: str | None = None, grain: Grain | None = None, of_year: int | None = None
    ) -> list[dict[str, Any]]:
        year = self._year if of_year is None else of_year
        first, last = date(year, 1, 1), date(year, 12, 31)
        return rows_of(self._connection, Asked(figure, by, grain, first, last, self._site))
