"""The plan turned into dated openings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from shared.catalogue.parts import Partner
from shared.catalogue.schedule import Permanence, PermanenceException
from shared.catalogue.site import Site


@dataclass(frozen=True, slots=True)
class Opening:
    """One partner in one office, from `start` to `end` (aware, in the site's zone), with so many places.

    `permanence_id` names it for good, in addresses too: the site, and the office and hour that the plan has for it.
    """

    start: datetime
    end: datetime
    site: str
    office: str
    partner: str
    places: int
    permanence_id: str


@dataclass(frozen=True, slots=True)
class Held:
    """A permanence on one day, by the site's clock."""

    office: str
    partner: str
    start: time
    end: time
    places: int
    permanence_id: str


def openings_of_day(
    site: Site,
    permanences: Iterable[Permanence],
    exceptions: Iterable[PermanenceException],
    partners: Mapping[str, Partner],
    day: date,
) -> tuple[Opening, ...]:
    """Of the site's permanences those held that day, by time and office. `exceptions`: those of site and day.

    None while the doors are closed, so none on a public holiday; none of a partner not yet active.
    """
    if not site.open_intervals(day):
        return ()
    by_slot = {(one.office, one.start): one for one in exceptions if one.kind != "extra"}
    found: list[Held | None] = [extra(one) for one in exceptions if one.kind == "extra"]
    for one in permanences:
        if one.held_on(day):
            other = by_slot.get((one.office, one.start))
            found.append(planned(one, day) if other is None else changed(planned(one, day), other))
    held = [one for one in found if one is not None and partners[one.partner].active_on(day)]
    held.sort(key=lambda one: (one.start, one.office))
    return tuple(_dated(site, one, day) for one in held)


def planned(permanence: Permanence, day: date) -> Held:
    """As the plan has it."""
    return Held(
        office=permanence.office,
        partner=permanence.partner,
        start=permanence.start,
        end=permanence.end,
        places=permanence.places,
        permanence_id=_id(permanence.site, permanence.office, day, permanence.start),
    )


def changed(held: Held, exception: PermanenceException) -> Held | None:
    """As it is instead; None when it does not take place. It keeps its id: people may have a place."""
    if exception.kind == "cancelled":
        return None
    return replace(
        held,
        office=exception.new_office or held.office,
        start=held.start if exception.new_start is None else exception.new_start,
        end=held.end if exception.new_end is None else exception.new_end,
        places=exception.new_places or held.places,
    )


def extra(exception: PermanenceException) -> Held:
    """What no plan has. Its id has an end of its own, as it may stand where the plan had somebody else."""
    if exception.partner is None or exception.end is None or exception.places is None:
        raise ValueError("not an extra permanence")
    return Held(
        office=exception.office,
        partner=exception.partner,
        start=exception.start,
        end=exception.end,
        places=exception.places,
        permanence_id=_id(exception.site, exception.office, exception.day, exception.start) + "x",
    )


def day_of(permanence_id: str) -> tuple[str, date] | None:
    """The site and the day that an id names; None when it is no such id. Both may be unknown to a catalogue."""
    site, _, rest = permanence_id.partition("_")
    try:
        return site, datetime.strptime(rest.rpartition("_")[2][:8], "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        return None


def _id(site: str, office: str, day: date, start: time) -> str:
    return f"{site}_{office}_{day:%Y%m%d}T{start:%H%M}"


def _dated(site: Site, held: Held, day: date) -> Opening:
    return Opening(
        start=datetime.combine(day, held.start, site.zone),
        end=datetime.combine(day, held.end, site.zone),
        site=site.code,
        office=held.office,
        partner=held.partner,
        places=held.places,
        permanence_id=held.permanence_id,
    )
