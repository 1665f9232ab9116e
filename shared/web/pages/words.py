"""Moments and deadlines as somebody at a desk would say them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.web.pages.language import Language

LATE_DAYS_MAX = 366
"""Longer ago than this is not counted day by day."""
_NEAR_DAYS = 6


@dataclass(frozen=True)
class Deadline:
    """What is said of a deadline. `urgent`: today."""

    words: str
    late: bool
    urgent: bool


def moment(language: Language, when: datetime, now: datetime) -> str:
    """`aujourd’hui 17 h`, `demain 9 h 30`, `hier 11 h`, `mardi 17 h` within the week, else with day and month.

    Both moments are in the site's zone.
    """
    clock, days = language.clock(when), (when.date() - now.date()).days
    if days == 0:
        return language.gettext("aujourd’hui %(clock)s", clock=clock)
    if days == 1:
        return language.gettext("demain %(clock)s", clock=clock)
    if days == -1:
        return language.gettext("hier %(clock)s", clock=clock)
    if 0 < days <= _NEAR_DAYS:
        return language.gettext("%(weekday)s %(clock)s", weekday=language.weekday(when), clock=clock)
    day = language.day(when.date(), year=when.year != now.year)
    return language.gettext("%(day)s, %(clock)s", day=day, clock=clock)


def deadline(language: Language, due: datetime, now: datetime, is_business_day: Callable[[date], bool]) -> Deadline:
    """`avant demain 17 h`, or `en retard de 2 jours ouvrés`. Both moments are in the site's zone."""
    if now <= due:
        words = language.gettext("avant %(when)s", when=moment(language, due, now))
        return Deadline(words, late=False, urgent=due.date() == now.date())
    days = _business_days(due.date(), now.date(), is_business_day)
    if days == 0:
        words = language.gettext("en retard depuis %(when)s", when=moment(language, due, now))
    else:
        words = language.ngettext("en retard de %(num)s jour ouvré", "en retard de %(num)s jours ouvrés", days)
    return Deadline(words, late=True, urgent=True)


def _business_days(after: date, until: date, is_business_day: Callable[[date], bool]) -> int:
    days = min((until - after).days, LATE_DAYS_MAX)
    return sum(is_business_day(after + timedelta(days=day)) for day in range(1, days + 1))
