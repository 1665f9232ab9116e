"""The HTTP edge of the figures."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from fastapi import FastAPI, Header, Query, Request, Response
from pydantic import BaseModel
from sse_starlette import EventSourceResponse
from starlette.responses import RedirectResponse

from services.stats import queries
from services.stats.audience import check_division, sees_all
from services.stats.city_review import city_review
from services.stats.live import Live
from services.stats.periods import Grain
from services.stats.queries import KINDS, Asked
from services.stats.report import report
from shared.access.principal import principal_of
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.web.app import problems
from shared.web.cursors import BEGINNING, CURSOR_MAX, Cursors
from shared.web.parameters import Day, Year
from shared.web.problems import FieldError, invalid, not_found


class FigureName(StrEnum):
    """What can be counted."""

    VISITS = "visits"
    REQUESTS = "requests"
    REFERRALS = "referrals"
    ANSWERS = "answers"
    ANSWER_DAYS = "answer_days"
    OUTCOMES = "outcomes"
    OUTCOME_DAYS = "outcome_days"
    PLACES = "places"
    PERMANENCES_CANCELLED = "permanences_cancelled"
    HANDOVERS = "handovers"
    MINUTES_TO_PARTNER = "minutes_to_partner"
    NEEDS = "needs"
    ARRIVALS = "arrivals"
    WAITING = "waiting"
    INVITATIONS = "invitations"
    ACTIONS = "actions"
    ATTENDANCES = "attendances"
    PARTICIPANTS = "participants"
    PEOPLE = "people"


class FiguresView(BaseModel):
    """A figure with its unit, its date basis and the log positions it stands at."""

    unit: str
    date_basis: str
    as_of: dict[str, int]
    rows: list[dict[str, Any]]


_By = Literal[
    "category", "partner", "site", "channel", "status", "result", "reason", "language", "need", "wait", "kind",
    "identity", "delay"
]  # fmt: skip
_Period = Literal["day", "week", "month", "year"]


def add_routes(app: FastAPI, catalogue: Catalogue, database: Database, live: Live, cursors: Cursors) -> None:
    """Add what BI and live pages can ask for. The fixed paths come first: `live` is no figure's name."""
    today = _today_of(catalogue)
    sites = {"enum": [site.code for site in catalogue.sites]}

    @app.get("/stats/live", tags=["figures"], summary="The counters now")
    async def counters(request: Request) -> dict[str, Any]:
        return await live.now(today(), all_of_them=sees_all(principal_of(request), catalogue))

    @app.get(
        "/stats/live/stream",
        tags=["figures"],
        summary="The counters as they move",
        response_class=EventSourceResponse,
        responses={200: {"content": {"text/event-stream": {}}}, **problems(422)},
    )
    async def stream(
        request: Request,
        last_event_id: Annotated[str, Header(alias="Last-Event-ID", max_length=CURSOR_MAX)] = BEGINNING,
    ) -> EventSourceResponse:
        all_of_them = sees_all(principal_of(request), catalogue)
        # Who may see more than before, or less, has not seen what stands now.
        what = f"counters:{all_of_them}"
        after = cursors.read(what, last_event_id, "Last-Event-ID")
        told = live.stream(today, after, partial(cursors.give, what), all_of_them=all_of_them)
        return EventSourceResponse(told, ping=15)

    @app.get(
        "/stats/{figure}",
        tags=["figures"],
        summary="A figure by period",
        response_model=FiguresView,
        responses=problems(403, 404, 422),
    )
    async def figures(
        request: Request,
        figure: FigureName,
        by: _By | None = None,
        period: _Period | None = None,
        from_: Annotated[Day | None, Query(alias="from")] = None,
        to: Day | None = None,
        site: Annotated[str | None, Query(json_schema_extra=sites)] = None,
    ) -> Response:
        _check(catalogue, figure, by, from_, to, site)
        check_division(by, principal_of(request), catalogue)
        asked = Asked(figure.value, by, Grain(period) if period else None, from_, to, site)
        # Written as it is: to look thousands of lines through once more takes longer than to read them.
        return Response(msgspec.json.encode(await queries.ask(database, asked)), media_type="application/json")

    @app.get(
        "/report/{year}",
        tags=["figures"],
        summary="The yearly review",
        response_model=dict[str, Any],
        responses=problems(404, 422),
    )
    async def yearly_review(
        request: Request,
        response: Response,
        year: Year,
        site: Annotated[str | None, Query(json_schema_extra=sites)] = None,
    ) -> dict[str, Any] | Response:
        _check_site(catalogue, site)
        if "text/html" in request.headers.get("accept", ""):
            query = f"?site={site}" if site else ""
            return RedirectResponse(f"/report/{year}/page{query}", 303, headers={"Vary": "Accept"})
        response.headers["Vary"] = "Accept"
        return await report(database, catalogue, year, site, today())

    @app.get(
        "/report/{year}/city",
        tags=["figures"],
        summary="The yearly review, of what was published alone",
        responses=problems(404, 422),
    )
    async def published_review(
        year: Year, site: Annotated[str | None, Query(json_schema_extra=sites)] = None
    ) -> dict[str, Any]:
        _check_site(catalogue, site)
        found = await database.read(lambda connection: city_review(connection, year, site))
        if found is None:
            raise not_found("published year")
        return found


def _check(
    catalogue: Catalogue,
    figure: FigureName,
    by: str | None,
    first: date | None,
    last: date | None,
    site: str | None,
) -> None:
    errors: list[FieldError] = []
    allowed = KINDS[figure.value].by
    if by is not None and by not in allowed:
        errors.append({"field": "by", "detail": f"{figure.value} can be divided by {', '.join(allowed)}."})
    if first and last and first > last:
        errors.append({"field": "to", "detail": "The last day comes before the first: exchange them."})
    if errors:
        raise invalid(errors)
    _check_site(catalogue, site)


def _check_site(catalogue: Catalogue, site: str | None) -> None:
    if site is not None and site not in catalogue.sites_by_code:
        raise invalid([{"field": "site", "detail": "There is no such site: correct it, or leave it out."}])


def _today_of(catalogue: Catalogue) -> Callable[[], date]:
    zone = catalogue.default_site.zone
    return lambda: utc_now().astimezone(zone).date()
