"""Days that do not go by the plan: each says something of the plan, and leaves one partner in a room at a time."""

from collections.abc import Iterator
from datetime import date, time
from itertools import combinations
from typing import NamedTuple

from shared.catalogue.draft import Draft, Finding
from shared.catalogue.lines import Path
from shared.catalogue.openings import Held, changed, extra, planned
from shared.catalogue.schedule import PermanenceException
from shared.catalogue.site import Site

_SECTION = ("schedule", "exceptions")


class _Placed(NamedTuple):
    """Who is in a room that day, and the part of the file that says so."""

    held: Held
    path: Path
    exception: PermanenceException | None


def unplanned(draft: Draft) -> Iterator[Finding]:
    """Exceptions to nothing, twice to the same, behind closed doors or in somebody's way."""
    sites = {site.code: site for site in draft.sites.values()}
    days: dict[tuple[str, date], dict[int, PermanenceException]] = {}
    for place, one in draft.exceptions.items():
        days.setdefault((one.site, one.day), {})[place] = one
    for (code, day), exceptions in days.items():
        site = sites.get(code)
        if site is None:
            continue
        if not site.open_intervals(day):
            what = f'the doors of "{code}" are closed on {day}: nothing is held, nothing can be'
            yield from (Finding((*_SECTION, place), what) for place in exceptions)
            continue
        yield from _same_twice(draft, exceptions)
        found = list(_placed(draft, code, day, exceptions))
        yield from (one for one in found if isinstance(one, Finding))
        there = [one for one in found if isinstance(one, _Placed)]
        yield from _possible(site, day, there)
        yield from _in_the_way(draft, day, there)


def _same_twice(draft: Draft, exceptions: dict[int, PermanenceException]) -> Iterator[Finding]:
    first: dict[object, int] = {}
    for place, one in exceptions.items():
        slot = (one.office, one.start, one.kind == "extra")
        if slot in first:
            line = draft.lines.of((*_SECTION, first[slot]))
            yield Finding((*_SECTION, place), f"says something else of what line {line} speaks of")
        first.setdefault(slot, place)


def _placed(
    draft: Draft, site: str, day: date, exceptions: dict[int, PermanenceException]
) -> Iterator[_Placed | Finding]:
    """That day's plan with its exceptions, and the exceptions to nothing."""
    by_slot = {(one.office, one.start): place for place, one in exceptions.items() if one.kind != "extra"}
    met: set[tuple[str, time]] = set()
    for place, permanence in draft.permanences.items():
        if permanence.site != site or not permanence.held_on(day):
            continue
        at = by_slot.get((permanence.office, permanence.start))
        if at is None:
            yield _Placed(planned(permanence, day), ("schedule", "permanences", place), None)
            continue
        met.add((permanence.office, permanence.start))
        held = changed(planned(permanence, day), exceptions[at])
        if held is not None:
            yield _Placed(held, (*_SECTION, at), exceptions[at])
    for place, one in exceptions.items():
        if one.kind == "extra":
            yield _Placed(extra(one), (*_SECTION, place), one)
        elif (one.office, one.start) not in met and draft.is_plan_sound:
            what = f'the plan has nothing that begins in office "{one.office}" at {one.start:%H:%M} on {day}'
            yield Finding((*_SECTION, place), what)


def _possible(site: Site, day: date, there: list[_Placed]) -> Iterator[Finding]:
    offices = {office.code for office in site.offices}
    for held, path, exception in there:
        if exception is None:
            continue
        if held.office not in offices:
            key = "office" if exception.kind == "extra" else "new_office"
            yield Finding((*path, key), f'site "{site.code}" has no office "{held.office}"')
        if held.end <= held.start:
            yield Finding(path, f"ends at {held.end:%H:%M}, not after it starts at {held.start:%H:%M}")
        elif not any(door.start <= held.start and held.end <= door.end for door in site.open_intervals(day)):
            what = f'from {held.start:%H:%M} to {held.end:%H:%M} on {day} is outside the opening hours of "{site.code}"'
            yield Finding(path, what)


def _in_the_way(draft: Draft, day: date, there: list[_Placed]) -> Iterator[Finding]:
    names = {partner.code: f"{partner.code} ({partner.name})" for partner in draft.partners.values()}

    def named(held: Held) -> str:
        return f"{names.get(held.partner, held.partner)} from {held.start:%H:%M} to {held.end:%H:%M}"

    # The plan's own stand before the exceptions, so that of two the later one is the exception to mend.
    for one, other in combinations(sorted(there, key=lambda placed: placed.exception is not None), 2):
        apart = one.held.end <= other.held.start or other.held.end <= one.held.start
        if other.exception is None or one.held.office != other.held.office or apart:
            continue
        line = draft.lines.of(one.path)
        yield Finding(
            other.path,
            f'office "{other.held.office}" cannot hold {named(other.held)} on {day}:'
            f" line {line} gives it to {named(one.held)}",
        )
