"""Who was where on which day, by an opaque id, and which ids are the same somebody: read off events, purely.

What an event adds to whom commutes with what any other adds, and an id's ties are told in its own stream: whatever
comes first, of several topics and partitions, the end is the same.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.stats.actions import partners_of
from services.stats.facts import Told
from shared.events.intake import (
    AttendanceRecorded,
    AttendanceWithdrawn,
    CasesMerged,
    CasesUnmerged,
    CollectiveActionVoided,
    PersonAttached,
    VisitCorrected,
    VisitRecorded,
    VisitVoided,
)
from shared.events.referral import ReferralIssued

PEOPLE, PARTICIPANTS = "people", "participants"
TOTAL, IDENTITY = "total", "identity"


class Presence(NamedTuple):
    """Somebody counts on this day at this site, under one value of one dimension. `who` is a case or a person."""

    figure: str
    dimension: str
    day: str
    site: str
    value: str
    who: str
    is_person: bool = False


@dataclass(frozen=True)
class Tied:
    """What a batch says of ties: case -> the case that it is read as a part of (None: of none), case -> its person."""

    kept: Mapping[str, str | None] = field(default_factory=dict)
    person: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.kept or self.person)


def presences(batch: Sequence[Told]) -> Counter[Presence]:
    """Who counts where after these events, or counts there no more."""
    found: Counter[Presence] = Counter()
    for envelope in batch:
        for presence, step in _presences(envelope):
            found[presence] += step
    return Counter({presence: step for presence, step in found.items() if step})


def ties(batch: Sequence[Told]) -> Tied:
    """What these events say of ties, the last word on each."""
    kept: dict[str, str | None] = {}
    person: dict[str, str] = {}
    for envelope in batch:
        match envelope.event:
            case PersonAttached(case_id=case_id, person_id=person_id):
                person[case_id] = person_id
            # A merge is told in both streams; heard in that of the absorbed case, the last word on a case is its own.
            case CasesMerged(kept=other, absorbed=absorbed) if _is_told_of(absorbed, envelope):
                kept[absorbed] = other
            case CasesUnmerged(absorbed=absorbed) if _is_told_of(absorbed, envelope):
                kept[absorbed] = None
    return Tied(kept, person)


def _is_told_of(case_id: str, envelope: Told) -> bool:
    return envelope.stream == f"case-{case_id}"


def _presences(envelope: Told) -> Iterator[tuple[Presence, int]]:
    event = envelope.event
    match event:
        case VisitRecorded():
            yield _visit(event, envelope.occurred_at), 1
        case VisitCorrected():
            yield _visit(event.was, event.was_at), -1
            yield _visit(event.now, event.now_at), 1
        case VisitVoided():
            yield _visit(event.was, event.was_at), -1
        case ReferralIssued(site=site, issued_on=day, partner=partner, case_id=case_id):
            yield Presence(PEOPLE, "partner", day, site, partner, case_id), 1
        case AttendanceRecorded():
            yield from ((presence, 1) for presence in _attendance(event))
        case AttendanceWithdrawn():
            yield from ((presence, -1) for presence in _attendance(event))
        case CollectiveActionVoided():
            yield from ((presence, -1) for presence in _voided(event))


def _visit(visit: VisitRecorded, at: str) -> Presence:
    return Presence(PEOPLE, TOTAL, at[:10], visit.site, "", visit.case_id)


def _attendance(event: AttendanceRecorded | AttendanceWithdrawn) -> Iterator[Presence]:
    who = event.person_id or event.case_id or ""
    partners = event.partners
    for dimension, value in _divided(event.kind, event.category, partners):
        yield Presence(PARTICIPANTS, dimension, event.held_on, event.site, value, who, event.person_id is not None)


def _voided(event: CollectiveActionVoided) -> Iterator[Presence]:
    held = event.was
    named = [*((who, False) for who in event.cases), *((who, True) for who in event.people)]
    for dimension, value in _divided(held.kind, held.category, partners_of(held)):
        for who, is_person in named:
            yield Presence(PARTICIPANTS, dimension, held.held_at[:10], held.site, value, who, is_person)


def _divided(kind: str, category: str, partners: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield TOTAL, ""
    yield "kind", kind
    yield "category", category
    yield from (("partner", partner) for partner in partners)
