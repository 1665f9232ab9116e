"""What is printed and pinned up: the list of one permanence, and the week of the offices."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from services.referral import occupancy
from services.referral.desk import booked_at
from services.referral.pages.desk import Queue
from services.referral.pages.rows import Row
from services.referral.planner import Planned
from shared.catalogue import Site
from shared.clock import utc_now
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


def sheet_pages(queue: Queue) -> APIRouter:
    """The day list and the week."""
    router = PageRouter()

    @router.get("/desk/{partner}/day")
    async def day(page: Asked, partner: str, permanence: str = "") -> Response:
        queue.partner(partner)
        ahead = await _ahead(queue, partner)
        found = _chosen(ahead, permanence)
        return page.render(
            "desk_day.html",
            partner=queue.partner(partner),
            ahead=ahead[:LISTED_MAX],
            permanence=found,
            office=_office(queue, found) if found else "",
            places=await _places(queue, page, found) if found else [],
        )

    @router.get("/week")
    async def week(page: Asked, site: str = "", day: Day | None = None) -> Response:
        known = queue.catalogue.sites_by_code.get(site) if site else queue.catalogue.default_site
        if known is None:
            raise not_found("site")
        today = _today(known)
        found = await occupancy.week(queue.database, queue.catalogue, known.code, day or today)
        return page.render("week.html", week=found, today=today, sites=queue.catalogue.sites)

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


def _chosen(ahead: list[Planned], permanence_id: str) -> Planned | None:
    """Raises the 404 problem for one that is not to come; the next one that takes place where none was named."""
    if not permanence_id:
        return next((one for one in ahead if not one.is_cancelled), None)
    found = next((one for one in ahead if one.opening.permanence_id == permanence_id), None)
    if found is None:
        raise not_found("permanence")
    return found


async def _places(queue: Queue, page: Page, permanence: Planned) -> list[Place]:
    taken = await booked_at(queue.database, permanence.opening.permanence_id)
    rows = queue.rows(page)
    numbers = sorted({*range(1, permanence.opening.places + 1), *taken})[:_SHEET_ROWS_MAX]
    return [Place(number, rows.row(taken[number]) if number in taken else None) for number in numbers]


def _office(queue: Queue, permanence: Planned) -> str:
    offices = queue.catalogue.site(permanence.opening.site).offices
    return next((office.name for office in offices if office.code == permanence.opening.office), "")


def _today(site: Site) -> date:
    now: datetime = utc_now()
    return now.astimezone(site.zone).date()
