"""Visits that were corrected or voided: each of their requests that somebody had is his no longer, or on the right day.

What a request counts as is summed up over its whole history: nothing is left of one that was taken back, and one that
stays counts once, on the day of its visit. That is why the events may be believed what they say of before.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from services.verify.checks import Check, reading
from services.verify.documents import (
    Corrected,
    DroppedRequest,
    Handed,
    Redated,
    Settled,
    Unreadable,
    Visit,
    read_data,
    read_document,
)
from services.verify.folding import Happened, Referral
from services.verify.stores import Store

_Counts = Counter[tuple[str, str]]
"""(what it counts as, day): how often."""


class Corrections:
    """Requests that corrections speak of. All of them are few beside the log, and held in memory."""

    def __init__(self) -> None:
        self.days: dict[str, list[str]] = {}
        """request -> the days that its visit was said to have been on, the first first; of those that were moved."""
        self._dropped: dict[str, bool] = {}
        self._redated: defaultdict[str, list[str]] = defaultdict(list)
        self._told_dropped = Counter[str]()
        self._told_redated: defaultdict[str, list[str]] = defaultdict(list)
        self._nets: defaultdict[str, _Counts] = defaultdict(_Counts)
        self._open: list[tuple[str, str]] = []
        self._check = Check("corrections")
        self._visits: dict[str, None] = {}
        self._count = 0

    def made(self, fact: Corrected, *, is_heard: bool) -> Visit | None:
        """A visit is not what it was. `is_heard`: referral has taken that in. The visit with what was added to it."""
        self._count += 1
        self._visits[fact.was.visit_id] = None
        now = fact.now
        before = {one.request_id for one in fact.was.requests if not one.answered}
        after = {one.request_id for one in now.requests if not one.answered} if now else set[str]()
        for gone in before - after:
            self._dropped[gone] = is_heard
        if now is None:
            return None
        if fact.was_day != fact.now_day:
            for kept in before & after:
                self.days.setdefault(kept, [fact.was_day]).append(fact.now_day)
                if is_heard:
                    self._redated[kept].append(fact.now_day)
        known = {one.request_id for one in fact.was.requests}
        return Visit(
            now.visit_id,
            now.case_id,
            now.site,
            now.channel,
            [one for one in now.requests if one.request_id not in known],
        )

    def read_again(self, store: Store) -> None:
        """Go through the history of each visit that was corrected: what it says of before is what stood there."""
        for visit_id in self._visits:
            name = visit_id.replace("'", "''")
            rows = store.rows(f"SELECT {store.entry} FROM events WHERE tag = '{name}' ORDER BY partition, position")
            stood: tuple[Visit, str] | None = None
            with reading(self._check):
                for (entry,) in rows:
                    stood = self._follow(visit_id, entry, stood)

    def _follow(self, visit_id: str, entry: bytes, stood: tuple[Visit, str] | None) -> tuple[Visit, str] | None:
        try:
            document = read_document(entry)
            fact = read_data(document)
        except Unreadable:
            return stood
        if isinstance(fact, Visit):
            return fact, document.time
        if not isinstance(fact, Corrected):
            return stood
        if stood is None:
            self._check.fault(f"visit {visit_id} was changed, and there was none")
        elif (fact.was, fact.was_at) != stood:
            self._check.fault(f"visit {visit_id} says that it was what it was not")
        return (fact.now, fact.now_at) if fact.now else None

    def told(self, fact: DroppedRequest | Redated) -> None:
        """Referral says that it has followed."""
        net = self._nets[fact.request_id]
        if isinstance(fact, DroppedRequest):
            self._told_dropped[fact.request_id] += 1
            _move(net, fact.was, "open", fact.requested_on)
            return
        self._told_redated[fact.request_id].append(fact.requested_on)
        _move(net, fact.counts_as, "open", fact.was_on)
        _move(net, "open", fact.counts_as, fact.requested_on)

    def handed(self, happened: Iterable[Happened]) -> None:
        """What one referral's history has made its request count as, if a correction speaks of it."""
        made: Handed | None = None
        for _told, _document, fact in happened:
            if isinstance(fact, Handed):
                made = fact
                if fact.request_id not in self._dropped and fact.request_id not in self.days:
                    return
                unmet = not fact.issued_on
                if unmet or fact.is_first:
                    was = "open" if fact.is_first else "referred"
                    _move(self._nets[fact.request_id], was, "unmet" if unmet else "referred", fact.requested)
            elif isinstance(fact, Settled) and made is not None:
                _move(self._nets[made.request_id], "unmet", "referred", fact.requested_on or made.requested)

    def stands(self, referral: Referral) -> None:
        """How one referral ends up."""
        if referral.is_open and referral.handed.request_id in self._dropped:
            self._open.append((referral.referral_id, referral.handed.request_id))

    def compare(self) -> Check:
        """Bring both sides together."""
        check = self._check
        for request, is_heard in self._dropped.items():
            if self._told_dropped[request] != is_heard:
                times = self._told_dropped[request]
                check.fault(
                    f"request {request} was taken back {times} times, {'once' if is_heard else 'never'} is right"
                )
        for request in self._told_dropped.keys() - self._dropped.keys():
            check.fault(f"request {request} was taken back, which nobody asked for")
        for request in sorted(self._redated.keys() | self._told_redated.keys()):
            if self._redated[request] != self._told_redated[request]:
                told = ", ".join(self._told_redated[request]) or "on no other day"
                check.fault(f"request {request} counts {told}, its visit was on {', '.join(self._redated[request])}")
        for referral, request in self._open:
            if self._told_dropped[request]:
                check.fault(f"{referral} is open, its request {request} was taken back")
        for request, net in sorted(self._nets.items()):
            self._net(request, {key: count for key, count in net.items() if count})
        check.seen = f"{self._count:,} corrections and voids, each followed"
        return check

    def _net(self, request: str, net: dict[tuple[str, str], int]) -> None:
        if self._told_dropped[request]:
            if net:
                self._check.fault(f"request {request} was taken back, and still counts as {_said(net)}")
            return
        days = self._told_redated[request]
        if not days:
            return
        right = [{("open", days[-1]): -1, (status, days[-1]): 1} for status in ("referred", "unmet")]
        if net not in right:
            self._check.fault(f"request {request} was moved to {days[-1]}, and counts as {_said(net)}")


def _move(net: _Counts, was: str, becomes: str, day: str) -> None:
    net[was, day] -= 1
    net[becomes, day] += 1


def _said(net: dict[tuple[str, str], int]) -> str:
    return ", ".join(f"{count:+} {status} on {day}" for (status, day), count in sorted(net.items())) or "nothing"
