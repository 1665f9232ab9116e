"""The HTTP edge of the permanences: the plan as it stands, who is in the building, and calendars to subscribe to."""

import asyncio
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Response
from pydantic import BaseModel

from services.referral.permanences import occupancy
from services.referral.permanences.feeds import COMING_WEEKS, MEDIA_TYPE, PAST_WEEKS, Feed, is_known, tag_of, text_of
from services.referral.permanences.planner import Door, Planned
from services.referral.routing import Wanted
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.web.app import problems
from shared.web.parameters import Day, Moment
from shared.web.problems import FieldError, Problem, invalid, not_found

PERMANENCE_DAYS_MAX = 92
_YEARS = range(1900, 3000)


class PermanenceStatus(StrEnum):
    """Whether it takes place."""

    PLANNED = "planned"
    CANCELLED = "cancelled"


class PermanenceView(BaseModel):
    """A dated opening of a partner in an office, and how many of its places are left."""

    permanence_id: str
    site: str
    office: str
    partner: str
    start: str
    end: str
    places: int
    places_left: int
    status: PermanenceStatus


class DoorView(BaseModel):
    """Where a partner can be met: now, or from `start` on.

    `start` null = nobody knows when. `office` null = in the building while the doors are open, without places.
    """

    partner: str
    name: str
    office: str | None
    now: bool
    start: str | None
    end: str | None
    places_left: int | None
    permanence_id: str | None


class CalendarResponse(Response):
    """An iCalendar text."""

    media_type = MEDIA_TYPE


_FEED: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
    304: {"description": "Unchanged since the ETag that was sent"},
    **problems(404, 422),
}
_IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="The ETag of the text at hand")]


def add_permanence_routes(app: FastAPI, catalogue: Catalogue, database: Database) -> None:
    """Add who is where when, as JSON and as calendars."""
    _add_plan(app, catalogue, database)
    _add_doors(app, catalogue, database)
    _add_feeds(app, catalogue, database)


def _add_plan(app: FastAPI, catalogue: Catalogue, database: Database) -> None:
    @app.get("/permanences", tags=["partners"], summary="Who is in the building when", responses=problems(422))
    async def permanences(
        site: Annotated[str | None, _one_of(catalogue.sites_by_code)] = None,
        from_: Annotated[Day | None, Query(alias="from")] = None,
        to: Day | None = None,
        partner: Annotated[str | None, _one_of(catalogue.partners_by_code)] = None,
    ) -> list[PermanenceView]:
        code = catalogue.default_site.code if site is None else site
        _known(site=(code, catalogue.sites_by_code), partner=(partner, catalogue.partners_by_code))
        first = from_ or _today(catalogue, code)
        last = to or first + timedelta(days=6)
        if not 0 <= (last - first).days < PERMANENCE_DAYS_MAX:
            raise _range_problem()
        found = await occupancy.permanences(database, catalogue, code, first, last, partner)
        return [_permanence(one) for one in found]


def _add_doors(app: FastAPI, catalogue: Catalogue, database: Database) -> None:
    @app.get("/doors", tags=["partners"], summary="Whom a request could go to, and where now", responses=problems(422))
    async def doors(
        category: Annotated[str, _one_of(catalogue.categories_by_code)],
        topic: Annotated[str | None, _one_of(catalogue.topics_by_code)] = None,
        site: Annotated[str | None, _one_of(catalogue.sites_by_code)] = None,
        partner: Annotated[str | None, _one_of(catalogue.partners_by_code, description="Who is wished for")] = None,
        at: Annotated[Moment | None, Query(description="The moment meant; left out, now")] = None,
    ) -> list[DoorView]:
        code = catalogue.default_site.code if site is None else site
        _known(
            site=(code, catalogue.sites_by_code),
            category=(category, catalogue.categories_by_code),
            topic=(topic, catalogue.topics_by_code),
            partner=(partner, catalogue.partners_by_code),
        )
        moment = utc_now() if at is None else at
        if moment.year not in _YEARS:
            detail = f"Send a moment of the years {_YEARS.start} to {_YEARS.stop - 1}."
            raise invalid([{"field": "at", "detail": detail}])
        wanted = Wanted(code, category, topic, partner)
        return [_door(one) for one in await occupancy.who_is_there(database, catalogue, wanted, moment)]


def _add_feeds(app: FastAPI, catalogue: Catalogue, database: Database) -> None:
    async def feed_of(name: str, sites: list[str], office: str | None, partner: str | None) -> Feed:
        held: list[Planned] = []
        for site in sites:
            today = _today(catalogue, site)
            first, last = today - timedelta(weeks=PAST_WEEKS), today + timedelta(weeks=COMING_WEEKS)
            found = await occupancy.permanences(database, catalogue, site, first, last, partner)
            held += [one for one in found if office in (None, one.opening.office)]
        # By the day: a text that says the same is the same text until tomorrow, and need not be sent again.
        stamp = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
        return Feed(name, tuple(held), catalogue, stamp)

    @app.get(
        "/permanences/office/{site}/{office}.ics",
        tags=["partners"],
        summary="An office's permanences as a calendar to subscribe to",
        response_class=CalendarResponse,
        responses=_FEED,
    )
    async def office_feed(site: str, office: str, if_none_match: _IfNoneMatch = None) -> Response:
        found = catalogue.sites_by_code.get(site)
        room = next((one for one in found.offices if one.code == office), None) if found else None
        if found is None or room is None:
            raise not_found("calendar")
        return await _answer(await feed_of(f"{room.name}, {found.name}", [site], office, None), if_none_match)

    @app.get(
        "/permanences/partner/{code}.ics",
        tags=["partners"],
        summary="A partner's permanences as a calendar to subscribe to",
        response_class=CalendarResponse,
        responses=_FEED,
    )
    async def partner_feed(code: str, if_none_match: _IfNoneMatch = None) -> Response:
        partner = catalogue.partners_by_code.get(code)
        if partner is None:
            raise not_found("calendar")
        return await _answer(await feed_of(partner.name, [*catalogue.sites_by_code], None, code), if_none_match)


async def _answer(found: Feed, if_none_match: str | None) -> Response:
    # A calendar is kept by whoever subscribes to it, and asked about again each time.
    tag = tag_of(found)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if is_known(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    # Long enough to be felt by the live queues, if it were done between their events.
    return CalendarResponse(await asyncio.to_thread(text_of, found), headers=headers)


def _permanence(one: Planned) -> PermanenceView:
    opening = one.opening
    return PermanenceView(
        permanence_id=opening.permanence_id,
        site=opening.site,
        office=opening.office,
        partner=opening.partner,
        start=opening.start.isoformat(),
        end=opening.end.isoformat(),
        places=opening.places,
        places_left=one.places_left,
        status=PermanenceStatus.CANCELLED if one.is_cancelled else PermanenceStatus.PLANNED,
    )


def _door(door: Door) -> DoorView:
    def said(moment: datetime | None) -> str | None:
        return None if moment is None else moment.isoformat()

    return DoorView(
        partner=door.partner,
        name=door.name,
        office=door.office,
        now=door.now,
        start=said(door.start),
        end=said(door.end),
        places_left=door.places_left,
        permanence_id=door.permanence_id,
    )


def _one_of(codes: Any, description: str | None = None) -> Any:
    return Query(description=description, json_schema_extra={"enum": list(codes)})


def _known(**codes: tuple[str | None, Any]) -> None:
    """Refuse a code that the catalogue does not hold. Raises the 422 problem, with each of them."""
    errors: list[FieldError] = [
        {"field": field, "detail": f"There is no such {field}: correct it, or leave it out."}
        for field, (code, known) in codes.items()
        if code is not None and code not in known
    ]
    if errors:
        raise invalid(errors)


def _today(catalogue: Catalogue, site: str) -> date:
    return utc_now().astimezone(catalogue.site(site).zone).date()


def _range_problem() -> Problem:
    detail = f"Ask for 1 to {PERMANENCE_DAYS_MAX} days, `from` before `to`."
    return Problem(422, "invalid-fields", "Fields are not valid", detail, [{"field": "to", "detail": detail}])
