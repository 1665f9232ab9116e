"""How long referrals waited for a first answer, and for an outcome: what a move adds to which figures. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from services.stats.waiting import Counter
from shared.events.referral import Moved, ReferralMoveUndone

ANSWERS, ANSWER_DAYS, OUTCOMES, OUTCOME_DAYS = "answers", "answer_days", "outcomes", "outcome_days"
DELAYS = ("000", "001-002", "003-007", "008-014", "015-030", "031+")
"""Whole days since the day of issue, from and to, both included. Names sort as the times do."""
_FROM_DAYS = (0, 1, 3, 8, 15, 31)


class Delayed(NamedTuple):
    """A first answer or an outcome (`figure`), and its days (`days_figure`); `step` -1 = it is none any more."""

    figure: str
    days_figure: str
    day: str
    site: str
    partner: str
    days: int
    step: int


def delayed(event: Moved) -> tuple[Delayed, ...]:
    """What a move tells of delays; nothing where it was told before there were any."""
    found: list[Delayed] = []
    where = event.issued_on, event.site, event.partner
    if event.answer_days is not None:
        step = -1 if isinstance(event, ReferralMoveUndone) else 1
        found.append(Delayed(ANSWERS, ANSWER_DAYS, *where, event.answer_days, step))
    if event.outcome_days is not None:
        # Brought by a completion, or by what undoes a reopening; taken back by their opposites.
        step = 1 if event.becomes == "completed" else -1
        found.append(Delayed(OUTCOMES, OUTCOME_DAYS, *where, event.outcome_days, step))
    return tuple(found)


def counters(delay: Delayed) -> Iterator[tuple[Counter, int]]:
    """What it adds to which counters of the day of issue."""
    figure, days_figure, day, site, partner, days, step = delay
    for dimension, value in (("total", ""), ("partner", partner), ("delay", delay_of(days))):
        yield (figure, dimension, value, site, day), step
    for dimension, value in (("total", ""), ("partner", partner)):
        yield (days_figure, dimension, value, site, day), step * days


def delay_of(days: int) -> str:
    """Which of `DELAYS` so many days are."""
    return next(name for name, start in zip(reversed(DELAYS), reversed(_FROM_DAYS), strict=True) if days >= start)
