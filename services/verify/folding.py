"""What a referral is after its history: the audit's own account, for the read models and the figures to agree with."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from services.verify import delays, places
from services.verify.checks import Check
from services.verify.delays import Delays
from services.verify.documents import (
    ACCEPTED,
    BOOKED,
    CANCELLED,
    COMPLETED,
    ISSUED,
    MISSED,
    MOVES,
    RECEIVED,
    REOPENED,
    UNDONE,
    WALKED,
    Chased,
    Document,
    DroppedNeed,
    Handed,
    Moved,
    Settled,
    Unreadable,
    read_data,
    read_document,
)
from services.verify.histories import Told
from services.verify.moves import ALLOWED_FROM, FREES_ITS_PLACE, OPEN
from services.verify.places import Place


class Happened(NamedTuple):
    """A readable event of a referral."""

    told: Told
    document: Document
    fact: Handed | Moved | Chased | Settled | DroppedNeed


class Walk(NamedTuple):
    """A walk to a partner's door that has ended: `received` or `left`."""

    day: str
    result: str
    minutes: int


class Held(NamedTuple):
    """What a move may change, and an undo brings back. `walked_at`: on the way since then."""

    status: str
    outcome: str | None = None
    reason: str | None = None
    place: Place | None = None
    is_taken_on: bool = False
    walked_at: str | None = None
    walk: Walk | None = None
    delays: Delays = Delays()
    is_counted: bool = False

    @property
    def counted(self) -> Place | None:
        """Its place, if that was said to be kept for the figures."""
        return self.place if self.is_counted else None


class Referral(msgspec.Struct):
    """A request handed over, and how far it has come. `unmet`: to nobody."""

    referral_id: str
    handed: Handed
    unmet: bool
    position: int
    issued_at: str
    held: Held
    version: int
    queued_at: str
    moved_at: str | None = None
    chased: int = 0
    before: Held | None = None
    is_touched: bool = False
    followers: list[tuple[str, str]] = []

    @property
    def is_open(self) -> bool:
        """Something is still expected of somebody."""
        return self.held.status in OPEN or self.held.status == "unmet"

    def queue_item(self) -> tuple[Any, ...]:
        """Its row of `queue_items`."""
        made, held = self.handed, self.held
        return (
            self.referral_id, made.partner, self.position, made.request_id, made.visit_id, made.case_id, made.site,
            made.category, made.topic, held.status, held.outcome, held.reason, self.issued_at, self.version,
            self.is_open, self.queued_at, self.chased, self.moved_at, self.before is not None, made.safe_to_contact,
            made.replaces, *(held.place or (None, None, None)),
        )  # fmt: skip

    def visit_referral(self) -> tuple[Any, ...]:
        """Its row of `visit_referrals`."""
        made, held = self.handed, self.held
        return (
            self.referral_id, made.visit_id, made.request_id, made.partner, held.status, held.outcome, held.reason,
            self.version, self.issued_at,
        )  # fmt: skip

    def booking(self) -> tuple[Any, ...] | None:
        """Its row of `bookings`, if it holds a place."""
        place = self.held.place
        return (self.referral_id, place.permanence_id, place.place) if place else None


class Step(NamedTuple):
    """An event, what the referral was before it, and what it is now."""

    happened: Happened
    was: Held | None
    referral: Referral


def read_history(told: Iterable[Told]) -> list[Happened]:
    """The events that can be read and mean something. The others are found at fault elsewhere."""
    happened = []
    for one in told:
        try:
            document = read_document(one.entry)
            fact = read_data(document)
        except Unreadable:
            continue
        if isinstance(fact, Handed | Moved | Chased | Settled | DroppedNeed):
            happened.append(Happened(one, document, fact))
    return happened


def fold(stream: str, happened: Iterable[Happened], moves: Check | None = None) -> Referral | None:
    """The referral that these events lead to; None when it was never handed over."""
    referral = None
    for step in steps(stream, happened, moves):
        referral = step.referral
    return referral


def steps(stream: str, happened: Iterable[Happened], moves: Check | None = None) -> Iterator[Step]:
    """Each event and what it makes of the referral; `moves` is told of what no rule allows."""
    referral = None
    for one in happened:
        if isinstance(one.fact, Handed):
            referral = _handed(stream, one, one.fact)
            yield Step(one, None, referral)
        elif referral is not None:
            was = referral.held
            if moves and (fault := _fault(referral, one)):
                moves.fault(f"{stream} version {one.told.version}: {fault}")
            _take(referral, one)
            if moves and isinstance(one.fact, Moved):
                now = referral.held
                for fault in (
                    delays.fault(was.delays, now.delays, one.fact),
                    places.fault(was.counted, now.counted, one.document, one.fact),
                ):
                    if fault:
                        moves.fault(f"{stream} version {one.told.version}: {fault}")
            yield Step(one, was, referral)


def _handed(stream: str, one: Happened, fact: Handed) -> Referral:
    issued = one.document.type == ISSUED
    held = Held("issued") if issued else Held("unmet", reason=fact.reason)
    return Referral(
        stream.removeprefix("referral-"), fact, not issued, one.told.position, one.document.time, held,
        one.told.version, one.document.recordedtime,
    )  # fmt: skip


def _fault(referral: Referral, one: Happened) -> str | None:
    """What is wrong with an event at this point of the history."""
    held, kind, fact = referral.held, one.document.type, one.fact
    if isinstance(fact, Settled | DroppedNeed):
        ended = "settled" if isinstance(fact, Settled) else "dropped"
        return None if held.status == "unmet" else f"a need was {ended} that is {held.status}"
    if isinstance(fact, Chased):
        return None if held.status in OPEN else f"an answer was asked for that is {held.status}"
    if not isinstance(fact, Moved):
        return None
    if fact.was != held.status:
        return f"says that it was {fact.was}, it was {held.status}"
    if kind == UNDONE:
        return _fault_of_undo(referral, fact)
    if held.status not in ALLOWED_FROM[kind]:
        return f"{kind.split('.')[1]} from {held.status}"
    if kind == CANCELLED and fact.back_to != ("accepted" if held.is_taken_on else "issued"):
        return f"falls back to {fact.back_to}"
    if kind == COMPLETED and not fact.outcome:
        return "completed without an outcome"
    if kind == BOOKED and not 1 <= (fact.place or 0) <= (fact.places or fact.place or 0):
        return f"place {fact.place} of {fact.places}"
    return None


def _fault_of_undo(referral: Referral, fact: Moved) -> str | None:
    before = referral.before
    if before is None:
        return "undoes what cannot be undone"
    said = (fact.back_to, fact.outcome, fact.reason, _place(fact))
    right = (before.status, before.outcome, before.reason, before.place)
    return None if said == right else f"goes back to {fact.back_to}, and not to what was before"


def _take(referral: Referral, one: Happened) -> None:
    referral.version = one.told.version
    fact, document = one.fact, one.document
    if isinstance(fact, Chased):
        referral.chased = 1 if document.type.split(".")[1] == "reminded" else 2
        return
    referral.moved_at = document.time
    if isinstance(fact, Settled):
        referral.held = referral.held._replace(status="rerouted")
        referral.followers.append((fact.follower, "settled"))
        return
    if isinstance(fact, DroppedNeed):
        referral.held = referral.held._replace(status="withdrawn", reason=fact.because)
        return
    assert isinstance(fact, Moved)
    referral.chased, referral.is_touched = 0, True
    if fact.follower:
        referral.followers.append((fact.follower, document.type.split(".")[1]))
    before = None if document.type in (UNDONE, CANCELLED) else referral.held
    referral.held = _moved(referral, document, fact)
    referral.before = before
    if document.type == REOPENED:
        referral.queued_at = document.recordedtime


def _moved(referral: Referral, document: Document, fact: Moved) -> Held:
    held, kind = referral.held, document.type
    if kind == UNDONE:
        back = referral.before or held
        return back._replace(status=fact.back_to, outcome=fact.outcome, reason=fact.reason, place=_place(fact))
    becomes = MOVES[kind] or fact.back_to
    walk = _walk(held, document) if kind in (RECEIVED, MISSED) else None
    waited = held.delays.after(document, fact, referral.handed.day)
    after = held._replace(status=becomes, outcome=fact.outcome, reason=fact.reason, walk=walk, delays=waited)
    if becomes in FREES_ITS_PLACE or kind == CANCELLED:
        after = after._replace(place=None)
    if kind == CANCELLED:
        return after._replace(walked_at=None)
    if kind == ACCEPTED:
        return after._replace(is_taken_on=True)
    if kind == BOOKED:
        return after._replace(place=_place(fact), is_counted=fact.keeps is not None, walked_at=None)
    if kind == WALKED:
        return after._replace(walked_at=document.time)
    if kind in (RECEIVED, MISSED):
        return after._replace(walked_at=None)
    if kind == REOPENED:
        return Held("issued", reason=fact.reason, delays=waited)
    return after


def _place(fact: Moved) -> Place | None:
    return Place(fact.permanence_id, fact.place or 0, fact.starts_at or "") if fact.permanence_id else None


def _walk(held: Held, document: Document) -> Walk | None:
    if held.walked_at is None:
        return None
    waited = datetime.fromisoformat(document.time) - datetime.fromisoformat(held.walked_at)
    result = "received" if document.type == RECEIVED else "left"
    return Walk(document.day, result, max(0, int(waited.total_seconds() // 60)))
