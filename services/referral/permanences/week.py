"""One week of a site, by day and office, as a page or a sheet of paper shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.referral.permanences.planner import Planned
from shared.catalogue import Interval, Office, Site

_DAYS_OF_WEEK = 7


@dataclass(frozen=True, slots=True)
class OfficeDay:
    """Who is in an office that day, by time."""

    office: Office
    held: tuple[Planned, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week: its opening hours, none when the doors are closed; the name of a public holiday."""

    day: date
    hours: tuple[Interval, ...]
    holiday: str | None
    offices: tuple[OfficeDay, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday. `iso` as in `2008-W11`; `before` and `after`: the Mondays to leaf to."""

    site: Site
    iso: str
    days: tuple[Day, ...]
    before: date
    after: date


def days_of_week(day: date) -> tuple[date, date]:
    """The Monday and the Sunday of the week that holds the day."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=_DAYS_OF_WEEK - 1)


def week_of(site: Site, day: date, held: Sequence[Planned]) -> Week:
    """The week that holds the day. `held`: its permanences at the site, by time."""
    monday, _ = days_of_week(day)
    year, number, _ = monday.isocalendar()
    return Week(
        site=site,
        iso=f"{year:04}-W{number:02}",
        days=tuple(_day(site, monday + timedelta(days=n), held) for n in range(_DAYS_OF_WEEK)),
        before=monday - timedelta(days=_DAYS_OF_WEEK),
        after=monday + timedelta(days=_DAYS_OF_WEEK),
    )


def _day(site: Site, day: date, held: Sequence[Planned]) -> Day:
    today = [one for one in held if one.opening.start.date() == day]
    return Day(
        day=day,
        hours=site.open_intervals(day),
        holiday=site.holiday(day),
        offices=tuple(
            OfficeDay(office, tuple(one for one in today if one.opening.office == office.code))
            for office in site.offices
        ),
    )
