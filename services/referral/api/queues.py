"""What can be read of referral over HTTP: partners, queues, referrals."""

from typing import Annotated

from fastapi import FastAPI, Header, Query, Response
from pydantic import BaseModel
from sse_starlette import EventSourceResponse

from services.referral import queries
from services.referral.live import LiveQueue
from services.referral.queries import QueuePage, ReferralView, cursor, told_to
from services.referral.words import Status
from shared.access.acting import acting_scope
from shared.catalogue import Catalogue
from shared.database import Database
from shared.events.referral import COORDINATOR
from shared.web.app import problems
from shared.web.cursors import BEGINNING, CURSOR_MAX
from shared.web.problems import not_found
from shared.web.versions import etag

PAGE_MAX = 200
_Cursor = Annotated[str, Query(max_length=CURSOR_MAX, description="`next` of the page before, or the id of an event")]


class PartnerView(BaseModel):
    """An organisation that answers requests."""

    code: str
    name: str
    categories: list[str]
    reached: str


def add_routes(app: FastAPI, catalogue: Catalogue, database: Database, live: LiveQueue) -> None:
    """Add what partners and desks can read."""
    _add_catalogue(app, catalogue)
    _add_queues(app, catalogue, database, live)
    _add_referrals(app, catalogue, database)


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
        after: _Cursor = BEGINNING,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
        status: Status | None = None,
    ) -> QueuePage:
        scope, start = acting_scope(), cursor(live.place(known(partner), after))
        page = await queries.queue(database, scope, partner, start, limit, status)
        goes_on = live.cursor(partner, page.items[-1].position) if page.next else None
        return QueuePage(items=[told_to(scope, item, catalogue) for item in page.items], next=goes_on)

    @app.get(
        "/queues/{partner}/stream",
        tags=["queues"],
        summary="The queue as it happens; Last-Event-ID resumes without loss or repeat",
        response_class=EventSourceResponse,
        responses={200: {"content": {"text/event-stream": {}}}, **problems(404, 422)},
    )
    async def stream(
        partner: str,
        after: _Cursor = BEGINNING,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=CURSOR_MAX)] = None,
    ) -> EventSourceResponse:
        start = live.place(known(partner), after, last_event_id)
        # Taken now: what is streamed later is no longer within the request.
        scope = acting_scope()

        def tell(view: ReferralView) -> ReferralView:
            return told_to(scope, view, catalogue)

        return EventSourceResponse(live.stream(scope, partner, start, tell), ping=15)


def _add_referrals(app: FastAPI, catalogue: Catalogue, database: Database) -> None:
    @app.get("/referrals/{referral_id}", tags=["referrals"], summary="One referral", responses=problems(404))
    async def read(referral_id: str, response: Response) -> ReferralView:
        scope = acting_scope()
        view = await queries.referral(database, scope, referral_id)
        if view is None:
            raise not_found("referral")
        response.headers["ETag"] = etag(view.version)
        return told_to(scope, view, catalogue)
