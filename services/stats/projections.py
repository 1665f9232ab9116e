"""What an event adds to which figures: where a visit is counted.

Events that would be counted alike are first gathered under what they have in common (`signature`), so that a
thousand visits cost as many look-ups as they have different days, channels and categories.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.stats import actions, delays, places, waiting
from services.stats.facts import Told
from shared.events.intake import VisitCorrected, VisitRecorded, VisitVoided
from shared.events.needs import NeedDropped, NeedSettled, NeedUnmet, RequestDropped, RequestRedated
from shared.events.referral import Moved, PersonMissed, PersonReceived, ReferralIssued, ReferralMoveUndone

TOTAL = "total"
VISITS, REQUESTS, REFERRALS = "visits", "requests", "referrals"
HANDOVERS, MINUTES, NEEDS = "handovers", "minutes_to_partner", "needs"
RECEIVED, LEFT = "received", "left"


class Tally(NamedTuple):
    """One counter of one local day at one site; `value` is empty for the total."""

    figure: str
    dimension: str
    value: str
    site: str
    day: str


class _Visit(NamedTuple):
    day: str
    site: str
    channel: str
    requests: tuple[tuple[str, bool], ...]
    language: str | None
    needs: tuple[str, ...]


class _Corrected(NamedTuple):
    """A visit that is not what it was: `now` None = it never was one."""

    was: _Visit
    now: _Visit | None


class _Issued(NamedTuple):
    day: str
    site: str
    category: str
    partner: str
    is_first: bool


class _Request(NamedTuple):
    day: str
    site: str
    was: str
    becomes: str


class _Need(NamedTuple):
    request: _Request
    found_on: str
    category: str
    reason: str
    step: int


class _Dropped(NamedTuple):
    """A need that is nobody's any more. What its request counts as, the request says itself."""

    found_on: str
    site: str
    category: str
    reason: str


class _Redated(NamedTuple):
    """A request that counts as this on another day."""

    was_on: str
    requested_on: str
    site: str
    counts_as: str


class _Walk(NamedTuple):
    """A walk to a partner's door that came to its end: `step` -1 = that was a mistake."""

    day: str
    site: str
    partner: str
    result: str
    minutes: int
    step: int


class _Moved(NamedTuple):
    day: str
    site: str
    was: str
    becomes: str
    walk: _Walk | None
    delays: tuple[delays.Delayed, ...]
    places: tuple[places.Kept, ...]


Signature = (
    _Visit | _Corrected | _Issued | _Request | _Redated | _Need | _Dropped | _Moved | waiting.Moved | actions.Attended
    | places.CalledOff
)  # fmt: skip


def count(batch: Sequence[Told]) -> Counter[Tally]:
    """What a batch of events adds up to. Raises when an event is not to be understood."""
    seen = Counter(found for envelope in batch if (found := signature(envelope)) is not None)
    totals: Counter[Tally] = Counter()
    for alike, times in seen.items():
        for tally, step in _tallies(alike):
            totals[tally] += step * times
    return totals


def signature(envelope: Told) -> Signature | None:  # noqa: C901 - a case for each event that counts
    """All that counting needs to know of an event; None when it counts for nothing."""
    event = envelope.event
    match event:
        case VisitRecorded():
            return _recorded(event, envelope.occurred_at)
        case VisitCorrected():
            return _Corrected(_recorded(event.was, event.was_at), _recorded(event.now, event.now_at))
        case VisitVoided():
            return _Corrected(_recorded(event.was, event.was_at), None)
        case ReferralIssued():
            # A request that goes to a second partner, after or beside the first, was counted as referred already.
            is_first = event.replaces is None and not event.beside
            return _Issued(event.issued_on, event.site, event.category, event.partner, is_first)
        case NeedUnmet():
            request = _Request(event.requested_on or event.found_on, event.site, event.request_was, "unmet")
            return _Need(request, event.found_on, event.category, event.reason, 1)
        case NeedSettled():
            request = _Request(event.requested_on, event.site, "unmet", "referred")
            return _Need(request, event.found_on or "", event.category or "", event.reason or "", -1)
        case NeedDropped():
            return _Dropped(event.found_on, event.site, event.category, event.reason)
        case RequestDropped():
            # What it was before anybody had it, the visit has taken off itself.
            return _Request(event.requested_on, event.site, event.was, "open")
        case RequestRedated():
            return _Redated(event.was_on, event.requested_on, event.site, event.counts_as)
        case Moved():
            walk = _walk(event, envelope.local_day)
            told = (walk, delays.delayed(event), places.kept(event))
            return _Moved(event.issued_on, event.site, event.was, event.becomes, *told)
    return waiting.moved(envelope) or actions.attended(envelope) or places.called_off(envelope)


def _recorded(visit: VisitRecorded, at: str) -> _Visit:
    """What counts of a visit that happened at that moment (RFC 3339, the site's offset)."""
    requests = tuple([(request.category, request.answered) for request in visit.requests])
    return _Visit(at[:10], visit.site, visit.channel, requests, visit.language, visit.needs)


def _walk(event: Moved, day: str) -> _Walk | None:
    """The end of a walk that an event tells of, or takes back."""
    if not isinstance(event, PersonReceived | PersonMissed | ReferralMoveUndone) or event.waited_min is None:
        return None
    undone = isinstance(event, ReferralMoveUndone)
    last = event.was if undone else event.becomes
    result = RECEIVED if last == "received" else LEFT
    return _Walk(event.walk_ended_on or day, event.site, event.partner, result, event.waited_min, -1 if undone else 1)


def _tallies(alike: Signature) -> Iterator[tuple[Tally, int]]:  # noqa: C901, PLR0912 - a case for each signature
    match alike:
        case _Visit():
            yield from _visit(alike)
        case _Corrected(was, now):
            yield from ((tally, -step) for tally, step in _visit(was))
            if now is not None:
                yield from _visit(now)
        case _Issued(day, site, category, partner, is_first):
            yield Tally(REFERRALS, TOTAL, "", site, day), 1
            yield Tally(REFERRALS, "category", category, site, day), 1
            yield Tally(REFERRALS, "partner", partner, site, day), 1
            yield Tally(REFERRALS, "status", "issued", site, day), 1
            if is_first:
                yield from _request_moves("open", "referred", site, day)
        case _Request(day, site, was, becomes):
            yield from _request_moves(was, becomes, site, day)
        case _Redated(was_on, requested_on, site, counts_as):
            yield from _request_moves(counts_as, "open", site, was_on)
            yield from _request_moves("open", counts_as, site, requested_on)
        case _Need(request):
            yield from _request_moves(request.was, request.becomes, request.site, request.day)
            if alike.found_on:
                yield from _need(alike.found_on, request.site, alike.category, alike.reason, alike.step)
        case _Dropped(found_on, site, category, reason):
            yield from _need(found_on, site, category, reason, -1)
        case _Moved(day, site, was, becomes, walk, waited, kept):
            # Dated by the day of issue, so that a figure of a day adds up whenever it is asked for.
            yield Tally(REFERRALS, "status", was, site, day), -1
            yield Tally(REFERRALS, "status", becomes, site, day), 1
            if walk is not None:
                yield from _walked(walk)
            for delay in waited:
                yield from ((Tally(*counter), step) for counter, step in delays.counters(delay))
            for place in kept:
                yield from ((Tally(*counter), step) for counter, step in places.counters(place))
        case waiting.Moved():
            yield from ((Tally(*counter), step) for counter, step in waiting.counters(alike))
        case actions.Attended():
            yield from ((Tally(*counter), step) for counter, step in actions.counters(alike))
        case places.CalledOff():
            yield from ((Tally(*counter), step) for counter, step in places.counters(alike))


def _need(day: str, site: str, category: str, reason: str, step: int) -> Iterator[tuple[Tally, int]]:
    yield Tally(NEEDS, TOTAL, "", site, day), step
    yield Tally(NEEDS, "category", category, site, day), step
    yield Tally(NEEDS, "reason", reason, site, day), step


def _walked(walk: _Walk) -> Iterator[tuple[Tally, int]]:
    day, site, partner, result, minutes, step = walk
    yield Tally(HANDOVERS, TOTAL, "", site, day), step
    yield Tally(HANDOVERS, "partner", partner, site, day), step
    yield Tally(HANDOVERS, "result", result, site, day), step
    # Whoever left was not received: their minutes say nothing of how soon a partner receives.
    if result == RECEIVED:
        yield Tally(MINUTES, TOTAL, "", site, day), step * minutes
        yield Tally(MINUTES, "partner", partner, site, day), step * minutes


def _visit(visit: _Visit) -> Iterator[tuple[Tally, int]]:
    day, site, channel, requests, language, needs = visit
    yield Tally(VISITS, TOTAL, "", site, day), 1
    yield Tally(VISITS, "channel", channel, site, day), 1
    # A visit counts once under each category that it brought, however many requests of it there were.
    for category in {category for category, _ in requests}:
        yield Tally(VISITS, "category", category, site, day), 1
    # Of a visit of which nothing was said, nothing is counted: most speak French, and nobody writes it down.
    if language:
        yield Tally(VISITS, "language", language, site, day), 1
    for need in needs:
        yield Tally(VISITS, "need", need, site, day), 1
    for category, answered in requests:
        yield Tally(REQUESTS, TOTAL, "", site, day), 1
        yield Tally(REQUESTS, "category", category, site, day), 1
        yield Tally(REQUESTS, "channel", channel, site, day), 1
        yield Tally(REQUESTS, "status", "answered" if answered else "open", site, day), 1


def _request_moves(was: str, becomes: str, site: str, day: str) -> Iterator[tuple[Tally, int]]:
    yield Tally(REQUESTS, "status", was, site, day), -1
    yield Tally(REQUESTS, "status", becomes, site, day), 1
