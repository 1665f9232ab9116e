"""Who can be met where and when: pure functions of the plan, the places taken, and what is called off."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.referral.routing import SOON_DAYS, Wanted, partners_for
from shared.catalogue import Catalogue, Opening, Partner, Site

HORIZON_DAYS = 60
"""How far ahead the next permanence is looked for: one that comes once a month and is full must not end the search."""

Taken = Mapping[str, Collection[int]]
"""Permanence id -> the numbers of the places that somebody has."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Planned:
    """A dated permanence as it stands: how many places are left, and whether it was called off."""

    opening: Opening
    name: str
    places_left: int
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class Door:
    """Where and when a partner can be met: `now`, or from `start` on.

    No `start`: nobody knows when. No `office`: it lives in the building, and is there while the doors are open;
    then there are no places to count either.
    """

    partner: str
    name: str
    now: bool = False
    office: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    places_left: int | None = None
    permanence_id: str | None = None


def free_place(opening: Opening, taken: Taken) -> int | None:
    """The lowest free place, from 1 on; None when all are taken."""
    return next(_free(opening, taken), None)


def places_left(opening: Opening, taken: Taken) -> int:
    """How many are free. Never below nothing, also where a change of the plan took away places that were taken."""
    return sum(1 for _ in _free(opening, taken))


def planned(
    catalogue: Catalogue, openings: Iterable[Opening], taken: Taken, cancelled: AbstractSet[str]
) -> list[Planned]:
    """These openings as they stand. Nobody is received at one that was called off: it has no place left."""
    return [
        Planned(
            opening=one,
            name=catalogue.partner(one.partner).name,
            places_left=0 if one.permanence_id in cancelled else places_left(one, taken),
            is_cancelled=one.permanence_id in cancelled,
        )
        for one in openings
    ]


def coming(catalogue: Catalogue, wanted: Wanted, at: datetime) -> list[Opening]:
    """The openings at which the request could be answered, from that moment to the horizon, by time."""
    site = catalogue.site(wanted.site)
    day = _day_at(site, at)
    codes = {partner.code for partner in partners_for(wanted, catalogue, day)}
    openings = catalogue.openings(site.code, day, day + HORIZON_DAYS * _DAY)
    return [one for one in openings if one.partner in codes and one.end > at]


def doors(
    catalogue: Catalogue, wanted: Wanted, at: datetime, taken: Taken, cancelled: AbstractSet[str]
) -> tuple[Door, ...]:
    """Each partner that may answer the request, with its soonest opening that has a place left.

    In the order of routing: the wish; then who can be met soonest; those who come at equal distance, later than
    in a week or nobody knows when, as their rule has them. Raises `UnknownCode` for a site that is not there.
    """
    site = catalogue.site(wanted.site)
    day = _day_at(site, at)
    partners = partners_for(wanted, catalogue, day)
    first: dict[str, Opening] = {}
    for opening in coming(catalogue, wanted, at):
        has_place = opening.permanence_id not in cancelled and free_place(opening, taken) is not None
        if has_place:
            first.setdefault(opening.partner, opening)
    found = [_door(site, partner, first.get(partner.code), at, taken) for partner in partners]
    soon = day + SOON_DAYS * _DAY

    def distance(door: Door) -> tuple[bool, float]:
        is_soon = door.start is not None and door.start.date() <= soon
        waits = max(door.start, at).timestamp() if door.start is not None and is_soon else float("inf")
        return door.partner != wanted.partner, waits

    return tuple(sorted(found, key=distance))


def _free(opening: Opening, taken: Taken) -> Iterator[int]:
    gone = taken.get(opening.permanence_id, ())
    return (place for place in range(1, opening.places + 1) if place not in gone)


def _door(site: Site, partner: Partner, opening: Opening | None, at: datetime, taken: Taken) -> Door:
    there = next(_open_doors(site, at), None) if partner.reached == "on_site" else None
    if there is not None and (opening is None or max(there[0], at) < max(opening.start, at)):
        start, end = there
        return Door(partner.code, partner.name, now=start <= at, start=start, end=end)
    if opening is None:
        return Door(partner.code, partner.name)
    return Door(
        partner=partner.code,
        name=partner.name,
        now=opening.start <= at,
        office=opening.office,
        start=opening.start,
        end=opening.end,
        places_left=places_left(opening, taken),
        permanence_id=opening.permanence_id,
    )


def _open_doors(site: Site, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    today = _day_at(site, at)
    for n in range(HORIZON_DAYS + 1):
        day = today + n * _DAY
        for interval in site.open_intervals(day):
            end = datetime.combine(day, interval.end, site.zone)
            if end > at:
                yield datetime.combine(day, interval.start, site.zone), end


def _day_at(site: Site, at: datetime) -> date:
    if at.tzinfo is None:
        raise ValueError("the moment has no time zone")
    return at.astimezone(site.zone).date()
