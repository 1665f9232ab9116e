"""What the waiting room and the invitations add to which figures: pure, for `projections.py`."""

from collections.abc import Iterator
from typing import NamedTuple

from services.stats.facts import Told
from shared.events.desk import (
    ArrivalUndone,
    InvitationGiven,
    InvitationUsed,
    InvitationWithdrawn,
    VisitorArrived,
    VisitorLeft,
    VisitorReceived,
)

ARRIVALS, WAITING, INVITATIONS = "arrivals", "waiting", "invitations"
WAITS = ("00-04", "05-09", "10-19", "20-39", "40+")
"""How long somebody waited: whole minutes, from and to, both included. Names sort as the times do."""
_FROM_MIN = (0, 5, 10, 20, 40)

Counter = tuple[str, str, str, str, str]
"""Figure, dimension, value, site, day."""


class Moved(NamedTuple):
    """One arrival or invitation that is something else now, all under its first day.

    `was` None: it is new; `becomes` None: it never was. `is_undone`: the minutes are taken back.
    """

    figure: str
    day: str
    site: str
    was: str | None
    becomes: str | None
    waited_min: int | None = None
    is_undone: bool = False


def moved(envelope: Told) -> Moved | None:
    """What an event moves; None when it is none of these."""
    event = envelope.event
    match event:
        case VisitorArrived(site=site):
            return Moved(ARRIVALS, envelope.local_day, site, None, "waiting")
        case VisitorReceived(site=site, arrived_on=day, waited_min=waited_min):
            return Moved(ARRIVALS, day, site, "waiting", "received", waited_min)
        case VisitorLeft(site=site, arrived_on=day, waited_min=waited_min):
            return Moved(ARRIVALS, day, site, "waiting", "left", waited_min)
        case ArrivalUndone(site=site, arrived_on=day, was=was, becomes=becomes, waited_min=waited_min):
            return Moved(ARRIVALS, day, site, was, None if becomes == "void" else becomes, waited_min, is_undone=True)
        case InvitationGiven(site=site):
            return Moved(INVITATIONS, envelope.local_day, site, None, "given")
        case InvitationUsed(site=site, given_on=day):
            return Moved(INVITATIONS, day, site, "given", "used")
        case InvitationWithdrawn(site=site, given_on=day):
            return Moved(INVITATIONS, day, site, "given", None)
    return None


def counters(move: Moved) -> Iterator[tuple[Counter, int]]:
    """What it adds to which counters of its day."""
    figure, day, site, was, becomes, waited_min, is_undone = move
    by = "result" if figure == ARRIVALS else "status"
    for stands, step in ((was, -1), (becomes, 1)):
        if stands is not None:
            yield (figure, by, stands, site, day), step
    if was is None or becomes is None:
        yield (figure, "total", "", site, day), 1 if was is None else -1
    if waited_min is not None:
        step, result = (-1, was) if is_undone else (1, becomes)
        yield (figure, "wait", wait_of(waited_min), site, day), step
        yield (WAITING, "total", "", site, day), step * waited_min
        yield (WAITING, "result", result or "", site, day), step * waited_min


def wait_of(minutes: int) -> str:
    """Which of `WAITS` so many minutes are."""
    return next(name for name, start in zip(reversed(WAITS), reversed(_FROM_MIN), strict=True) if minutes >= start)
