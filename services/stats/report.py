"""The yearly review: one year's figures, side by side, from one snapshot."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from services.stats.actions import ACTIONS, ATTENDANCES
from services.stats.delays import ANSWER_DAYS, ANSWERS, OUTCOME_DAYS, OUTCOMES
from services.stats.different import discreet
from services.stats.people.presences import IDENTITY, PARTICIPANTS, PEOPLE
from services.stats.periods import Grain
from services.stats.permanences import Plan, permanences, planned
from services.stats.projections import HANDOVERS, MINUTES, NEEDS, RECEIVED, REFERRALS, REQUESTS, VISITS
from services.stats.queries import Asked, positions, rows_of
from services.stats.waiting import ARRIVALS, INVITATIONS, WAITING
from shared.catalogue import Catalogue
from shared.database import Database


async def report(database: Database, catalogue: Catalogue, year: int, site: str | None, today: date) -> dict[str, Any]:
    """The review of a year, of one site or of all, as it stands today."""
    plan = await asyncio.to_thread(planned, catalogue, year, site, today)
    return await database.read(lambda connection: _Year(connection, year, site).report(catalogue, plan))


class _Year:
    """A year of one site, or of all, as it is counted now."""

    def __init__(self, connection: Connection, year: int, site: str | None) -> None:
        self._connection, self._year, self._site = connection, year, site

    def report(self, catalogue: Catalogue, plan: Plan) -> dict[str, Any]:
        """The whole document."""
        names = {partner.code: partner.name for partner in catalogue.partners}
        visits, requests = self._count(VISITS), self._count(REQUESTS)
        before = self._count(VISITS, of_year=self._year - 1)
        by_status = self._rows(REQUESTS, "status")
        unmet = sum(row["count"] for row in by_status if row["status"] == "unmet")
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
                "by_language": self._rows(VISITS, "language"),
                "by_need": self._rows(VISITS, "need"),
                "by_site": self._rows(VISITS, "site"),
                "previous_by_site": self._rows(VISITS, "site", of_year=self._year - 1),
            },
            "requests": {
                "count": requests,
                "previous": self._count(REQUESTS, of_year=self._year - 1) or None,
                "by_category": [
                    {**row, "share": round(row["count"] / requests, 4)} for row in self._rows(REQUESTS, "category")
                ],
                "by_status": by_status,
                "share_unmet": round(unmet / requests, 4) if requests else None,
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
            "delays": {
                ANSWERS: self._delays(ANSWERS, ANSWER_DAYS, names),
                OUTCOMES: self._delays(OUTCOMES, OUTCOME_DAYS, names),
            },
            "permanences": permanences(self._connection, plan, names),
            "handovers": self._handovers(),
            "needs": {
                "count": self._count(NEEDS),
                "by_category": self._rows(NEEDS, "category"),
                "by_reason": self._rows(NEEDS, "reason"),
                "by_site": self._rows(NEEDS, "site"),
            },
            "arrivals": self._arrivals(),
            "invitations": self._invitations(),
            "actions": self._sessions(ACTIONS),
            "attendances": self._sessions(ATTENDANCES),
            "participants": self._different(PARTICIPANTS, ("kind", "category", "partner", IDENTITY, "site"), catalogue),
            "people": self._different(PEOPLE, ("partner", IDENTITY, "site"), catalogue),
        }

    def _delays(self, figure: str, days_figure: str, names: Mapping[str, str]) -> dict[str, Any]:
        """First answers or outcomes, and the days that they took on average; None where there is none."""
        count, days = self._count(figure), self._count(days_figure)
        days_of = {row["partner"]: row["count"] for row in self._rows(days_figure, "partner")}
        return {
            "count": count,
            "days": days,
            "average_days": _mean(days, count),
            "by_partner": [
                {
                    **row,
                    "name": names.get(row["partner"], ""),
                    "days": (of_one := days_of.get(row["partner"], 0)),
                    "average_days": _mean(of_one, row["count"]),
                }
                for row in self._rows(figure, "partner")
            ],
            "by_delay": self._rows(figure, "delay"),
            "by_site": self._rows(figure, "site"),
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

    def _arrivals(self) -> dict[str, Any]:
        """The waiting room, and the minutes of those who were received; the average is None without any."""
        by_result = self._rows(ARRIVALS, "result")
        received = sum(row["count"] for row in by_result if row["result"] == RECEIVED)
        minutes = sum(row["count"] for row in self._rows(WAITING, "result") if row["result"] == RECEIVED)
        return {
            "count": self._count(ARRIVALS),
            "by_result": by_result,
            "by_wait": self._rows(ARRIVALS, "wait"),
            "by_site": self._rows(ARRIVALS, "site"),
            "minutes": minutes,
            "average_minutes": round(minutes / received, 1) if received else None,
        }

    def _invitations(self) -> dict[str, Any]:
        """Invitations given, those of them that were used, and their share; None where none was given."""
        count, by_status = self._count(INVITATIONS), self._rows(INVITATIONS, "status")
        used = sum(row["count"] for row in by_status if row["status"] == "used")
        return {
            "count": count,
            "used": used,
            "share_used": round(used / count, 4) if count else None,
            "by_status": by_status,
            "by_site": self._rows(INVITATIONS, "site"),
        }

    def _sessions(self, figure: str) -> dict[str, Any]:
        """Collective actions, or everybody who was at them. By partner a line for each of an action's."""
        return {
            "count": self._count(figure),
            "previous": self._count(figure, of_year=self._year - 1) or None,
            **{f"by_{by}": self._rows(figure, by) for by in ("kind", "category", "partner", "site")},
        }

    def _different(self, figure: str, divided: Sequence[str], catalogue: Catalogue) -> dict[str, Any]:
        """Different people: lines that do not add up, a few people told as None. `threshold` = what is a few."""
        k = catalogue.secrecy.of(figure)
        names = {partner.code: partner.name for partner in catalogue.partners}
        lines = {by: discreet(self._rows(figure, by), k) for by in divided}
        for row in lines["partner"]:
            row["name"] = names.get(row["partner"], "")
        return {
            "count": self._count(figure),
            "previous": self._count(figure, of_year=self._year - 1) or None,
            "threshold": k,
            **{f"by_{by}": rows for by, rows in lines.items()},
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


def _mean(total: int, count: int) -> float | None:
    return round(total / count, 1) if count else None
