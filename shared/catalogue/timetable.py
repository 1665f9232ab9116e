"""The weekly schedule: inside the opening hours, in rooms that exist, one partner in a room at a time."""

from collections.abc import Iterator

from shared.catalogue.draft import Draft, Finding
from shared.catalogue.parts import Partner, Permanence
from shared.catalogue.site import Site


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
        if not _within_hours(held, site):
            what = f'{_named(held)} on {held.weekday} is outside the opening hours of "{site.code}"'
            yield Finding(path, what)
    yield from _conflicts(draft)
    for place, partner in draft.partners.items():
        yield from _reached(draft, place, partner)


def _within_hours(held: Permanence, site: Site) -> bool:
    return any(door.start <= held.start and held.end <= door.end for door in site.hours.on(held.weekday))


def _conflicts(draft: Draft) -> Iterator[Finding]:
    names = {partner.code: partner.name for partner in draft.partners.values()}
    seen: list[tuple[int, Permanence]] = []
    for place, held in draft.permanences.items():
        for earlier, other in seen:
            if _in_the_way(held, other):
                line = draft.lines.of(("schedule", "permanences", earlier))
                yield Finding(
                    ("schedule", "permanences", place),
                    f'office "{held.office}" cannot hold {_named(held, names)} on {held.weekday}:'
                    f" line {line} gives it to {_named(other, names)}",
                )
        seen.append((place, held))


def _in_the_way(one: Permanence, other: Permanence) -> bool:
    same_room = (one.site, one.office, one.weekday) == (other.site, other.office, other.weekday)
    same_weeks = "every" in (one.weeks, other.weeks) or one.weeks == other.weeks
    return same_room and same_weeks and one.start < other.end and other.start < one.end


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
