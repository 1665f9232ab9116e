"""Whom the desk proposes for a request, and where and when: the catalogue's rule and plan, without counting places.

It answers as referral's routing does; a test holds the two to that. Whoever is called off that day is not known here.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from shared.catalogue import Catalogue, Partner, Site

SOON_DAYS = 7
"""Who comes later than that, or nobody knows when, stands in the order of the rule."""


class Proposal(NamedTuple):
    """A partner, and where it can be met: `now`, or from `start` to `end` (aware, in the site's zone).

    No `start`: nobody knows when. No `office`: in the building while the doors are open, or outside.
    """

    partner: str
    name: str
    now: bool = False
    office: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def proposals(catalogue: Catalogue, site: str, category: str, topic: str | None, at: datetime) -> list[Proposal]:
    """Each partner that may have the request by its rule, who can be met soonest first.

    Empty: the house's own staff, or nobody.
    """
    rule = None if catalogue.category(category).on_the_spot else catalogue.rule_for(category, topic)
    if rule is None:
        return []
    house = catalogue.site(site)
    day = at.astimezone(house.zone).date()
    named = [catalogue.partner(code) for code in rule.partners]
    answering = [one for one in named if catalogue.answers(one, category, topic) and one.active_on(day)]
    found = [proposal(catalogue, house, partner, at) for partner in answering]
    # Sorting keeps the rule's order among those who come at equal distance.
    return sorted(found, key=lambda one: max(one.start, at).timestamp() if one.start else float("inf"))


def at_once(catalogue: Catalogue, category: str, topic: str | None) -> bool:
    """Whether every partner of the rule gets the request, not only the first."""
    rule = catalogue.rule_for(category, topic)
    return rule is not None and rule.several


def proposal(catalogue: Catalogue, site: Site, partner: Partner, at: datetime) -> Proposal:
    """Where this partner can be met first, from that moment on."""
    opening = catalogue.next_opening(partner.code, site.code, at, SOON_DAYS)
    there = next(_open_doors(site, at), None) if partner.reached == "on_site" else None
    if there is not None and (opening is None or max(there[0], at) < max(opening.start, at)):
        return Proposal(partner.code, partner.name, there[0] <= at, None, *there)
    if opening is None:
        return Proposal(partner.code, partner.name)
    return Proposal(partner.code, partner.name, opening.start <= at, opening.office, opening.start, opening.end)


def _open_doors(site: Site, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    today: date = at.astimezone(site.zone).date()
    for n in range(SOON_DAYS + 1):
        day = today + timedelta(days=n)
        for interval in site.open_intervals(day):
            end = datetime.combine(day, interval.end, site.zone)
            if end > at:
                yield datetime.combine(day, interval.start, site.zone), end
