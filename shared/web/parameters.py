"""Parameters as we take them from strangers: moments, days and years in full, no other names, none twice.

A figure asked for with a misspelt parameter would be answered, and be the wrong figure.
"""

import re
from collections import Counter
from datetime import date
from typing import Annotated, Any

from fastapi import Request
from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from shared.web.problems import FieldError, field_name, invalid

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)


def _moment(value: Any) -> Any:
    # Pydantic also takes "1205224200", and would read a count of seconds where somebody wrote a date.
    if not isinstance(value, str) or not _MOMENT.match(value):
        raise PydanticCustomError("moment", "Send date, time and offset, as in 2008-03-11T09:30:00+01:00")
    return value


def _day(value: Any) -> Any:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day", "Send a day, as in 2008-03-11")
    return value


def _year(value: Any) -> Any:
    if not isinstance(value, str) or not _YEAR.fullmatch(value):
        raise PydanticCustomError("year", "Send a year, as in 2008")
    return value


Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_moment)]
"""A point in time, with its offset from UTC."""
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31)), BeforeValidator(_day)]
"""A day in ISO form; far enough from the ends of the calendar to reckon with."""
Year = Annotated[int, Field(ge=1900, le=2999), BeforeValidator(_year)]
"""A year of four digits."""


async def only_known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not know, or that comes twice. Raises the 422 problem."""
    times = Counter(name for name, _ in request.query_params.multi_items())
    if not times:
        return
    known = {parameter.alias for parameter in request.scope["route"].dependant.query_params}
    errors: list[FieldError] = [
        {
            "field": field_name(name),
            "detail": "Send it once." if name in known else "It is not known here: leave it out.",
        }
        for name, count in times.items()
        if count > 1 or name not in known
    ]
    if errors:
        raise invalid(errors)
