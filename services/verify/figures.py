"""The figures counted again: from visits as they were recorded, and from the whole history of each referral.

The service moves its counters by what an event says of itself; here the day, the site and the status before a move
are those of the referral's history. Both must come to the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

from services.verify.checks import Check, reading
from services.verify.documents import UNDONE, Handed, Moved, Settled, Visit
from services.verify.folding import Happened, Walk, steps
from services.verify.standing import Horizon
from services.verify.stores import Store

_Counted = tuple[str, str, str, str, str]
"""figure, dimension, value, site, day."""
_Key = tuple[str, str, str, str, str, str]
"""figure, dimension, grain, site, period, value."""


class Recount:
    """Counts of single days at single sites, until they are compared."""

    def __init__(self) -> None:
        self._days: Counter[_Counted] = Counter()

    def visit(self, day: str, visit: Visit) -> None:
        """Count a visit and its requests."""
        days, site, channel = self._days, visit.site, visit.channel
        days["visits", "total", "", site, day] += 1
        days["visits", "channel", channel, site, day] += 1
        for category in {request.category for request in visit.requests}:
            days["visits", "category", category, site, day] += 1
        for request in visit.requests:
            days["requests", "total", "", site, day] += 1
            days["requests", "category", request.category, site, day] += 1
            days["requests", "channel", channel, site, day] += 1
            days["requests", "status", "answered" if request.answered else "open", site, day] += 1

    def referral(self, stream: str, happened: Iterable[Happened], heard: Horizon) -> None:
        """Count what was heard of a referral. What it was before each move is known from its whole history."""
        for (told, document, fact), was, referral in steps(stream, happened):
            if not heard.holds(told.partition, told.position):
                continue
            made = referral.handed
            if isinstance(fact, Handed):
                self._handed(fact, unmet=referral.unmet)
            elif isinstance(fact, Settled):
                self._request("unmet", "referred", made)
                self._need(made, -1)
            elif isinstance(fact, Moved) and was is not None:
                self._days["referrals", "status", was.status, made.site, made.day] -= 1
                self._days["referrals", "status", referral.held.status, made.site, made.day] += 1
                if document.type == UNDONE:
                    self._walked(made, was.walk, -1)
                else:
                    self._walked(made, referral.held.walk, 1)

    def _handed(self, made: Handed, *, unmet: bool) -> None:
        days, site, day = self._days, made.site, made.day
        if unmet:
            self._request("open" if made.is_first else "referred", "unmet", made)
            self._need(made, 1)
            return
        if made.is_first:
            self._request("open", "referred", made)
        days["referrals", "total", "", site, day] += 1
        days["referrals", "category", made.category, site, day] += 1
        days["referrals", "partner", made.partner, site, day] += 1
        days["referrals", "status", "issued", site, day] += 1

    def _request(self, was: str, becomes: str, made: Handed) -> None:
        self._days["requests", "status", was, made.site, made.requested] -= 1
        self._days["requests", "status", becomes, made.site, made.requested] += 1

    def _need(self, made: Handed, step: int) -> None:
        for dimension, value in (("total", ""), ("category", made.category), ("reason", made.reason or "")):
            self._days["needs", dimension, value, made.site, made.found_on] += step

    def _walked(self, made: Handed, walk: Walk | None, step: int) -> None:
        if walk is None:
            return
        for dimension, value in (("total", ""), ("partner", made.partner), ("result", walk.result)):
            self._days["handovers", dimension, value, made.site, walk.day] += step
        if walk.result == "received":
            for dimension, value in (("total", ""), ("partner", made.partner)):
                self._days["minutes_to_partner", dimension, value, made.site, walk.day] += step * walk.minutes

    def compare(self, store: Store) -> Check:
        """Hold the table against the counts, both ways."""
        check = Check("figures")
        counted = self._by_period()
        rows = 0
        with reading(check):
            for *key, kept in store.rows("SELECT figure, dimension, grain, site, period, value, count FROM figures"):
                rows += 1
                count = counted.pop((*key,), 0)
                if count != kept:
                    check.fault(f"{_name((*key,))}: {kept:,} kept, {count:,} counted")
            for missing, count in sorted(counted.items()):
                if count:
                    check.fault(f"{_name(missing)}: nothing kept, {count:,} counted")
        check.seen = f"{rows:,} counters, as counted from the logs"
        return check

    def _by_period(self) -> Counter[_Key]:
        """The same at every grain, by site and for all sites together (no site named)."""
        counted: Counter[_Key] = Counter()
        for (figure, dimension, value, site, day), count in self._days.items():
            for grain, period in _periods(day):
                counted[figure, dimension, grain, site, period, value] += count
                counted[figure, dimension, grain, "", period, value] += count
        return counted


@lru_cache(maxsize=4096)
def _periods(day: str) -> tuple[tuple[str, str], ...]:
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


def _name(key: tuple[str, ...]) -> str:
    figure, dimension, _grain, site, period, value = key
    by = "" if dimension == "total" else f" of {dimension} {value}"
    return f"{figure}{by}, {period or 'in all'}, {f'site {site}' if site else 'all sites'}"
