"""`GET /coordination`: how all queues stand, as JSON; a browser that asks for a page is shown the way to it."""

from typing import Annotated

from fastapi import FastAPI, Header
from starlette.responses import RedirectResponse

from services.referral import coordinating
from services.referral.coordinating import Coordination
from shared.access.acting import acting_scope
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database


def add_coordination_routes(app: FastAPI, catalogue: Catalogue, database: Database, page: str) -> None:
    """Add the route. `page`: the path that a browser is shown."""

    @app.get(
        "/coordination",
        tags=["coordination"],
        summary="How every queue stands, and what nobody answers; nothing about persons",
        response_model=Coordination,
        responses={303: {"description": "For whoever asks for text/html: the page"}},
    )
    async def coordination(
        accept: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> Coordination | RedirectResponse:
        if "text/html" in accept:
            return RedirectResponse(page, 303)
        return await coordinating.coordination(database, acting_scope(), catalogue, utc_now())
