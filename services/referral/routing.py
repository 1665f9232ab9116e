"""Which partner a request goes to: a pure function of the request, the catalogue and the moment.

What the requests of one site, day, category and topic have in common is worked out once and remembered: a
timetable that says from which moment on which partner is the best. A request then costs a few look-ups.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple

from shared.catalogue import Catalogue, Category, Partner, Rule, Site, Topic

WISH = "wish"
ON_THE_SPOT = "on-the-spot"

# "Soon": today and the seven days after it.
SOON_DAYS = 7
_TIMETABLES_KEPT_MAX = 4096

Reason = Literal[
    "unknown_site",
    "unknown_category",
    "topic_of_another_category",
    "no_rule",
    "no_partner_for_topic",
    "no_active_partner",
    "no_partner_left",
]


class Wanted(NamedTuple):
    """A request that was not answered at the desk. `partner` is the wish of the visitor or of the worker."""

    site: str
    category: str
    topic: str | None = None
    partner: str | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """It goes to this partner, and to those `beside` it. `rule` is the id of the rule that fired, or `"wish"`."""

    partner: str
    rule: str
    catalogue_version: str
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HouseStaff:
    """The house's own staff answer such requests: no partner's queue takes it, it stays with the house."""

    reason: ClassVar[str] = "house_staff"

    catalogue_version: str
    rule: str = ON_THE_SPOT


@dataclass(frozen=True, slots=True)
class Unroutable:
    """Nobody in the catalogue answers it today. `rule` is the id of the rule that matched, if one did."""

    reason: Reason
    catalogue_version: str
    rule: str | None = None


Route = Routed | HouseStaff | Unroutable


def route(request: Wanted, catalogue: Catalogue, at: datetime) -> Route:
    """Where the request goes at that moment (aware). What has no door is `Unroutable`, with the reason."""
    if at.tzinfo is None:
        raise ValueError("the moment has no time zone")
    site = catalogue.sites_by_code.get(request.site)
    if site is None:
        return Unroutable("unknown_site", catalogue.version)
    category = catalogue.categories_by_code.get(request.category)
    if category is None:
        return Unroutable("unknown_category", catalogue.version)
    topic = None if request.topic is None else catalogue.topics_by_code.get(request.topic)
    if topic is not None and topic.category != category.code:
        # An ordinary topic in the wrong place is passed over; a sensitive one must not reach the wrong door.
        if topic.sensitive:
            return Unroutable("topic_of_another_category", catalogue.version)
        topic = None
    day = at.astimezone(site.zone).date()
    wished = None if request.partner is None else catalogue.partners_by_code.get(request.partner)
    if wished is not None and _may_be_wished(wished, category, topic, day):
        return Routed(wished.code, WISH, catalogue.version)
    if category.on_the_spot:
        return HouseStaff(catalogue.version)
    return _timetable(catalogue, site.code, day, category.code, topic.code if topic else None).at(at)


def route_again(request: Wanted, catalogue: Catalogue, at: datetime, tried: frozenset[str]) -> Routed | Unroutable:
    """Where a request goes that these partners did not take: the next of its rule, at that moment."""
    category = catalogue.categories_by_code.get(request.category)
    site = catalogue.sites_by_code.get(request.site)
    rule = catalogue.rule_for(request.category, request.topic)
    if site is None or category is None or category.on_the_spot or rule is None:
        return Unroutable("no_rule", catalogue.version)
    day = at.astimezone(site.zone).date()
    left = [one for one in _answering(catalogue, rule, request) if one.active_on(day) and one.code not in tried]
    if not left:
        return Unroutable("no_partner_left", catalogue.version, rule.id)
    candidates = [_Candidate(one.code, tuple(_present(catalogue, site, one, day))) for one in left]
    best = min(candidates, key=lambda candidate: candidate.soonest(at.timestamp()))
    return Routed(best.partner, rule.id, catalogue.version)


def partners_for(request: Wanted, catalogue: Catalogue, day: date) -> tuple[Partner, ...]:
    """Who may answer it that day: the wish first, then those of its rule in their order; empty = nobody."""
    category = catalogue.categories_by_code.get(request.category)
    topic = None if request.topic is None else catalogue.topics_by_code.get(request.topic)
    if category is None or (topic is not None and topic.category != category.code and topic.sensitive):
        return ()
    own = topic if topic is not None and topic.category == category.code else None
    wished = None if request.partner is None else catalogue.partners_by_code.get(request.partner)
    first = [wished] if wished is not None and _may_be_wished(wished, category, own, day) else []
    rule = None if category.on_the_spot else catalogue.rule_for(category.code, own.code if own else None)
    answering = [] if rule is None else _answering(catalogue, rule, request)
    return (*first, *(one for one in answering if one.active_on(day) and one not in first))


def may_have(catalogue: Catalogue, partner: str, request: Wanted, at: datetime) -> bool:
    """Whether the house may hand such a request to this partner by its own choice, at that moment."""
    site = catalogue.sites_by_code.get(request.site)
    category = catalogue.categories_by_code.get(request.category)
    chosen = catalogue.partners_by_code.get(partner)
    if site is None or category is None or chosen is None:
        return False
    topic = None if request.topic is None else catalogue.topics_by_code.get(request.topic)
    return _may_be_wished(chosen, category, topic, at.astimezone(site.zone).date())


def _answering(catalogue: Catalogue, rule: Rule, request: Wanted) -> list[Partner]:
    named = [catalogue.partner(code) for code in rule.partners]
    return [partner for partner in named if catalogue.answers(partner, request.category, request.topic)]


def _may_be_wished(partner: Partner, category: Category, topic: Topic | None, day: date) -> bool:
    """A wish goes past the ordinary topics that a partner lists, never past a sensitive one it does not."""
    if category.code not in partner.categories or not partner.active_on(day):
        return False
    return topic is None or not topic.sensitive or topic.code in partner.topics


@dataclass(frozen=True, slots=True)
class _Timetable:
    """From `moments[n]` on (POSIX seconds; the first is the beginning of time) the answer is `routes[n]`."""

    moments: tuple[float, ...]
    routes: tuple[Route, ...]

    def at(self, moment: datetime) -> Route:
        return self.routes[bisect_right(self.moments, moment.timestamp()) - 1]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A partner of the rule, and when it is in the building from today on, in POSIX seconds."""

    partner: str
    present: tuple[tuple[float, float], ...]

    def soonest(self, moment: float) -> float:
        """When somebody who stands at the desk at that moment can be received; infinity = not soon."""
        return min((max(start, moment) for start, end in self.present if end > moment), default=float("inf"))


@lru_cache(maxsize=_TIMETABLES_KEPT_MAX)
def _timetable(catalogue: Catalogue, site_code: str, day: date, category: str, topic: str | None) -> _Timetable:
    rule = catalogue.rule_for(category, topic)
    if rule is None:
        return _always(Unroutable("no_rule", catalogue.version))
    answering = _answering(catalogue, rule, Wanted(site_code, category, topic))
    active = [partner for partner in answering if partner.active_on(day)]
    if not active:
        reason: Reason = "no_active_partner" if answering else "no_partner_for_topic"
        return _always(Unroutable(reason, catalogue.version, rule.id))
    site = catalogue.site(site_code)
    candidates = [_Candidate(one.code, tuple(_present(catalogue, site, one, day))) for one in active]
    # Between two of these moments nobody comes or goes, so that the answer cannot change.
    moments = sorted({moment for candidate in candidates for span in candidate.present for moment in span})
    moments.insert(0, float("-inf"))
    # min() keeps the first of equals: the order of the rule decides.
    best = [min(candidates, key=lambda candidate: candidate.soonest(moment)) for moment in moments]
    codes = [one.code for one in active] if rule.several else []
    return _Timetable(
        tuple(moments),
        tuple(
            Routed(first.partner, rule.id, catalogue.version, tuple(code for code in codes if code != first.partner))
            for first in best
        ),
    )


def _always(answer: Route) -> _Timetable:
    return _Timetable((float("-inf"),), (answer,))


def _present(catalogue: Catalogue, site: Site, partner: Partner, day: date) -> Iterator[tuple[float, float]]:
    """Its permanences of the coming days; all opening hours, for a partner that lives in the building."""
    for opening in catalogue.openings(site.code, day, day + timedelta(days=SOON_DAYS)):
        if opening.partner == partner.code:
            yield opening.start.timestamp(), opening.end.timestamp()
    if partner.reached == "on_site":
        for n in range(SOON_DAYS + 1):
            there = day + timedelta(days=n)
            for doors in site.open_intervals(there):
                start = datetime.combine(there, doors.start, site.zone)
                end = datetime.combine(there, doors.end, site.zone)
                yield start.timestamp(), end.timestamp()
