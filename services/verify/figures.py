"""The figures counted again: from visits as they were recorded, and from the whole history of each referral.

The service moves its counters by what an event says of itself; here the day, the site and the status before a move
are those of the referral's history. Both must come to the same.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from services.verify import delays, places
from services.verify.checks import Check, reading
from services.verify.collective import Held
from services.verify.documents import UNDONE, DroppedNeed, DroppedRequest, Handed, Moved, Off, Redated, Settled, Visit
from services.verify.folding import Happened, Walk, steps
from services.verify.people import People, divided
from services.verify.periods import periods
from services.verify.standing import Horizon
from services.verify.stores import Store

Counted = tuple[str, str, str, str, str]
"""figure, dimension, value, site, day."""
_Key = tuple[str, str, str, str, str, str]
"""figure, dimension, grain, site, period, value."""


class Recount:
    """Counts of single days at single sites, until they are compared."""

    def __init__(self, people: People, redated: Collection[str] = (), days: Counter[Counted] | None = None) -> None:
        """`days`: where to count, for whoever wants to see each step."""
        self._days: Counter[Counted] = Counter() if days is None else days
        self._people = people
        self.redated = redated

    def visit(self, day: str, visit: Visit, step: int = 1) -> None:
        """Count a visit and its requests; `step` -1 = count them no more."""
        self._people.visited(day, visit, step)
        days, site, channel = self._days, visit.site, visit.channel
        days["visits", "total", "", site, day] += step
        days["visits", "channel", channel, site, day] += step
        if visit.language:
            days["visits", "language", visit.language, site, day] += step
        for need in visit.needs:
            days["visits", "need", need, site, day] += step
        for category in {request.category for request in visit.requests}:
            days["visits", "category", category, site, day] += step
        for request in visit.requests:
            days["requests", "total", "", site, day] += step
            days["requests", "category", request.category, site, day] += step
            days["requests", "channel", channel, site, day] += step
            days["requests", "status", "answered" if request.answered else "open", site, day] += step

    def moved(self, figure: str, day: str, site: str, was: str | None, becomes: str | None) -> None:
        """Count an arrival or an invitation that is something else now; None: before it was new, after it is none."""
        by = "result" if figure == "arrivals" else "status"
        self._days[figure, "total", "", site, day] += (was is None) - (becomes is None)
        if was is not None:
            self._days[figure, by, was, site, day] -= 1
        if becomes is not None:
            self._days[figure, by, becomes, site, day] += 1

    def waited(self, day: str, site: str, result: str, minutes: int, step: int = 1) -> None:
        """Count the minutes of somebody who waits no more; `step` -1 = count them no more."""
        names = ((40, "40+"), (20, "20-39"), (10, "10-19"), (5, "05-09"), (0, "00-04"))
        self._days["arrivals", "wait", next(name for least, name in names if minutes >= least), site, day] += step
        self._days["waiting", "total", "", site, day] += step * minutes
        self._days["waiting", "result", result, site, day] += step * minutes

    def held(self, held: Held, sessions: int, heads: int) -> None:
        """Count so many more, or fewer, sessions of an action, and people at it."""
        for dimension, value in divided(held):
            self._days["actions", dimension, value, held.site, held.day] += sessions
            self._days["attendances", dimension, value, held.site, held.day] += heads

    def referral(self, stream: str, happened: Iterable[Happened], heard: Horizon) -> None:
        """Count what was heard of a referral. What it was before each move is known from its whole history."""
        for (told, document, fact), was, referral in steps(stream, happened):
            if not heard.holds(told.partition, told.position):
                continue
            made = referral.handed
            if isinstance(fact, Handed):
                self._handed(fact, unmet=referral.unmet)
            elif isinstance(fact, Settled):
                self._request("unmet", "referred", made, self._day_of(fact, made))
                self._need(made, -1)
            elif isinstance(fact, DroppedNeed):
                self._need(made, -1)
            elif isinstance(fact, Moved) and was is not None:
                self._days["referrals", "status", was.status, made.site, made.day] -= 1
                self._days["referrals", "status", referral.held.status, made.site, made.day] += 1
                for figure, by, value, step in delays.steps(was.delays, referral.held.delays, made.partner):
                    self._days[figure, by, value, made.site, made.day] += step
                for by, value, day, step in places.steps(was.counted, referral.held.counted, made.partner):
                    self._days["places", by, value, made.site, day] += step
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
        self._people.referred(made)
        days["referrals", "total", "", site, day] += 1
        days["referrals", "category", made.category, site, day] += 1
        days["referrals", "partner", made.partner, site, day] += 1
        days["referrals", "status", "issued", site, day] += 1

    def called_off(self, fact: Off) -> None:
        """Count a permanence that does not take place."""
        for by, value in (("total", ""), ("partner", fact.partner), ("permanence", fact.permanence_id)):
            self._days["permanences_cancelled", by, value, fact.site, fact.starts_at[:10]] += 1

    def told(self, fact: DroppedRequest | Redated) -> None:
        """Count what became of a request whose visit was corrected or voided."""
        if isinstance(fact, DroppedRequest):
            self._counts_as(fact.was, "open", fact.site, fact.requested_on)
            return
        self._counts_as(fact.counts_as, "open", fact.site, fact.was_on)
        self._counts_as("open", fact.counts_as, fact.site, fact.requested_on)

    def _day_of(self, fact: Settled, made: Handed) -> str:
        """The day of the visit: what the event says is believed only of a visit that was moved to another day."""
        return fact.requested_on if made.request_id in self.redated else made.requested

    def _request(self, was: str, becomes: str, made: Handed, day: str | None = None) -> None:
        self._counts_as(was, becomes, made.site, day or made.requested)

    def _counts_as(self, was: str, becomes: str, site: str, day: str) -> None:
        self._days["requests", "status", was, site, day] -= 1
        self._days["requests", "status", becomes, site, day] += 1

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
            for grain, period in periods(day):
                counted[figure, dimension, grain, site, period, value] += count
                counted[figure, dimension, grain, "", period, value] += count
        return counted


def _name(key: tuple[str, ...]) -> str:
    figure, dimension, _grain, site, period, value = key
    by = "" if dimension == "total" else f" of {dimension} {value}"
    return f"{figure}{by}, {period or 'in all'}, {f'site {site}' if site else 'all sites'}"
