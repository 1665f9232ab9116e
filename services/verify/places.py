"""Places kept in permanences, and permanences called off, as the audit counts them: from the history of each.

A booking of before places were counted says nothing of its place, and neither does what gives it back.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.verify.documents import BOOKED, Document, Moved, Off, Unreadable, read_data, read_document
from services.verify.histories import Told


class Place(NamedTuple):
    """A place kept in a permanence."""

    permanence_id: str
    place: int
    starts_at: str


class CalledOff(NamedTuple):
    """A permanence that does not take place, as its stream says first."""

    told: Told
    document: Document
    fact: Off

    @property
    def row(self) -> tuple[str, str, str]:
        """Its row of `permanence_cancellations`."""
        return self.fact.permanence_id, self.fact.partner, self.document.time


def called_off(stream: str, told: Sequence[Told]) -> CalledOff | None:
    """The permanence that a stream calls off; None for the stream of anything else."""
    if not stream.startswith("permanence-"):
        return None
    try:
        document = read_document(told[0].entry)
        fact = read_data(document)
    except Unreadable:
        return None
    return CalledOff(told[0], document, fact) if isinstance(fact, Off) else None


def fault(was: Place | None, now: Place | None, document: Document, fact: Moved) -> str | None:
    """What is wrong with what a move says of the counted places before and after it."""
    before, after = (place.permanence_id if place else None for place in (was, now))
    right = (before, after) if before != after or (document.type == BOOKED and after) else (None, None)
    if (fact.frees, fact.keeps) == right:
        return None
    return f"frees a place in {fact.frees} and keeps one in {fact.keeps}, it was {right[0]} and {right[1]}"


def steps(was: Place | None, now: Place | None, partner: str) -> Iterator[tuple[str, str, str, int]]:
    """What a move from the one counted place to the other adds: dimension, value, day, step."""
    for place, step in ((was, -1), (now, 1)):
        if place is not None:
            for dimension, value in (("total", ""), ("partner", partner)):
                yield dimension, value, place.starts_at[:10], step
