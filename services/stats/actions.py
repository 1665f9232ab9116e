"""What collective actions add to which figures: the sessions held, and everybody who was there. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from services.stats.facts import Told
from services.stats.waiting import Counter
from shared.events.intake import CollectiveActionHeld, CollectiveActionVoided, HeadcountCorrected

ACTIONS, ATTENDANCES = "actions", "attendances"


class Attended(NamedTuple):
    """So many more, or fewer, sessions of one kind, and people at them."""

    day: str
    site: str
    kind: str
    category: str
    partners: tuple[str, ...]
    sessions: int
    heads: int


def attended(envelope: Told) -> Attended | None:
    """What an event adds; None when it is none of these."""
    event = envelope.event
    match event:
        case CollectiveActionHeld():
            return _attended(event, 1, event.headcount)
        case HeadcountCorrected(was, headcount):
            return _attended(was, 0, headcount - was.headcount)
        case CollectiveActionVoided(was):
            return _attended(was, -1, -was.headcount)
    return None


def counters(attended: Attended) -> Iterator[tuple[Counter, int]]:
    """What it adds to which counters of its day. Several partners of one action each count it."""
    day, site, kind, category, partners, sessions, heads = attended
    divided = [("total", ""), ("kind", kind), ("category", category), *(("partner", one) for one in partners)]
    for dimension, value in divided:
        yield (ACTIONS, dimension, value, site, day), sessions
        yield (ATTENDANCES, dimension, value, site, day), heads


def partners_of(held: CollectiveActionHeld) -> tuple[str, ...]:
    """The partners that led an action or spoke at it, each once."""
    return tuple(sorted({*held.leaders, *held.speakers}))


def _attended(held: CollectiveActionHeld, sessions: int, heads: int) -> Attended:
    day = held.held_at[:10]
    return Attended(day, held.site, held.kind, held.category, partners_of(held), sessions, heads)
