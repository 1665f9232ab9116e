"""The page of live figures, and the stream that moves it: fragments of the same templates, each made once for all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from services.stats.audience import divisions, sees_all
from services.stats.charts import Bar, bars
from services.stats.definitions import DEFINITIONS
from services.stats.elapsed import a_year_before
from services.stats.live import RETRY_MS, Live, place
from services.stats.pages.labels import DIMENSIONS, Labels
from services.stats.periods import Grain, bounds
from services.stats.queries import LIVE, positions
from services.stats.standing import GRAINS, Line, Standing, standing
from shared.access.principal import principal_of
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.web.cursors import BEGINNING, CURSOR_MAX, Cursors
from shared.web.pages import Asked, Page, PageRouter, mark
from shared.web.problems import not_found

SETTLE_S = 1.0
"""A page moves once a second at most: nobody reads faster, and each move is drawn for everybody who looks."""
BARS_MAX = 12
_PING_S = 15
_PERIODS: Mapping[Grain, str] = {
    Grain.DAY: mark("Aujourd’hui"),
    Grain.WEEK: mark("Cette semaine"),
    Grain.MONTH: mark("Ce mois"),
    Grain.YEAR: mark("Cette année"),
}
_YEAR = GRAINS.index(Grain.YEAR)


class Figures:
    """The figures as they stand, in words and charts."""

    def __init__(self, catalogue: Catalogue, database: Database, live: Live, cursors: Cursors) -> None:
        self._catalogue, self._database, self._live, self._cursors = catalogue, database, live, cursors
        self._known: dict[str, Standing] = {}
        self._drawn: dict[tuple[str, str, bool], tuple[Standing, dict[str, str]]] = {}
        self._reading = asyncio.Lock()

    def today(self) -> date:
        """The day at the house."""
        return utc_now().astimezone(self._catalogue.default_site.zone).date()

    async def show(self, page: Page, site: str) -> Response:
        """The whole page."""
        found = await self._standing(site)
        query = {"site": site, "after": self._cursor(page, site, found), "lang": page.language.code}
        sees = self._sees_all(page)
        return page.render(
            "figures.html",
            site=site,
            sites=self._catalogue.sites,
            definitions=DEFINITIONS,
            dimensions={figure: self._dimensions(figure, site, sees) for figure in LIVE},
            sees_all=sees,
            decision=self._catalogue.live_to_city,
            words=DIMENSIONS,
            parts=self._parts(page, site, found),
            stream=f"/figures/stream?{urlencode({name: value for name, value in query.items() if value})}",
        )

    def place(self, page: Page, site: str, after: str, last_event_id: str | None) -> str:
        """The place that a page says it stands at. Raises the 422 problem for a cursor of another page."""
        what = self._what(page, site)
        if last_event_id is not None:
            return self._cursors.read(what, last_event_id, "Last-Event-ID")
        return self._cursors.read(what, after)

    async def told(self, page: Page, site: str, after: str) -> AsyncIterator[ServerSentEvent]:
        """The fragments that are not as they were, whenever figures move; `after`: where the page stands."""
        yield ServerSentEvent(comment="the figures", retry=RETRY_MS)
        shown: Mapping[str, str] = {}
        async for _ in self._live.changes(self.today):
            found = await self._standing(site)
            parts = self._parts(page, site, found)
            if place(found.day, found.as_of) != after:
                moved = [(name, text) for name, text in parts.items() if shown.get(name) != text]
                for number, (name, text) in enumerate(moved, start=1):
                    # With the last of them a page stands there: one that is cut off before is told all of it again.
                    cursor = self._cursor(page, site, found) if number == len(moved) else None
                    yield ServerSentEvent(text, event=name, id=cursor)
            shown, after = parts, ""
            await asyncio.sleep(SETTLE_S)

    def _what(self, page: Page, site: str) -> str:
        # Who may see more than before, or less, has not seen what stands now.
        return f"figures:{site}:{self._sees_all(page)}"

    def _cursor(self, page: Page, site: str, found: Standing) -> str:
        return self._cursors.give(self._what(page, site), place(found.day, found.as_of))

    async def _standing(self, site: str) -> Standing:
        """What stands now; read once for all who look at the same moment."""
        async with self._reading:
            at, known = (self.today(), await self._database.read(positions)), self._known.get(site)
            if known is None or (known.day, known.as_of) != at:
                known = self._known[site] = await standing(self._database, at[0], site or None)
            return known

    def _parts(self, page: Page, site: str, found: Standing) -> dict[str, str]:
        """The moving parts of the page by name, as HTML."""
        key = page.language.code, site, self._sees_all(page)
        drawn = self._drawn.get(key)
        if drawn is None or drawn[0] is not found:
            drawn = self._drawn[key] = found, self._draw(page, site, found)
        return drawn[1]

    def _draw(self, page: Page, site: str, found: Standing) -> dict[str, str]:
        parts = {
            "as-of": page.text("figures_as_of.html", as_of=found.as_of),
            "periods": page.text("figures_periods.html", periods=self._periods(page, found.day)),
        }
        periods = [page.language.gettext(words) for words in _PERIODS.values()]
        labels = Labels(self._catalogue, page.language)
        for figure in LIVE:
            facts: dict[str, Any] = {"periods": periods, "figure": figure, "definition": DEFINITIONS[figure]}
            facts |= {"by": None, "words": DIMENSIONS}
            total = [("", found.totals[figure])]
            parts[figure] = page.text("figures_counts.html", **facts, lines=total, chart="")
            for by in self._dimensions(figure, site, self._sees_all(page)):
                lines = found.divided[figure, by]
                named = [(labels.of(by, code), lines[code]) for code in labels.ordered(by, lines)]
                chart = self._chart(page, figure, by, named)
                parts[f"{figure}-{by}"] = page.text(
                    "figures_counts.html", **{**facts, "by": by}, lines=named, chart=chart
                )
        if len(self._catalogue.sites) > 1 and not site:
            parts["sites"] = page.text("figures_sites.html", sites=self._catalogue.sites, rows=_by_site(found, page))
        return parts

    def _dimensions(self, figure: str, site: str, sees_all: bool) -> list[str]:
        """What a figure is divided by here: by site only where there are several."""
        several = len(self._catalogue.sites) > 1 and not site
        return [by for by in divisions(LIVE[figure].by, all_of_them=sees_all) if by != "site" or several]

    def _sees_all(self, page: Page) -> bool:
        return sees_all(principal_of(page.request), self._catalogue)

    def _chart(self, page: Page, figure: str, by: str, named: list[tuple[str, Line]]) -> str:
        """This year's bars beside last year's; only the longest, in the order of the table."""
        counted = [(label, line[_YEAR]) for label, line in named if any(line[_YEAR])]
        longest = sorted((max(count) for _, count in counted), reverse=True)[:BARS_MAX]
        number, title = page.language.number, DEFINITIONS[figure].name
        rows = [
            Bar(label, count.now, number(count.now), count.before, number(count.before))
            for label, count in counted
            if max(count) >= longest[-1]
        ][:BARS_MAX]
        words = f"{page.language.pick(*title)}, {page.language.gettext(DIMENSIONS[by])}"
        return bars(f"chart-{figure}-{by}", words, rows)

    def _periods(self, page: Page, today: date) -> list[tuple[str, date, date, tuple[date, date]]]:
        return [
            (page.language.gettext(words), bounds(today, grain)[0], today, a_year_before(today, grain))
            for grain, words in _PERIODS.items()
        ]


def _by_site(found: Standing, page: Page) -> list[tuple[str, str, Mapping[str, Line]]]:
    """(figure, its unit, lines by site) of every figure: each row of the table has a unit of its own."""
    pick: Callable[[str, str], str] = page.language.pick
    return [
        (pick(*definition.name), pick(*definition.unit), found.divided[figure, "site"])
        for figure, definition in DEFINITIONS.items()
        if (figure, "site") in found.divided
    ]


def figure_pages(catalogue: Catalogue, database: Database, live: Live, cursors: Cursors) -> APIRouter:
    """The page and its stream."""
    router, figures = PageRouter(), Figures(catalogue, database, live, cursors)

    def known(site: str) -> str:
        if site and site not in catalogue.sites_by_code:
            raise not_found("site")
        return site

    @router.get("/figures")
    async def show(page: Asked, site: str = "") -> Response:
        return await figures.show(page, known(site))

    @router.get("/figures/stream")
    async def stream(
        page: Asked,
        site: str = "",
        after: Annotated[str, Query(max_length=CURSOR_MAX)] = BEGINNING,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=CURSOR_MAX)] = None,
    ) -> Response:
        start = figures.place(page, known(site), after, last_event_id)
        return EventSourceResponse(figures.told(page, site, start), ping=_PING_S)

    return router
