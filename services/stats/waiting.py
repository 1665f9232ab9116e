"""What the waiting room and the invitations add to which figures: pure, for `projections.py`."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.envelope import Envelope
from shared.events.desk import InvitationGiven, InvitationUsed, VisitorArrived, VisitorLeft, VisitorReceived

ARRIVALS, WAITING, INVITATIONS = "arrivals", "waiting", "invitations"
WAITS = ("00-04", "05-09", "10-19", "20-39", "40+")
"""How long somebody waited: whole minutes, from and to, both included. Names sort as the times do."""
_FROM_MIN = (0, 5, 10, 20, 40)

Counter = tuple[str, str, str, str, str]
"""Figure, dimension, value, site, day."""


class Moved(NamedTuple):
    """One arrival or invitation that is something else now; `was` None: it is new. All under its first day."""

    figure: str
    day: str
    site: str
    was: str | None
    becomes: str
    waited_min: int | None = None


def moved(envelope: Envelope) -> Moved | None:
    """What an event moves; None when it is none of these."""
    event = envelope.event
    match event:
        case VisitorArrived(site=site):
            return Moved(ARRIVALS, envelope.local_day, site, None, "waiting")
        case VisitorReceived(site=site, arrived_on=day, waited_min=waited_min):
            return Moved(ARRIVALS, day, site, "waiting", "received", waited_min)
        case VisitorLeft(site=site, arrived_on=day, waited_min=waited_min):
            return Moved(ARRIVALS, day, site, "waiting", "left", waited_min)
        case InvitationGiven(site=site):
            return Moved(INVITATIONS, envelope.local_day, site, None, "given")
        case InvitationUsed(site=site, given_on=day):
            return Moved(INVITATIONS, day, site, "given", "used")
    return None


def counters(move: Moved) -> Iterator[tuple[Counter, int]]:
    """What it adds to which counters of its day."""
    figure, day, site, was, becomes, waited_min = move
    by = "result" if figure == ARRIVALS else "status"
    if was is None:
        yield (figure, "total", "", site, day), 1
    else:
        yield (figure, by, was, site, day), -1
    yield (figure, by, becomes, site, day), 1
    if waited_min is not None:
        yield (figure, "wait", wait_of(waited_min), site, day), 1
        yield (WAITING, "total", "", site, day), waited_min
        yield (WAITING, "result", becomes, site, day), waited_min


def wait_of(minutes: int) -> str:
    """Which of `WAITS` so many minutes are."""
    return next(name for name, start in zip(reversed(WAITS), reversed(_FROM_MIN), strict=True) if minutes >= start)
