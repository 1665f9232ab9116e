"""A house, its rooms, and when its doors are open."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Annotated, Self
from zoneinfo import ZoneInfo

import holidays
from pydantic import Field, field_validator, model_validator

from shared.catalogue.part import CLOCK, WEEKDAYS, Country, Kebab, Label, Part, TimeOfDay, Weekday

_DAYS_KEPT_MAX = 1024


class Interval(Part):
    """From `start` to `end` of one day, the end not included; written `"08:30-12:00"`."""

    start: TimeOfDay
    end: TimeOfDay

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> dict[str, str]:
        start, dash, end = value.partition("-") if isinstance(value, str) else ("", "", "")
        if not (dash and CLOCK.fullmatch(start) and CLOCK.fullmatch(end)):
            raise ValueError('should be two times of day in one pair of quotes, as "08:30-12:00"')
        return {"start": start, "end": end}

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"ends at {self.end:%H:%M}, not after it starts at {self.start:%H:%M}")
        return self


def _in_order(intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
    for before, after in pairwise(intervals):
        if after.start < before.end:
            raise ValueError(f"the interval from {after.start:%H:%M} starts before the one before it ends")
    return intervals


Intervals = Annotated[tuple[Interval, ...], Field(max_length=8)]


class Hours(Part):
    """Opening hours of an ordinary week; a weekday that is not written is closed."""

    monday: Intervals = ()
    tuesday: Intervals = ()
    wednesday: Intervals = ()
    thursday: Intervals = ()
    friday: Intervals = ()
    saturday: Intervals = ()
    sunday: Intervals = ()

    _ordered = field_validator(*WEEKDAYS)(_in_order)

    def on(self, weekday: Weekday) -> tuple[Interval, ...]:
        """The intervals of that weekday, in order; empty when closed."""
        intervals: tuple[Interval, ...] = getattr(self, weekday)
        return intervals


class Office(Part):
    """A room of the site: two partners never hold it at the same time."""

    code: Kebab
    name: Label


class Site(Part):
    """One house, in one quarter. `calendar` is the country code of the library `holidays`."""

    code: Kebab
    name: Label
    time_zone: str
    calendar: Country
    hours: Hours
    offices: Annotated[tuple[Office, ...], Field(min_length=1)]

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, ValueError, OSError):
            raise ValueError(f'no time zone is called "{value}"; a good one is "Europe/Paris"') from None
        return value

    @field_validator("calendar")
    @classmethod
    def _known_calendar(cls, value: str) -> str:
        # The list is at hand; the first calendar asked for loads those of all countries.
        if value not in holidays.list_supported_countries():
            raise ValueError(f'no calendar of holidays is called "{value}"; a good one is "FR"')
        return value

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone that its days are counted in."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def _holidays(self) -> holidays.HolidayBase:
        # Left to itself the library speaks the language of the process.
        spoken = holidays.country_holidays(self.calendar).default_language
        return holidays.country_holidays(self.calendar, language=spoken)

    @cached_property
    def _business_day(self) -> Callable[[date, int], date]:
        def business_day(day: date, days: int) -> date:
            # With 0 the library goes on to the first business day, with n it goes n beyond where it stands.
            first = self._holidays.get_nth_working_day(day, 0)
            return self._holidays.get_nth_working_day(first, days)

        # Every referral asks for its deadlines, and those of a day ask for the same.
        return lru_cache(maxsize=_DAYS_KEPT_MAX)(business_day)

    def open_intervals(self, day: date) -> tuple[Interval, ...]:
        """When the doors are open that day: empty on a closed weekday and on a public holiday."""
        intervals = self.hours.on(WEEKDAYS[day.weekday()])
        return () if intervals and day in self._holidays else intervals

    def holiday(self, day: date) -> str | None:
        """What that public holiday is called in its country; None on any other day."""
        return self._holidays.get(day)

    def business_days_after(self, moment: datetime, days: int) -> datetime:
        """The same local time of day so many business days later: neither weekends nor public holidays count.

        What happens on another day counts as if it had happened on the next business day. `moment` is aware;
        the answer is in the site's zone. A time of day that a change of clocks skips is told an hour later.
        """
        if moment.tzinfo is None:
            raise ValueError("the moment has no time zone")
        if days < 0:
            raise ValueError(f"{days} days after is before")
        local = moment.astimezone(self.zone)
        last = self._business_day(local.date(), days)
        if last == local.date():
            return local
        skipped_or_not = datetime.combine(last, local.time(), self.zone)
        return skipped_or_not.astimezone(UTC).astimezone(self.zone)
