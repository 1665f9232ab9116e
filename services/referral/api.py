"""The HTTP edge of referral: partners, permanences, queues, and what a partner answers."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import FastAPI, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sse_starlette import EventSourceResponse

from services.referral import queries
from services.referral.answers import Answers
from services.referral.commands import AcceptReferral, Command, CompleteReferral, DeclineReferral
from services.referral.decider import DeclineReason, Outcome, SaidBy, Status
from services.referral.live import LiveQueue
from services.referral.queries import QueuePage, ReferralView
from shared.bus import position_of
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.events.referral import COORDINATOR
from shared.web.app import problems
from shared.web.body import form_contract, read_form
from shared.web.idempotency import KEY_PATTERN
from shared.web.parameters import Day
from shared.web.problems import Problem, invalid, not_found
from shared.web.versions import ETAG_PATTERN, etag

PAGE_MAX = 200
PERMANENCE_DAYS_MAX = 92
_Cursor = Annotated[str, Query(pattern=r"^[0-9]{1,15}(-0)?$", description="`next` of the page before")]

_IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The version decided on, as read from ETag",
        json_schema_extra={"pattern": ETAG_PATTERN},
    ),
]
_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Sent again with the same key, it is carried out once",
        json_schema_extra={"pattern": KEY_PATTERN},
    ),
]


class Decline(BaseModel):
    """Why not, and who said so."""

    model_config = ConfigDict(extra="forbid")

    reason: DeclineReason
    said_by: SaidBy = SaidBy.PARTNER


class Complete(BaseModel):
    """What came of it."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome


class PartnerView(BaseModel):
    """An organisation that answers requests."""

    code: str
    name: str
    categories: list[str]
    reached: str


class PermanenceView(BaseModel):
    """A dated opening of a partner in an office."""

    site: str
    office: str
    partner: str
    start: str
    end: str
    places: int


def add_routes(app: FastAPI, catalogue: Catalogue, database: Database, answers: Answers, live: LiveQueue) -> None:
    """Add what partners and desks can ask for."""
    _add_catalogue(app, catalogue)
    _add_queues(app, catalogue, database, live)
    _add_answers(app, database, answers)


def _add_catalogue(app: FastAPI, catalogue: Catalogue) -> None:
    @app.get("/partners", tags=["partners"], summary="Who answers what")
    async def partners() -> list[PartnerView]:
        return [
            PartnerView(
                code=partner.code,
                name=partner.name,
                categories=list(partner.categories),
                reached=partner.reached,
            )
            for partner in catalogue.partners
        ]

    sites = {"enum": [site.code for site in catalogue.sites]}

    @app.get("/permanences", tags=["partners"], summary="Who is in the building when", responses=problems(404, 422))
    async def permanences(
        site: Annotated[str | None, Query(json_schema_extra=sites)] = None,
        from_: Annotated[Day | None, Query(alias="from")] = None,
        to: Day | None = None,
    ) -> list[PermanenceView]:
        code = catalogue.default_site.code if site is None else site
        if code not in catalogue.sites_by_code:
            raise invalid([{"field": "site", "detail": "There is no such site: correct it, or leave it out."}])
        first = from_ or _today(catalogue, code)
        last = to or first + timedelta(days=6)
        if not 0 <= (last - first).days < PERMANENCE_DAYS_MAX:
            raise _range_problem()
        return [
            PermanenceView(
                site=code,
                office=opening.office,
                partner=opening.partner,
                start=opening.start.isoformat(),
                end=opening.end.isoformat(),
                places=opening.places,
            )
            for opening in catalogue.openings(code, first, last)
        ]


def _add_queues(app: FastAPI, catalogue: Catalogue, database: Database, live: LiveQueue) -> None:
    def known(code: str) -> str:
        if code != COORDINATOR and code not in catalogue.partners_by_code:
            raise not_found("queue")
        return code

    @app.get(
        "/queues/{partner}",
        tags=["queues"],
        summary="A partner's queue, oldest first",
        responses=problems(404, 422),
    )
    async def queue(
        partner: str,
        after: _Cursor = "0-0",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
        status: Status | None = None,
    ) -> QueuePage:
        return await queries.queue(database, known(partner), after, limit, status)

    @app.get(
        "/queues/{partner}/stream",
        tags=["queues"],
        summary="The queue as it happens; Last-Event-ID resumes without loss or repeat",
        response_class=EventSourceResponse,
        responses={200: {"content": {"text/event-stream": {}}}, **problems(404, 422)},
    )
    async def stream(
        partner: str,
        after: _Cursor = "0-0",
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", pattern=r"^[0-9]{1,15}(-0)?$")] = None,
    ) -> EventSourceResponse:
        start = position_of(last_event_id or after)

        return EventSourceResponse(live.stream(known(partner), start), ping=15)


def _add_answers(app: FastAPI, database: Database, answers: Answers) -> None:
    refused = problems(400, 404, 409, 412, 413, 415, 422, 428, 507)

    async def carry_out(
        request: Request,
        response: Response,
        referral_id: str,
        move: str,
        command: Command,
        version: str | None,
    ) -> ReferralView:
        view = await answers.carry_out(referral_id, move, command, version, dict(request.headers.raw))
        response.headers["ETag"] = etag(view.version)
        return view

    @app.get("/referrals/{referral_id}", tags=["referrals"], summary="One referral", responses=problems(404))
    async def read(referral_id: str, response: Response) -> ReferralView:
        view = await queries.referral(database, referral_id)
        if view is None:
            raise not_found("referral")
        response.headers["ETag"] = etag(view.version)
        return view

    @app.post("/referrals/{referral_id}/accept", tags=["referrals"], summary="Take it on", responses=refused)
    async def accept(
        request: Request,
        response: Response,
        referral_id: str,
        if_match: _IfMatch = None,
        _key: _Key = None,
    ) -> ReferralView:
        return await carry_out(request, response, referral_id, "accept", AcceptReferral(), if_match)

    @app.post(
        "/referrals/{referral_id}/decline",
        tags=["referrals"],
        summary="Say no, and why",
        responses=refused,
        openapi_extra=form_contract(Decline),
    )
    async def decline(
        request: Request,
        response: Response,
        referral_id: str,
        if_match: _IfMatch = None,
        _key: _Key = None,
    ) -> ReferralView:
        form = await read_form(request, Decline)
        command = DeclineReferral(form.reason, form.said_by)
        return await carry_out(request, response, referral_id, "decline", command, if_match)

    @app.post(
        "/referrals/{referral_id}/complete",
        tags=["referrals"],
        summary="Say what came of it",
        responses=refused,
        openapi_extra=form_contract(Complete),
    )
    async def complete(
        request: Request,
        response: Response,
        referral_id: str,
        if_match: _IfMatch = None,
        _key: _Key = None,
    ) -> ReferralView:
        form = await read_form(request, Complete)
        return await carry_out(request, response, referral_id, "complete", CompleteReferral(form.outcome), if_match)


def _today(catalogue: Catalogue, site: str) -> date:
    return utc_now().astimezone(catalogue.site(site).zone).date()


def _range_problem() -> Problem:
    detail = f"Ask for 1 to {PERMANENCE_DAYS_MAX} days, `from` before `to`."
    return Problem(422, "invalid-fields", "Fields are not valid", detail, [{"field": "to", "detail": detail}])
