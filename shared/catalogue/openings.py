"""Weekly permanences turned into dated openings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.catalogue.parts import Partner, Permanence
from shared.catalogue.site import Site


@dataclass(frozen=True, slots=True)
class Opening:
    """One partner in one office, from `start` to `end` (aware, in the site's zone), with so many places."""

    start: datetime
    end: datetime
    site: str
    office: str
    partner: str
    places: int


def openings_of_day(
    site: Site, permanences: Iterable[Permanence], partners: Mapping[str, Partner], day: date
) -> tuple[Opening, ...]:
    """Of the site's permanences those held that day, by time and office.

    None while the doors are closed, so none on a public holiday; none of a partner not yet active.
    """
    if not site.open_intervals(day):
        return ()
    held = [one for one in permanences if one.held_on(day) and partners[one.partner].active_on(day)]
    held.sort(key=lambda one: (one.start, one.office))
    return tuple(_dated(site, one, day) for one in held)


def _dated(site: Site, permanence: Permanence, day: date) -> Opening:
    return Opening(
        start=datetime.combine(day, permanence.start, site.zone),
        end=datetime.combine(day, permanence.end, site.zone),
        site=site.code,
        office=permanence.office,
        partner=permanence.partner,
        places=permanence.places,
    )
