"""What is printed and pinned up: the list of one permanence, and the week of the offices."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.referral import queries
from services.referral.desk import booked_at
from services.referral.handlers.referrals import By, Referrals
from services.referral.pages.desk import Queue, speaks_for_the_house
from services.referral.pages.rows import Row
from services.referral.permanences import occupancy
from services.referral.permanences.planner import Planned
from shared.access.acting import acting_scope, actor
from shared.catalogue import Site
from shared.clock import utc_now
from shared.log import Log
from shared.web.pages import Asked, Page, PageRouter
from shared.web.parameters import Day
from shared.web.problems import not_found

AHEAD_DAYS = 60
LISTED_MAX = 6
_SHEET_ROWS_MAX = 30
"""More would not fit on one sheet of paper."""


@dataclass(frozen=True)
class Place:
    """A place of a permanence, and whose it is."""

    number: int
    row: Row | None


class Cancel(BaseModel):
    """Which permanence does not take place."""

    model_config = ConfigDict(extra="forbid")

    permanence_id: Annotated[str, Field(max_length=160)]


def sheet_pages(queue: Queue, log: Log, referrals: Referrals) -> APIRouter:
    """The day list, from which a permanence is called off, and the week."""
    router = PageRouter()

    @router.get("/desks/{partner}/day")
    async def day(page: Asked, partner: str, permanence: str = "") -> Response:
        queue.partner(partner)
        ahead = await _ahead(queue, partner)
        found = _chosen(ahead, permanence) if permanence else _next(ahead)
        places = await _places(queue, page, found) if found else []
        return page.render(
            "desk_day.html",
            partner=queue.partner(partner),
            ahead=ahead[:LISTED_MAX],
            permanence=found,
            office=_office(queue, found) if found else "",
            places=places,
            coming=sum(place.row is not None for place in places),
            put_back=await _put_back(queue, log, page, found) if found and found.is_cancelled else [],
            may_cancel=speaks_for_the_house(),
        )

    @router.post("/desks/{partner}/day/cancel")
    async def cancel(page: Asked, partner: str) -> Response:
        form = await page.form(Cancel)
        found = _chosen(await _ahead(queue, queue.partner(partner).code), form.permanence_id)
        await referrals.cancel_permanence(found.opening, By(actor() or "house"))
        return page.redirect(f"/desks/{partner}/day?permanence={form.permanence_id}")

    @router.get("/week")
    async def week(page: Asked, site: str = "", day: Day | None = None) -> Response:
        known = queue.catalogue.sites_by_code.get(site) if site else queue.catalogue.default_site
        if known is None:
            raise not_found("site")
        today = _today(known)
        found = await occupancy.week(queue.database, queue.catalogue, known.code, day or today)
        held = [one.opening for day in found.days for office in day.offices for one in office.held]
        # The lists are the house's to open; a partner has the way to its own on its desk.
        ahead = {one.permanence_id for one in held if one.end > utc_now()} if speaks_for_the_house() else set[str]()
        return page.render("week.html", week=found, today=today, sites=queue.catalogue.sites, ahead=ahead)

    return router


async def _ahead(queue: Queue, partner: str) -> list[Planned]:
    """The partner's permanences to come, the one that is held now first."""
    found: list[Planned] = []
    for site in queue.catalogue.sites:
        today = _today(site)
        last = today + timedelta(days=AHEAD_DAYS)
        held = await occupancy.permanences(queue.database, queue.catalogue, site.code, today, last, partner)
        found += [one for one in held if one.opening.end > utc_now()]
    return sorted(found, key=lambda one: one.opening.start)


def _next(ahead: list[Planned]) -> Planned | None:
    """The next one that takes place."""
    return next((one for one in ahead if not one.is_cancelled), None)


def _chosen(ahead: list[Planned], permanence_id: str) -> Planned:
    """Raises the 404 problem for one that is not to come."""
    found = next((one for one in ahead if one.opening.permanence_id == permanence_id), None)
    if found is None:
        raise not_found("permanence")
    return found


async def _places(queue: Queue, page: Page, permanence: Planned) -> list[Place]:
    taken = await booked_at(queue.database, acting_scope(), permanence.opening.permanence_id)
    rows = queue.rows(page, acting_scope())
    numbers = sorted({*range(1, permanence.opening.places + 1), *taken})[:_SHEET_ROWS_MAX]
    return [Place(number, rows.row(taken[number]) if number in taken else None) for number in numbers]


async def _put_back(queue: Queue, log: Log, page: Page, permanence: Planned) -> list[Row]:
    """Those who would have come, as they stand now."""
    ids = await occupancy.put_back(log, permanence.opening.permanence_id)
    views, rows = await queries.referrals(queue.database, acting_scope(), set(ids)), queue.rows(page, acting_scope())
    return [rows.row(views[one]) for one in ids if one in views]


def _office(queue: Queue, permanence: Planned) -> str:
    offices = queue.catalogue.site(permanence.opening.site).offices
    return next((office.name for office in offices if office.code == permanence.opening.office), "")


def _today(site: Site) -> date:
    now: datetime = utc_now()
    return now.astimezone(site.zone).date()
