"""The yearly review as a page that prints, and as a document of its own: the same template in two frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.dates import get_month_names
from fastapi import APIRouter
from markupsafe import Markup
from starlette.responses import Response

from services.stats.charts import Bar, Point, bars, lines, top_of_axis
from services.stats.definitions import DEFINITIONS
from services.stats.delays import ANSWERS, OUTCOMES
from services.stats.pages.labels import DIMENSIONS, Labels
from services.stats.pages.reviewing import alone, known_site
from services.stats.report import report
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.web.pages import Asked, Language, PageRouter, Pages
from shared.web.parameters import Year

_IN_TIME = ("wait", "delay")
"""Divisions whose codes sort as the times do."""
_NOTHING: Mapping[str, Any] = {"count": 0, "average_days": None}


@dataclass(frozen=True)
class Share:
    """One line of a table of shares."""

    label: str
    count: int
    share: float


@dataclass(frozen=True)
class Month:
    """One month of the year; None where nothing of that year was counted, or the month has not come yet."""

    label: str
    count: int | None
    before: int | None


@dataclass(frozen=True)
class Delay:
    """How many of a partner's referrals were answered and have an outcome, and after how many days on average."""

    label: str
    answers: int
    answer_days: float | None
    outcomes: int
    outcome_days: float | None


@dataclass(frozen=True)
class Divided:
    """One figure divided one way: a chart with its table."""

    figure: str
    by: str
    chart: Markup
    lines: Sequence[Share]
    total: int


class Review:
    """What the template is filled with: the numbers of `report` in one language."""

    def __init__(self, document: Mapping[str, Any], catalogue: Catalogue, language: Language, today: date) -> None:
        self._document, self._catalogue, self._language = document, catalogue, language
        self._labels, self._today = Labels(catalogue, language), today

    def facts(self) -> dict[str, Any]:
        """Everything but the frame."""
        document, year = self._document, int(self._document["year"])
        months = self._months(year)
        several = len(self._catalogue.sites) > 1 and not document["site"]
        return {
            "review": document,
            "year": year,
            "today": self._today,
            "is_going_on": year >= self._today.year,
            "site_name": self._labels.of("site", document["site"]) if document["site"] else "",
            "months": months,
            "months_chart": self._months_chart(year, months),
            "sites": self._sites() if several else [],
            "growths": self._growths() if several and year < self._today.year else [],
            "site_names": [site.name for site in self._catalogue.sites],
            "definitions": DEFINITIONS,
            "words": DIMENSIONS,
            "delays": self._delays(),
            "permanences": self._permanences(),
            "until": date.fromisoformat(document["permanences"]["until"] or f"{year:04}-01-01"),
            "different": {
                f"{figure}-{by}": self._different(figure, by)
                for figure, by in (
                    ("people", "partner"), ("people", "identity"), ("participants", "kind"), ("participants", "partner")
                )
            },
            "divided": {
                f"{figure}-{by}": self._divided(figure, by)
                for figure, by in (
                    ("requests", "category"), ("requests", "status"), ("visits", "channel"),
                    ("referrals", "partner"), ("referrals", "status"), ("answers", "delay"), ("outcomes", "delay"),
                    ("needs", "category"), ("needs", "reason"),
                    ("handovers", "result"), ("handovers", "partner"),
                    ("visits", "language"), ("visits", "need"),
                    ("arrivals", "result"), ("arrivals", "wait"), ("invitations", "status"),
                    ("actions", "kind"), ("attendances", "kind"),
                )
            },
        }  # fmt: skip

    def _delays(self) -> list[Delay]:
        """How soon each partner answered and finished, in the order of the catalogue."""
        told = {
            figure: {row["partner"]: row for row in self._document["delays"][figure]["by_partner"]}
            for figure in (ANSWERS, OUTCOMES)
        }
        found = []
        for code in self._labels.ordered("partner", {code for rows in told.values() for code in rows}):
            answers, outcomes = (told[figure].get(code, _NOTHING) for figure in (ANSWERS, OUTCOMES))
            numbers = (answers["count"], answers["average_days"], outcomes["count"], outcomes["average_days"])
            found.append(Delay(self._labels.of("partner", code), *numbers))
        return found

    def _permanences(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Each partner's name and its permanences, in the order of the catalogue."""
        rows = {row["partner"]: row for row in self._document["permanences"]["by_partner"]}
        return [(self._labels.of("partner", code), rows[code]) for code in self._labels.ordered("partner", rows)]

    def _different(self, figure: str, by: str) -> list[tuple[str, int | None]]:
        """Different people by line, the most first; None where they are few enough to be recognised."""
        rows = [(self._labels.of(by, row[by]), row["count"]) for row in self._document[figure][f"by_{by}"]]
        return sorted(rows, key=lambda row: (row[1] is None, -(row[1] or 0), row[0]))

    def _divided(self, figure: str, by: str) -> Divided:
        """The largest first, as one reads a year that is over; what was sooner before what was later."""
        rows = (self._document.get(figure) or self._document["delays"][figure])[f"by_{by}"]
        # A line shows its share of what these lines add up to: it is the figure's total for every table here.
        total = sum(row["count"] for row in rows)
        shares = [Share(self._labels.of(by, row[by]), row["count"], row["count"] / total) for row in rows if total > 0]
        if by not in _IN_TIME:
            shares.sort(key=lambda line: (-line.count, line.label))
        title = f"{self._name(figure)}, {self._language.gettext(DIMENSIONS[by])}"
        drawn = [Bar(line.label, line.count, self._language.percent(line.share)) for line in shares]
        return Divided(figure, by, bars(f"chart-{figure}-{by}", title, drawn), shares, total)

    def _months(self, year: int) -> list[Month]:
        names = get_month_names("wide", locale=self._language.locale)
        visits = self._document["visits"]
        now = {row["period"]: row["count"] for row in visits["by_month"]}
        before = {row["period"]: row["count"] for row in visits["previous_by_month"]}
        found = []
        for month in range(1, 13):
            has_come = (year, month) <= (self._today.year, self._today.month)
            count = now.get(f"{year:04}-{month:02}", 0) if has_come else None
            found.append(Month(names[month], count, before.get(f"{year - 1:04}-{month:02}", 0) if before else None))
        return found

    def _months_chart(self, year: int, months: Sequence[Month]) -> Markup:
        top = top_of_axis(max(max(month.count or 0, month.before or 0) for month in months))
        ticks = [(value, self._language.number(value)) for value in (0, top // 2, top)]
        short = get_month_names("narrow", locale=self._language.locale)
        points = [Point(short[number], month.count, month.before) for number, month in enumerate(months, 1)]
        title = self._language.gettext("%(name)s par mois, %(year)s", name=self._name("visits"), year=year)
        return lines("chart-months", title, points, ticks)

    def _sites(self) -> list[tuple[str, str, list[int]]]:
        """(figure, unit, a count for each site): sites side by side, a figure a row, for each has its own unit."""
        rows = []
        for figure in ("visits", "requests", "referrals", "needs", "handovers", "arrivals", "invitations", "actions"):
            counts = {row["site"]: row["count"] for row in self._document[figure]["by_site"]}
            unit = self._language.pick(*DEFINITIONS[figure].unit)
            rows.append((self._name(figure), unit, [counts.get(site.code, 0) for site in self._catalogue.sites]))
        return rows

    def _growths(self) -> list[float | None]:
        """How much more was done at each site than the year before; None where nothing was counted then."""
        visits = self._document["visits"]
        now = {row["site"]: row["count"] for row in visits["by_site"]}
        before = {row["site"]: row["count"] for row in visits["previous_by_site"]}
        codes = [site.code for site in self._catalogue.sites]
        return [now.get(code, 0) / before[code] - 1 if before.get(code) else None for code in codes] if before else []

    def _name(self, figure: str) -> str:
        return self._language.pick(*DEFINITIONS[figure].name)


def review_pages(catalogue: Catalogue, database: Database) -> APIRouter:
    """The review of a year, and the way to the one that is being read most: that of the year before this."""
    router = PageRouter()

    def today() -> date:
        return utc_now().astimezone(catalogue.default_site.zone).date()

    @router.get("/report")
    async def newest(page: Asked, year: Year | None = None, site: str = "") -> Response:
        """Also where the form leads that chooses a year."""
        chosen = year or today().year
        return page.redirect(f"/report/{chosen}/page" + (f"?site={known_site(catalogue, site)}" if site else ""))

    @router.get("/report/{year}/page")
    async def review(page: Asked, year: Year, site: str = "") -> Response:
        document = await report(database, catalogue, year, known_site(catalogue, site) or None, today())
        facts = Review(document, catalogue, page.language, today()).facts()
        return page.render("review.html", layout="base.html", choices=catalogue.sites, **facts)

    return router


def as_document(pages: Pages, catalogue: Catalogue, document: Mapping[str, Any], code: str, today: date) -> str:
    """The review as one HTML file that needs nothing beside it. `document`: as `GET /report/{year}` gives it."""
    return alone(pages, "review.html", code, Review(document, catalogue, pages.language(code), today).facts())
