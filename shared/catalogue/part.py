"""What all parts of a house file have in common: no change, no unnamed key, and the form of codes."""

import re
from datetime import time
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Kebab = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
CategoryCode = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$", max_length=40)]
# Topics follow the national vocabulary data·inclusion, whose slugs join theme and subject by two hyphens.
TopicCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(--?[a-z0-9]+)*$", max_length=100)]
PartnerCode = Annotated[str, StringConstraints(pattern=r"^p[0-9]{2,4}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]+([.-][0-9A-Za-z]+)*$", max_length=32)]
Label = Annotated[str, StringConstraints(pattern=r"^[^\s\p{C}]([^\p{C}]*[^\s\p{C}])?$", max_length=120)]

CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def _time_of_day(value: object) -> time:
    match = CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('should be a time of day in quotes, as "09:00"')
    return time(int(match[1]), int(match[2]))


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class Part(BaseModel):
    """What all parts have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
