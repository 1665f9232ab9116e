"""The HTTP edge of the waiting room."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from services.intake.waiting.arrivals import Headers, WaitingRooms
from services.intake.waiting.room import Arrival, ArrivalUnknown, Ended, NobodyWaits, Waiting, minutes_between
from shared.access.acting import acting_scope
from shared.catalogue import Catalogue
from shared.web.app import problems
from shared.web.body import form_contract, read_form
from shared.web.headers import IdempotencyKey, IfMatch
from shared.web.problems import Problem, invalid, not_found
from shared.web.versions import etag, expected_version

FIRST_VERSION = 1
_Move = Callable[[str, int, Headers], Awaitable[Arrival]]


class ArrivalNoted(BaseModel):
    """Somebody waits, by this number of the day (`ticket`)."""

    arrival_id: str
    site: str
    ticket: int
    arrived_at: str
    version: int
    position: int


class ArrivalView(BaseModel):
    """An arrival: `waiting`, `received`, `left`, or `void`: it never was.

    `waited_min` = whole minutes, so far or in the end.
    """

    arrival_id: str
    site: str
    ticket: int
    status: str
    arrived_at: str
    waited_min: int
    version: int


class RoomView(BaseModel):
    """A waiting room today: who waits, the longest first, and how many were received or left."""

    site: str
    day: str
    waiting: list[ArrivalView]
    received: int
    left: int


def view_of(arrival: Arrival, now: str) -> ArrivalView:
    """An arrival as it is told. `now` (RFC 3339): until when it has waited, if it still does."""
    came = arrival if isinstance(arrival, Waiting) else arrival.before
    match arrival:
        case Waiting():
            waited_min = minutes_between(came.arrived_at, now)
        case Ended():
            waited_min = arrival.waited_min
        case _:
            waited_min = 0
    return ArrivalView(
        arrival_id=came.arrival_id,
        site=came.site,
        ticket=came.ticket,
        status=arrival.status,
        arrived_at=came.arrived_at,
        waited_min=waited_min,
        version=arrival.version,
    )


@contextmanager
def refusals_told() -> Iterator[None]:
    """Whatever the rules of the room refuse leaves as a problem."""
    try:
        yield
    except ArrivalUnknown:
        raise not_found("arrival") from None
    except NobodyWaits as refusal:
        raise Problem(
            409, "wrong-state", "Nobody waits any more", "Note another arrival if somebody came back.",
            facts={"stands": refusal.status},
        ) from None  # fmt: skip


def add_waiting_routes(app: FastAPI, rooms: WaitingRooms, catalogue: Catalogue) -> None:
    """Add the routes."""
    form = _form(catalogue)
    _add_looking(app, rooms, catalogue)

    @app.post(
        "/arrivals",
        status_code=201,
        tags=["waiting room"],
        summary="Somebody came, and waits",
        responses=problems(400, 403, 409, 413, 415, 422, 507),
        openapi_extra=form_contract(form, optional=True),
    )
    async def note(request: Request, response: Response, _key: IdempotencyKey = None) -> ArrivalNoted:
        asked: Any = await read_form(request, form, optional=True)
        noted, was_there = await rooms.note(asked.site, dict(request.headers.raw))
        event = noted.event
        response.headers.update({"Location": f"/arrivals/{event.arrival_id}", "ETag": etag(FIRST_VERSION)})
        if was_there:
            response.headers["Idempotency-Replayed"] = "true"
        return ArrivalNoted(
            arrival_id=event.arrival_id,
            site=event.site,
            ticket=event.ticket,
            arrived_at=event.arrived_at,
            version=FIRST_VERSION,
            position=noted.position,
        )

    refused = problems(400, 403, 404, 409, 412, 428, 507)

    async def moved(
        move: _Move, request: Request, response: Response, arrival_id: str, if_match: str | None
    ) -> ArrivalView:
        expected = expected_version(if_match)
        with refusals_told():
            arrival = await move(arrival_id, expected, dict(request.headers.raw))
        return _told(response, rooms, arrival)

    @app.post(
        "/arrivals/{arrival_id}/undo",
        tags=["waiting room"],
        summary="The last move was a mistake: they wait again, or never came",
        responses=refused,
    )
    async def undo(
        request: Request, response: Response, arrival_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> ArrivalView:
        return await moved(rooms.undo, request, response, arrival_id, if_match)

    @app.post("/arrivals/{arrival_id}/received", tags=["waiting room"], summary="They are received", responses=refused)
    async def receive(
        request: Request, response: Response, arrival_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> ArrivalView:
        return await moved(rooms.receive, request, response, arrival_id, if_match)

    @app.post("/arrivals/{arrival_id}/left", tags=["waiting room"], summary="They are gone", responses=refused)
    async def let_go(
        request: Request, response: Response, arrival_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> ArrivalView:
        return await moved(rooms.let_go, request, response, arrival_id, if_match)


def _add_looking(app: FastAPI, rooms: WaitingRooms, catalogue: Catalogue) -> None:
    sites = {"enum": [site.code for site in catalogue.sites]}

    @app.get("/arrivals", tags=["waiting room"], summary="Who waits now", responses=problems(422))
    async def waiting(site: Annotated[str | None, Query(json_schema_extra=sites)] = None) -> RoomView:
        code = catalogue.default_site.code if site is None else site
        if code not in catalogue.sites_by_code:
            raise invalid([{"field": "site", "detail": "There is no such site: correct it, or leave it out."}])
        now, room = rooms.now(code), (await rooms.today(acting_scope(), code)).room
        return RoomView(
            site=code,
            day=now[:10],
            waiting=[view_of(arrival, now) for arrival in room.waiting()],
            received=room.count("received"),
            left=room.count("left"),
        )

    @app.get("/arrivals/{arrival_id}", tags=["waiting room"], summary="An arrival", responses=problems(404))
    async def look(response: Response, arrival_id: str) -> ArrivalView:
        with refusals_told():
            arrival = await rooms.arrival(acting_scope(), arrival_id)
        return _told(response, rooms, arrival)


def _told(response: Response, rooms: WaitingRooms, arrival: Arrival) -> ArrivalView:
    response.headers["ETag"] = etag(arrival.version)
    came = arrival if isinstance(arrival, Waiting) else arrival.before
    return view_of(arrival, rooms.now(came.site))


def _form(catalogue: Catalogue) -> type[BaseModel]:
    sites: Any = Literal[tuple(site.code for site in catalogue.sites)]
    return create_model(
        "ArrivalForm",
        __config__=ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True),
        site=(sites, Field(default=catalogue.default_site.code)),
    )
