"""The read side of the permanences: the plan, with the places that are taken and what is called off."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from services.referral.keeping import BOOKINGS, CANCELLATIONS
from services.referral.permanences.places import cancellation_stream
from services.referral.permanences.planner import Door, Planned, coming, doors, planned
from services.referral.permanences.week import Week, days_of_week, week_of
from services.referral.routing import Wanted
from shared.catalogue import Catalogue, Opening
from shared.database import Database
from shared.events.referral import PermanenceCancelled
from shared.log import Log


class Occupancy(NamedTuple):
    """Permanence id -> numbers of the places taken; and the ids of what was called off."""

    taken: dict[str, set[int]]
    cancelled: frozenset[str]


async def occupancy(database: Database, openings: Iterable[Opening]) -> Occupancy:
    """How these openings stand, all read at one moment."""
    ids = [opening.permanence_id for opening in openings]

    def read(connection: Connection) -> Occupancy:
        taken: dict[str, set[int]] = {}
        places = select(BOOKINGS.c.permanence_id, BOOKINGS.c.place).where(BOOKINGS.c.permanence_id.in_(ids))
        for permanence_id, place in connection.execute(places):
            taken.setdefault(permanence_id, set()).add(place)
        off = select(CANCELLATIONS.c.permanence_id).where(CANCELLATIONS.c.permanence_id.in_(ids))
        return Occupancy(taken, frozenset(connection.execute(off).scalars()))

    return await database.read(read) if ids else Occupancy({}, frozenset())


async def permanences(
    database: Database, catalogue: Catalogue, site: str, first: date, last: date, partner: str | None = None
) -> list[Planned]:
    """The permanences of a site from the first day to the last, both included, by time; of one partner, if named."""
    openings = [one for one in catalogue.openings(site, first, last) if partner in (None, one.partner)]
    return planned(catalogue, openings, *await occupancy(database, openings))


async def put_back(log: Log, permanence_id: str) -> list[str]:
    """The referrals that had a place of a permanence that was called off, by place."""
    told = [each.event for each in await log.read(cancellation_stream(permanence_id))]
    return [one for event in told if isinstance(event, PermanenceCancelled) for one in event.put_back]


async def week(database: Database, catalogue: Catalogue, site: str, day: date) -> Week:
    """The week of a site that holds the day."""
    held = await permanences(database, catalogue, site, *days_of_week(day))
    return week_of(catalogue.site(site), day, held)


async def who_is_there(database: Database, catalogue: Catalogue, wanted: Wanted, at: datetime) -> tuple[Door, ...]:
    """Who may answer a request, and where each can be met: see `planner.doors`."""
    taken, cancelled = await occupancy(database, coming(catalogue, wanted, at))
    return doors(catalogue, wanted, at, taken, cancelled)
