"""What can be read of referral over HTTP: partners, queues, referrals."""

from typing import Annotated

from fastapi import FastAPI, Header, Query, Response
from pydantic import BaseModel
from sse_starlette import EventSourceResponse

from services.referral import queries
from services.referral.live import LiveQueue
from services.referral.queries import QueuePage, ReferralView, told_to
from services.referral.words import Status
from shared.access.acting import acting
from shared.bus import position_of
from shared.catalogue import Catalogue
from shared.database import Database
from shared.events.referral import COORDINATOR
from shared.web.app import problems
from shared.web.problems import not_found
from shared.web.versions import etag

PAGE_MAX = 200
_Cursor = Annotated[str, Query(pattern=r"^[0-9]{1,15}(-0)?$", description="`next` of the page before")]


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
        after: _Cursor = "0-0",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
        status: Status | None = None,
    ) -> QueuePage:
        page = await queries.queue(database, known(partner), after, limit, status)
        return QueuePage(items=[told_to(acting(), item, catalogue) for item in page.items], next=page.next)

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
        # Asked now: what is streamed later is no longer within the request.
        reader = acting()

        def tell(view: ReferralView) -> ReferralView:
            return told_to(reader, view, catalogue)

        return EventSourceResponse(live.stream(known(partner), start, tell), ping=15)


def _add_referrals(app: FastAPI, catalogue: Catalogue, database: Database) -> None:
    @app.get("/referrals/{referral_id}", tags=["referrals"], summary="One referral", responses=problems(404))
    async def read(referral_id: str, response: Response) -> ReferralView:
        view = await queries.referral(database, referral_id)
        if view is None:
            raise not_found("referral")
        response.headers["ETag"] = etag(view.version)
        return told_to(acting(), view, catalogue)
