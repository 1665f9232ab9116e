"""The plan: inside the opening hours, in rooms that exist, one partner in a room at a time."""

from collections.abc import Iterator
from datetime import date, time
from itertools import combinations

from shared.catalogue.draft import Draft, Finding
from shared.catalogue.part import WEEKDAYS, Weekday
from shared.catalogue.parts import Partner
from shared.catalogue.schedule import Permanence
from shared.catalogue.site import Site

# After so many years the calendar begins again, weekdays, leap years and numbers of weeks alike: what falls on no
# common day in them never does, for whatever comes again each week, month or year.
_YEARS = 28
_FIRST_YEAR = 2000


def timetable(draft: Draft) -> Iterator[Finding]:
    """Unknown offices, closed doors, permanences in each other's way, partners not reached as is said."""
    sites = {site.code: site for site in draft.sites.values()}
    for place, held in draft.permanences.items():
        path = ("schedule", "permanences", place)
        site = sites.get(held.site)
        if site is None:
            continue
        if held.office not in {office.code for office in site.offices}:
            yield Finding((*path, "office"), f'site "{site.code}" has no office "{held.office}"')
        weekdays = _weekdays(held)
        if not weekdays:
            yield Finding(path, f"falls on no day up to its last, {held.last}")
        outside = next((weekday for weekday in weekdays if not _within_hours(held, site, weekday)), None)
        if outside is not None:
            what = f'{_named(held)} on {outside} is outside the opening hours of "{site.code}"'
            yield Finding(path, what)
    yield from _conflicts(draft)
    for place, partner in draft.partners.items():
        yield from _reached(draft, place, partner)


def _weekdays(held: Permanence) -> list[Weekday]:
    """Those it is ever held on."""
    if held.weekday is not None and held.last is None:
        return [held.weekday]
    found = {day.weekday() for year in _years(held) for day in held.days_of(year)}
    return [WEEKDAYS[number] for number in sorted(found)]


def _within_hours(held: Permanence, site: Site, weekday: Weekday) -> bool:
    return any(door.start <= held.start and held.end <= door.end for door in site.hours.on(weekday))


def _conflicts(draft: Draft) -> Iterator[Finding]:
    names = {partner.code: partner.name for partner in draft.partners.values()}
    # A day that does not go by the plan is looked at as it is instead.
    unplanned = {(one.site, one.office, one.day, one.start) for one in draft.exceptions.values() if one.kind != "extra"}
    for (earlier, other), (place, held) in combinations(draft.permanences.items(), 2):
        if (when := _in_the_way(held, other, unplanned)) is not None:
            line = draft.lines.of(("schedule", "permanences", earlier))
            yield Finding(
                ("schedule", "permanences", place),
                f'office "{held.office}" cannot hold {_named(held, names)} on {when}:'
                f" line {line} gives it to {_named(other, names)}",
            )


def _in_the_way(one: Permanence, other: Permanence, unplanned: set[tuple[str, str, date, time]]) -> str | None:
    """The weekday, or the first day, on which both hold one room at one time; None if they never do."""
    if (one.site, one.office) != (other.site, other.office) or one.end <= other.start or other.end <= one.start:
        return None
    if one.recurrence is None and other.recurrence is None:
        if one.weekday != other.weekday or {one.weeks, other.weeks} == {"even", "odd"}:
            return None
        if not (one.first or one.last or other.first or other.last):
            return one.weekday
    for year in _years(one, other):
        for day in sorted({*one.days_of(year)} & {*other.days_of(year)}):
            slots = {(held.site, held.office, day, held.start) for held in (one, other)}
            # Two that begin together bear one name: what an exception says of one of them, it says of both.
            if len(slots) == 1 or not slots & unplanned:
                return day.isoformat()
    return None


def _years(*held: Permanence) -> range:
    firsts = [one.first.year for one in held if one.first is not None]
    lasts = [one.last.year for one in held if one.last is not None]
    start = max(firsts) if firsts else min(lasts) - _YEARS + 1 if lasts else _FIRST_YEAR
    return range(start, min([*lasts, start + _YEARS - 1]) + 1)


def _named(held: Permanence, names: dict[str, str] | None = None) -> str:
    name = (names or {}).get(held.partner)
    who = f"{held.partner} ({name})" if name else held.partner
    return f"{who} from {held.start:%H:%M} to {held.end:%H:%M}"


def _reached(draft: Draft, place: int, partner: Partner) -> Iterator[Finding]:
    if draft.holders is None:
        return
    holds = partner.code in draft.holders
    path = ("partners", place, "reached")
    if partner.reached == "permanence" and not holds:
        yield Finding(path, f"{partner.code} is reached by permanence and holds none")
    if partner.reached == "outside" and holds:
        yield Finding(path, f"{partner.code} is reached outside and holds a permanence")
