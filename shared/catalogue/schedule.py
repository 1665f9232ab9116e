"""The plan of the offices: permanences that come again, and the days on which they do not go by it."""

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.catalogue.part import WEEKDAYS, Part, TimeOfDay, Weekday
from shared.catalogue.recurrence import Recurrence, days_of_year, interval_of

Weeks = Literal["every", "even", "odd"]
Places = Annotated[int, Field(ge=1, le=200)]
# Far enough from the ends of the calendar to reckon with.
CalendarDay = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]

_WEEK = timedelta(days=7)
_ALLOWED = {
    "cancelled": frozenset[str](),
    "changed": frozenset({"new_start", "new_end", "new_office", "new_places"}),
    "extra": frozenset({"end", "partner", "places"}),
}
_WRITTEN = {"end": "until", "new_start": "new_from", "new_end": "new_until"}


class Permanence(Part):
    """A partner's opening in an office that comes again, on the days from `first` to `last`, both included.

    Either `weekday` and `weeks`, by the parity of the ISO week number, or a `recurrence` of RFC 5545.
    """

    site: str
    office: str
    partner: str
    weekday: Weekday | None = None
    weeks: Weeks | None = None
    recurrence: Recurrence | None = None
    first: CalendarDay | None = None
    last: CalendarDay | None = None
    start: Annotated[TimeOfDay, Field(alias="from")]
    end: Annotated[TimeOfDay, Field(alias="until")]
    places: Places

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"ends at {self.end:%H:%M}, not after it starts at {self.start:%H:%M}")
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"has its last day {self.last} before its first, {self.first}")
        return self

    @model_validator(mode="after")
    def _one_rhythm(self) -> Self:
        if (self.weekday is None) != (self.weeks is None) or (self.weekday is None) == (self.recurrence is None):
            raise ValueError("should have weekday and weeks, or a recurrence instead of both")
        if self.recurrence is not None and self.first is None and interval_of(self.recurrence) > 1:
            raise ValueError("counts every so many weeks, months or years: from which on? It needs a first day")
        return self

    def held_on(self, day: date) -> bool:
        """Whether it is the plan's day; the doors may still be closed."""
        if (self.first is not None and day < self.first) or (self.last is not None and day > self.last):
            return False
        if self.recurrence is not None:
            return day in days_of_year(self.recurrence, self.first, day.year)
        return WEEKDAYS[day.weekday()] == self.weekday and self._right_week(day)

    def days_of(self, year: int) -> list[date]:
        """The plan's days of that year, in order."""
        if self.recurrence is not None:
            days = sorted(days_of_year(self.recurrence, self.first, year))
        else:
            january = date(year, 1, 1)
            day = january + timedelta(days=(WEEKDAYS.index(self.weekday or "monday") - january.weekday()) % 7)
            weeks = (day + n * _WEEK for n in range(53))
            days = [one for one in weeks if one.year == year and self._right_week(one)]
        first, last = self.first or date.min, self.last or date.max
        return [day for day in days if first <= day <= last]

    def _right_week(self, day: date) -> bool:
        return self.weeks == "every" or (self.weeks == "even") == (day.isocalendar().week % 2 == 0)


class PermanenceException(Part):
    """A day that does not go by the plan. `office`, `day` and `from` say which permanence the plan has there.

    It is cancelled; or changed in its hours, its office or its places; or it is an extra one, that no plan has.
    """

    kind: Literal["cancelled", "changed", "extra"]
    site: str
    office: str
    day: CalendarDay
    start: Annotated[TimeOfDay, Field(alias="from")]
    end: Annotated[TimeOfDay | None, Field(alias="until")] = None
    partner: str | None = None
    places: Places | None = None
    new_start: Annotated[TimeOfDay | None, Field(alias="new_from")] = None
    new_end: Annotated[TimeOfDay | None, Field(alias="new_until")] = None
    new_office: str | None = None
    new_places: Places | None = None

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        stated = {name for names in _ALLOWED.values() for name in names if getattr(self, name) is not None}
        allowed = _ALLOWED[self.kind]
        if useless := stated - allowed:
            raise ValueError(f"a permanence that is {self.kind} has no {_names(useless)}")
        if self.kind == "changed" and not stated:
            raise ValueError(f"a permanence that is changed needs one of {_names(allowed)}")
        if self.kind == "extra" and stated != allowed:
            raise ValueError(f"a permanence that is extra needs {_names(allowed - stated)}")
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"ends at {self.end:%H:%M}, not after it starts at {self.start:%H:%M}")
        return self


class Schedule(Part):
    """The plan. `invented` must be stated: whether it is made up or the real one."""

    invented: bool
    permanences: tuple[Permanence, ...] = ()
    exceptions: tuple[PermanenceException, ...] = ()


def _names(fields: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(_WRITTEN.get(name, name) for name in fields))
