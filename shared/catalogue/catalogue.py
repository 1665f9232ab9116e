"""The catalogue: everything that one house file holds, and what can be asked of it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Annotated, TypeVar

from pydantic import Field

from shared.catalogue.city import LiveToCity, Secrecy
from shared.catalogue.deadlines import Deadlines
from shared.catalogue.faults import UnknownCode
from shared.catalogue.openings import Opening, day_of, openings_of_day
from shared.catalogue.part import Label, Part, Version
from shared.catalogue.parts import Category, Partner, Rule, Topic
from shared.catalogue.schedule import Permanence, PermanenceException, Schedule
from shared.catalogue.site import Site

# Days kept ready for each catalogue: two years of a few sites, in some megabytes at most.
_DAYS_KEPT_MAX = 4096
_DAY = timedelta(days=1)

_Coded = TypeVar("_Coded", Site, Category, Topic, Partner)


class Catalogue(Part):
    """Made by `load_catalogue` or `read_catalogue`, which also hold its parts against each other."""

    version: Version
    name: Label
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]
    categories: Annotated[tuple[Category, ...], Field(min_length=1)]
    topics: tuple[Topic, ...] = ()
    partners: Annotated[tuple[Partner, ...], Field(min_length=1)]
    schedule: Schedule
    deadlines_of_house: Annotated[Deadlines, Field(alias="deadlines")] = Deadlines()
    rules: tuple[Rule, ...] = ()
    secrecy: Secrecy = Secrecy()
    live_to_city: LiveToCity | None = None

    def __hash__(self) -> int:
        # A key of memories on hot paths: hashing every part each time would cost more than they save.
        return hash((self.name, self.version))

    @property
    def default_site(self) -> Site:
        """The site meant by whoever names none: the first in the file."""
        return self.sites[0]

    def site(self, code: str) -> Site:
        """The site of that code. Raises `UnknownCode`, as do `category`, `topic` and `partner`."""
        return _known("site", code, self.sites_by_code)

    def category(self, code: str) -> Category:
        """The category of that code."""
        return _known("category", code, self.categories_by_code)

    def topic(self, code: str) -> Topic:
        """The topic of that code."""
        return _known("topic", code, self.topics_by_code)

    def partner(self, code: str) -> Partner:
        """The partner of that code."""
        return _known("partner", code, self.partners_by_code)

    def deadlines(self, partner: str) -> Deadlines:
        """The days that this partner has: its own where it states them, else those of the house."""
        return self._deadlines[self.partner(partner).code]

    @cached_property
    def invites_to(self) -> str | None:
        """The partner whom families with children are invited to: the first that invites any."""
        return next((partner.code for partner in self.partners if partner.invites_families), None)

    def rule_for(self, category: str, topic: str | None) -> Rule | None:
        """The first rule that matches: a topic's own stands before its category's, or the file is refused."""
        return self._rules.get((category, topic)) or self._rules.get((category, None))

    def answers(self, partner: Partner, category: str, topic: str | None = None) -> bool:
        """Whether the partner takes such requests; a sensitive topic only if it lists it."""
        if category not in partner.categories:
            return False
        found = None if topic is None else self.topics_by_code.get(topic)
        return found is None or found.category != category or partner.takes(found, self.topics_by_code)

    def openings(self, site: str, from_date: date, to_date: date) -> list[Opening]:
        """Dated permanences from the first day to the last, both included, by time and office.

        None on public holidays. It costs by the day: whoever takes the dates from outside bounds them.
        """
        days = (to_date - from_date).days + 1
        return [opening for n in range(days) for opening in self._day(site, from_date + n * _DAY)]

    def opening(self, permanence_id: str) -> Opening | None:
        """The opening of that id; None when the plan has none."""
        site_and_day = day_of(permanence_id)
        if site_and_day is None or site_and_day[0] not in self.sites_by_code:
            return None
        return next((one for one in self._day(*site_and_day) if one.permanence_id == permanence_id), None)

    def next_opening(self, partner: str, site: str, at: datetime, within_days: int = 14) -> Opening | None:
        """The partner's opening that is on at that moment, or its next, from today to `within_days` later."""
        if at.tzinfo is None:
            raise ValueError("the moment has no time zone")
        today = at.astimezone(self.site(site).zone).date()
        for n in range(within_days + 1):
            for opening in self._day(site, today + n * _DAY):
                if opening.partner == partner and opening.end > at:
                    return opening
        return None

    @cached_property
    def sites_by_code(self) -> Mapping[str, Site]:
        """For those who may ask for a code that is not there."""
        return {site.code: site for site in self.sites}

    @cached_property
    def categories_by_code(self) -> Mapping[str, Category]:
        """For those who may ask for a code that is not there."""
        return {category.code: category for category in self.categories}

    @cached_property
    def topics_by_code(self) -> Mapping[str, Topic]:
        """For those who may ask for a code that is not there."""
        return {topic.code: topic for topic in self.topics}

    @cached_property
    def partners_by_code(self) -> Mapping[str, Partner]:
        """For those who may ask for a code that is not there."""
        return {partner.code: partner for partner in self.partners}

    @cached_property
    def _deadlines(self) -> Mapping[str, Deadlines]:
        return {one.code: self._deadlines_of(one) for one in self.partners}

    def _deadlines_of(self, partner: Partner) -> Deadlines:
        house = self.deadlines_of_house
        return Deadlines(
            first_answer_days=partner.first_answer_days or house.first_answer_days,
            outcome_days=partner.outcome_days or house.outcome_days,
            escalation_after_days=house.escalation_after_days,
            expiry_after_days=house.expiry_after_days,
        )

    @cached_property
    def _rules(self) -> Mapping[tuple[str, str | None], Rule]:
        return {(rule.category, rule.topic): rule for rule in self.rules}

    @cached_property
    def _permanences(self) -> Mapping[str, tuple[Permanence, ...]]:
        return {
            site.code: tuple(held for held in self.schedule.permanences if held.site == site.code)
            for site in self.sites
        }

    @cached_property
    def _exceptions(self) -> Mapping[tuple[str, date], list[PermanenceException]]:
        by_day: dict[tuple[str, date], list[PermanenceException]] = {}
        for one in self.schedule.exceptions:
            by_day.setdefault((one.site, one.day), []).append(one)
        return by_day

    @cached_property
    def _day(self) -> Callable[[str, date], tuple[Opening, ...]]:
        def day_of(site: str, day: date) -> tuple[Opening, ...]:
            found = self.site(site)
            others = self._exceptions.get((site, day), ())
            return openings_of_day(found, self._permanences[site], others, self.partners_by_code, day)

        return lru_cache(maxsize=_DAYS_KEPT_MAX)(day_of)


def _known(kind: str, code: str, parts: Mapping[str, _Coded]) -> _Coded:
    try:
        return parts[code]
    except KeyError:
        raise UnknownCode(kind, code) from None
