"""The periods that a local day is counted under."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache


@lru_cache(maxsize=4096)
def periods(day: str) -> tuple[tuple[str, str], ...]:
    """The periods that a day belongs to. The first and last days of a year may lie in another year's weeks."""
    return tuple(_divided(day))


def _divided(day: str) -> Iterator[tuple[str, str]]:
    try:
        week = date.fromisoformat(day).strftime("%G-W%V")
    except ValueError:
        # A day that is none would stop the count; it agrees with no counter, which is said then.
        week = day
    yield "day", day
    yield "week", week
    yield "month", day[:7]
    yield "year", day[:4]
    yield "all", ""
