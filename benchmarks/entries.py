"""The events that every measurement is made with: recorded visits, about 450 bytes an entry."""

from collections.abc import Sequence

import msgspec

from shared import envelope
from shared.clock import utc_now
from shared.envelope import Envelope
from shared.events.intake import CaseOpened, RequestMade, VisitRecorded
from shared.ids import new_id
from shared.log import NEW, Append, partition_of

SITE = "fontaine-d-ouche"
CATEGORIES = ("social_rights", "financial", "employment", "health", "housing", "legal")


def visit(number: int) -> VisitRecorded:
    """A visit with one request; `number` chooses its category. A partner of the first house answers each."""
    request = RequestMade(request_id=new_id(), category=CATEGORIES[number % len(CATEGORIES)])
    return VisitRecorded(visit_id=new_id(), case_id=new_id(), site=SITE, channel="in_person", requests=(request,))


def visits(count: int, partitions: int = 1) -> list[Append]:
    """`count` appends of one visit each, on a case of its own."""
    now = envelope.timestamp(utc_now())
    return [_append([recorded], recorded, now, partitions) for recorded in map(visit, range(count))]


def openings(count: int) -> list[Append]:
    """`count` events as the front desk writes them: half as many appends, each opens a case and records a visit."""
    now = envelope.timestamp(utc_now())
    return [
        _append([CaseOpened(recorded.case_id, recorded.site), recorded], recorded, now, 1)
        for recorded in map(visit, range(count // 2))
    ]


def visit_entries(count: int) -> list[tuple[str, bytes]]:
    """(stream, entry) of `visits`, at the positions 1 to `count` of a partition."""
    return entries(visits(count))


def opening_entries(count: int) -> list[tuple[str, bytes]]:
    """(stream, entry) of `openings`, at the positions 1 to `count` of a partition."""
    return entries(openings(count))


def entries(appends: Sequence[Append]) -> list[tuple[str, bytes]]:
    """(stream, entry) of all their events: what the log would make of them."""
    found: list[tuple[str, bytes]] = []
    for append in appends:
        for version, event in enumerate(append.events, start=1):
            position = len(found) + 1
            document = Envelope(
                specversion=envelope.SPEC_VERSION,
                id=envelope.event_id("intake", 0, position),
                source="intake",
                type=event.event_type,
                stream=append.stream,
                occurred_at=append.occurred_at,
                recorded_at=append.occurred_at,
                sequence=f"{position:010}",
                version=version,
                data=msgspec.Raw(envelope.encode(event)),
            )
            found.append((append.stream, envelope.encode(document)))
    return found


def _append(events: Sequence[CaseOpened | VisitRecorded], recorded: VisitRecorded, now: str, partitions: int) -> Append:
    return Append(f"case-{recorded.case_id}", events, NEW, now, partition_of(recorded.case_id, partitions))
