"""The waiting room on the desk's page: plain forms, and a stream that shows every desk what another one did."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, create_model
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from services.intake.plain_forms import UUID
from services.intake.today import Seen, Today
from services.intake.waiting.arrivals import Looked, WaitingRooms
from services.intake.waiting.room import ArrivalUnknown, NobodyWaits, Waiting, minutes_between
from shared.access.acting import acting_scope
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.ids import new_id
from shared.log import VersionConflict
from shared.web.idempotency import KEY_PATTERN
from shared.web.pages import Asked, Page, PageRouter, mark
from shared.web.pages.notices import Notice
from shared.web.problems import not_found

TOO_LATE, UNDONE, RECORDED = "waiting_too_late", "waiting_undone", "waiting_recorded"
UNDO_WORDS = {
    "waiting": mark("Annuler : n° %(ticket)s arrivé"),
    "received": mark("Annuler : n° %(ticket)s reçu"),
    "left": mark("Annuler : n° %(ticket)s parti"),
}
"""What the button says, by what the last move made of somebody."""
THEIRS = {
    "waiting": mark("Numéro %(ticket)s : cet accueil sera le sien."),
    "received": mark("Numéro %(ticket)s reçu : cet accueil est le sien."),
    "left": mark("Numéro %(ticket)s, noté comme parti : cet accueil est quand même le sien."),
    "void": mark("Numéro %(ticket)s, annulé : cet accueil est quand même le sien."),
}
"""What the form says of the one for whom a visit is to be recorded, by how they stand."""
RETRY_MS = 1_000
_PING_S = 15
_Site = Annotated[str, Query()]


class Row(NamedTuple):
    """Somebody who waits: a number, since when, how many whole minutes; the version to decide on."""

    arrival_id: str
    ticket: int
    since: datetime
    minutes: int
    version: int


class Undo(NamedTuple):
    """The last move, which may be a mistake: whom it was about, and what it made of them."""

    arrival_id: str
    ticket: int
    status: str
    version: int


class Named(NamedTuple):
    """For whom a visit is to be recorded, or was: a number, how they stand, and the visits that they have already."""

    arrival_id: str
    ticket: int
    status: str
    visits: tuple[Seen, ...]


class WaitingRoomPage:
    """What the page shows of the rooms of a house. `keys` = the letter of each of its buttons."""

    def __init__(self, rooms: WaitingRooms, today: Today, catalogue: Catalogue, keys: Mapping[str, str]) -> None:
        self.rooms, self._today, self.catalogue, self._keys = rooms, today, catalogue, keys

    async def facts(self, site: str) -> dict[str, Any]:
        """What the template is filled with."""
        scope = acting_scope()
        return await self._facts(scope, site, await self.rooms.today(scope, site))

    async def named(self, arrival_id: str | None, but: str | None = None) -> Named | None:
        """Somebody of a waiting room, with the visits that are theirs `but` this one; None for nobody."""
        if arrival_id is None:
            return None
        try:
            arrival = await self.rooms.arrival(acting_scope(), arrival_id)
        except ArrivalUnknown:
            return None
        came = arrival if isinstance(arrival, Waiting) else arrival.before
        visits = await self._today.recorded_for(acting_scope(), arrival_id)
        return Named(arrival_id, came.ticket, arrival.status, tuple(visit for visit in visits if visit.visit_id != but))

    async def told(self, page: Page, scope: Scope, site: str) -> AsyncIterator[ServerSentEvent]:
        """The list as it is, again whenever it has changed or a minute has passed for somebody."""
        yield ServerSentEvent(comment="the waiting room", retry=RETRY_MS)
        shown: Any = None
        async for looked in self.rooms.looks(scope, site):
            facts = await self._facts(scope, site, looked)
            standing = (facts["waiting"], facts["received"], facts["left"], facts["undo"])
            if standing != shown:
                yield ServerSentEvent(page.text("waiting.html", **facts), event="room")
                shown = standing

    async def _facts(self, scope: Scope, site: str, looked: Looked) -> dict[str, Any]:
        now, room = self.rooms.now(site), looked.room
        return {
            "undo": await self._undo(scope, looked),
            "undo_words": UNDO_WORDS,
            "waiting_site": site,
            "waiting": [_row(arrival, now) for arrival in room.waiting()],
            "received": room.count("received"),
            "left": room.count("left"),
            "waiting_keys": self._keys,
            "new_key": new_id,
        }

    async def is_recorded(self, arrival_id: str) -> bool:
        """Whether a visit was recorded for an arrival: then that visit is what is corrected or voided."""
        return bool(await self._today.recorded_for(acting_scope(), arrival_id))

    async def _undo(self, scope: Scope, looked: Looked) -> Undo | None:
        last = looked.last
        if last is None:
            return None
        came = last if isinstance(last, Waiting) else last.before
        if await self._today.recorded_for(scope, came.arrival_id):
            return None
        return Undo(came.arrival_id, came.ticket, last.status, last.version)


def _row(arrival: Waiting, now: str) -> Row:
    minutes = minutes_between(arrival.arrived_at, now)
    since = datetime.fromisoformat(arrival.arrived_at)
    return Row(arrival.arrival_id, arrival.ticket, since, minutes, arrival.version)


def waiting_router(shown: WaitingRoomPage) -> APIRouter:
    """`/desk/waiting`: somebody came, is received, is gone, or none of it; and the stream."""
    router, form = PageRouter(), _form(shown.catalogue)

    @router.post("/desk/waiting")
    async def move(page: Asked) -> Response:
        asked: Any = await page.form(form)
        headers = {b"idempotency-key": asked.key.encode()}
        back = f"/desk?site={asked.site}"
        try:
            if asked.action == "arrived":
                await shown.rooms.note(asked.site, headers)
            elif asked.action == "received":
                await shown.rooms.receive(asked.arrival or "", asked.version, headers)
                back += f"&arrival={asked.arrival}"
            elif asked.action == "undone":
                # The button of a page that is not of now: meanwhile another desk, or another window, has recorded them.
                if await shown.is_recorded(asked.arrival or ""):
                    return page.redirect(back, Notice(RECORDED))
                await shown.rooms.undo(asked.arrival or "", asked.version, headers)
                return page.redirect(back, Notice(UNDONE))
            else:
                await shown.rooms.let_go(asked.arrival or "", asked.version, headers)
        except (VersionConflict, NobodyWaits):
            return page.redirect(f"/desk?site={asked.site}", Notice(TOO_LATE))
        except ArrivalUnknown:
            raise not_found("arrival") from None
        return page.redirect(back)

    @router.get("/desk/waiting/stream")
    async def stream(page: Asked, site: _Site) -> Response:
        if site not in shown.catalogue.sites_by_code:
            raise not_found("site")
        # Taken now: what is streamed later is no longer within the request.
        return EventSourceResponse(shown.told(page, acting_scope(), site), ping=_PING_S)

    return router


def _form(catalogue: Catalogue) -> type[BaseModel]:
    sites: Any = Literal[tuple(site.code for site in catalogue.sites)]
    fields: dict[str, Any] = {
        "site": (sites, catalogue.default_site.code),
        "action": (Literal["arrived", "received", "left", "undone"], ...),
        "arrival": (str | None, Field(default=None, pattern=UUID)),
        "version": (int, Field(default=1, ge=1, le=9_999)),
        "key": (str, Field(pattern=KEY_PATTERN)),
    }
    return create_model("WaitingForm", __config__=ConfigDict(extra="forbid"), **fields)
