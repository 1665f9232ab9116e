"""A recurrence as RFC 5545 writes it, `FREQ=MONTHLY;BYDAY=+1TH`, and the days of a year on which it falls.

Of the RFC, what a room's plan can need: whole days, and rules that name them. Counting and ending are left to the
plan's own `first` and `last`.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated

from dateutil.rrule import rrulestr
from pydantic import AfterValidator, StringConstraints

_YEARS_KEPT_MAX = 2048
_ONE_DAY = r"[+-]?[1-5]?(MO|TU|WE|TH|FR|SA|SU)"
_DAY_OF_MONTH = r"-?([1-9]|[12][0-9]|3[01])"
_MONTH = r"([1-9]|1[0-2])"
_FORMS = {
    "FREQ": r"WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9][0-9]?",
    "BYDAY": rf"{_ONE_DAY}(,{_ONE_DAY})*",
    "BYMONTHDAY": rf"{_DAY_OF_MONTH}(,{_DAY_OF_MONTH})*",
    "BYMONTH": rf"{_MONTH}(,{_MONTH})*",
    "BYSETPOS": r"-?[1-5](,-?[1-5])*",
}


def _checked(rule: str) -> str:
    parts = _parts(rule)
    for name, value in parts.items():
        if name not in _FORMS:
            raise ValueError(f'"{name}" is not read in a recurrence; what is: {", ".join(_FORMS)}')
        if not re.fullmatch(_FORMS[name], value, re.ASCII):
            raise ValueError(f'{name} cannot be "{value}"')
    if "FREQ" not in parts:
        raise ValueError('should begin with how often, as "FREQ=MONTHLY;BYDAY=+1TH"')
    if not parts.keys() & {"BYDAY", "BYMONTHDAY"}:
        raise ValueError("should name its days, by BYDAY or BYMONTHDAY")
    if parts["FREQ"] == "WEEKLY" and re.search(r"[0-9]", parts.get("BYDAY", "") + parts.get("BYMONTHDAY", "")):
        raise ValueError("a WEEKLY recurrence has weekdays without a number")
    if next(iter(rrulestr(rule, dtstart=datetime(2000, 1, 1))), None) is None:  # noqa: DTZ001
        raise ValueError("never falls on any day")
    return rule


def _parts(rule: str) -> Mapping[str, str]:
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, is_one, value = part.partition("=")
        if not is_one or name in parts:
            raise ValueError('should be made of parts, each once, as "FREQ=MONTHLY;BYDAY=+1TH"')
        parts[name] = value
    return parts


Recurrence = Annotated[str, StringConstraints(max_length=200), AfterValidator(_checked)]


def interval_of(rule: str) -> int:
    """Every how many weeks, months or years."""
    return int(_parts(rule).get("INTERVAL", "1"))


@lru_cache(maxsize=_YEARS_KEPT_MAX)
def days_of_year(rule: str, first: date | None, year: int) -> frozenset[date]:
    """The days of that year from `first` on. Intervals are counted from the week, month or year of `first`."""
    if first is not None and year < first.year:
        return frozenset()
    start = _begin(rule, first or date(year, 1, 1), year)
    if start.year > year:
        return frozenset()
    # Only what the rule yields has an end: a day beyond the year must not have to be looked for first.
    found = rrulestr(rule, dtstart=datetime(start.year, start.month, start.day))  # noqa: DTZ001
    days = found.between(datetime(year, 1, 1), datetime(year, 12, 31), inc=True)  # noqa: DTZ001
    return frozenset(day.date() for day in days if first is None or day.date() >= first)


def _begin(rule: str, first: date, year: int) -> date:
    """The last begin of a counted week on or before the year's first day; the first of a month or year in it.

    From there the library need not count through all the years before.
    """
    interval, often = interval_of(rule), _parts(rule)["FREQ"]
    january = date(year, 1, 1)
    if often == "YEARLY":
        return date(year + (first.year - year) % interval, 1, 1)
    if often == "MONTHLY":
        month = first.year * 12 + first.month - 1
        month += max(0, -((month - year * 12) // interval)) * interval
        return date(month // 12, month % 12 + 1, 1)
    monday = first - timedelta(days=first.weekday())
    return monday + timedelta(weeks=interval) * max(0, (january - monday) // timedelta(weeks=interval))
