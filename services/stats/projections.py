"""What an event adds to which figures: where a visit is counted.

Events that would be counted alike are first gathered under what they have in common (`signature`), so that a
thousand visits cost as many look-ups as they have different days, channels and categories.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.envelope import Envelope
from shared.events.intake import VisitRecorded
from shared.events.referral import (
    NeedUnmet,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralIssued,
)

TOTAL = "total"
VISITS, REQUESTS, REFERRALS = "visits", "requests", "referrals"


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


class _Issued(NamedTuple):
    day: str
    site: str
    category: str
    partner: str


class _Unmet(NamedTuple):
    day: str
    site: str


class _Moved(NamedTuple):
    day: str
    site: str
    was: str
    becomes: str


Signature = _Visit | _Issued | _Unmet | _Moved


def count(batch: Sequence[Envelope]) -> Counter[Tally]:
    """What a batch of events adds up to. Raises when an event is not to be understood."""
    seen = Counter(found for envelope in batch if (found := signature(envelope)) is not None)
    totals: Counter[Tally] = Counter()
    for alike, times in seen.items():
        for tally, step in _tallies(alike):
            totals[tally] += step * times
    return totals


def signature(envelope: Envelope) -> Signature | None:
    """All that counting needs to know of an event; None when it counts for nothing."""
    event = envelope.event
    match event:
        case VisitRecorded():
            requests = tuple((request.category, request.answered) for request in event.requests)
            return _Visit(envelope.local_day, event.site, event.channel, requests)
        case ReferralIssued():
            return _Issued(event.issued_on, event.site, event.category, event.partner)
        case NeedUnmet():
            return _Unmet(event.found_on, event.site)
        case ReferralAccepted():
            return _Moved(event.issued_on, event.site, event.was, "accepted")
        case ReferralDeclined():
            return _Moved(event.issued_on, event.site, event.was, "declined")
        case ReferralCompleted():
            return _Moved(event.issued_on, event.site, event.was, "completed")
    return None


def _tallies(alike: Signature) -> Iterator[tuple[Tally, int]]:
    match alike:
        case _Visit():
            yield from _visit(alike)
        case _Issued(day, site, category, partner):
            yield Tally(REFERRALS, TOTAL, "", site, day), 1
            yield Tally(REFERRALS, "category", category, site, day), 1
            yield Tally(REFERRALS, "partner", partner, site, day), 1
            yield Tally(REFERRALS, "status", "issued", site, day), 1
            yield from _request_moves("referred", site, day)
        case _Unmet(day, site):
            yield from _request_moves("unmet", site, day)
        case _Moved(day, site, was, becomes):
            # Dated by the day of issue, so that a figure of a day adds up whenever it is asked for.
            yield Tally(REFERRALS, "status", was, site, day), -1
            yield Tally(REFERRALS, "status", becomes, site, day), 1


def _visit(visit: _Visit) -> Iterator[tuple[Tally, int]]:
    day, site, channel, requests = visit
    yield Tally(VISITS, TOTAL, "", site, day), 1
    yield Tally(VISITS, "channel", channel, site, day), 1
    # A visit counts once under each category that it brought, however many requests of it there were.
    for category in {category for category, _ in requests}:
        yield Tally(VISITS, "category", category, site, day), 1
    for category, answered in requests:
        yield Tally(REQUESTS, TOTAL, "", site, day), 1
        yield Tally(REQUESTS, "category", category, site, day), 1
        yield Tally(REQUESTS, "channel", channel, site, day), 1
        yield Tally(REQUESTS, "status", "answered" if answered else "open", site, day), 1


def _request_moves(becomes: str, site: str, day: str) -> Iterator[tuple[Tally, int]]:
    yield Tally(REQUESTS, "status", "open", site, day), -1
    yield Tally(REQUESTS, "status", becomes, site, day), 1
