"""Places kept in permanences, and permanences called off: what an event adds to which figures. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from services.stats.facts import Told
from services.stats.waiting import Counter
from shared.catalogue.openings import day_of
from shared.events.referral import Moved, PermanenceCancelled

PLACES, CALLED_OFF = "places", "permanences_cancelled"
PERMANENCE = "permanence"
"""Called-off permanences are kept by their id as well: the review takes them out of the plan."""


class Kept(NamedTuple):
    """A place that is kept in a permanence of that day; `step` -1 = it is free again."""

    day: str
    site: str
    partner: str
    step: int


class CalledOff(NamedTuple):
    """A permanence that does not take place."""

    permanence_id: str
    day: str
    site: str
    partner: str


def kept(event: Moved) -> tuple[Kept, ...]:
    """What a move does to places; nothing where it was told before they were counted."""
    if event.keeps == event.frees:
        return ()
    days = ((event.frees, -1), (event.keeps, 1))
    found = [(day_of(permanence), step) for permanence, step in days if permanence is not None]
    return tuple([Kept(when[1].isoformat(), when[0], event.partner, step) for when, step in found if when is not None])


def called_off(envelope: Told) -> CalledOff | None:
    """The permanence that an event calls off; None for any other."""
    event = envelope.event
    if not isinstance(event, PermanenceCancelled):
        return None
    return CalledOff(event.permanence_id, event.starts_at[:10], event.site, event.partner)


def counters(one: Kept | CalledOff) -> Iterator[tuple[Counter, int]]:
    """What it adds to which counters of the day of the permanence."""
    figure, step = (PLACES, one.step) if isinstance(one, Kept) else (CALLED_OFF, 1)
    for dimension, value in (("total", ""), ("partner", one.partner)):
        yield (figure, dimension, value, one.site, one.day), step
    if isinstance(one, CalledOff):
        yield (figure, PERMANENCE, one.permanence_id, one.site, one.day), step
