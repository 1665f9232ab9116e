"""How long a referral waited for a first answer and for an outcome: the audit's own reckoning, from its history.

An event of before delays were told says nothing of them, and counts for nothing: all others must say what is right.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from services.verify.documents import ACCEPTED, BOOKED, COMPLETED, DECLINED, MISSED, RECEIVED, WALKED, Document, Moved

ANSWERS = frozenset({ACCEPTED, DECLINED, BOOKED, WALKED, RECEIVED, MISSED, COMPLETED})
_CLASSES = ((31, "031+"), (15, "015-030"), (8, "008-014"), (3, "003-007"), (1, "001-002"), (0, "000"))


class Delays(NamedTuple):
    """What a referral has waited for. Days are None where there is nothing to count, or was when nobody counted."""

    is_answered: bool = False
    answer: int | None = None
    outcome: int | None = None

    def after(self, document: Document, fact: Moved, issued_on: str) -> "Delays":
        """After a move that is not taken back: a reopened referral was answered, and has an outcome no more."""
        days = max(0, (date.fromisoformat(document.day) - date.fromisoformat(issued_on)).days)
        after = self._replace(outcome=None)
        if document.type in ANSWERS and not self.is_answered:
            after = after._replace(is_answered=True, answer=None if fact.answer_days is None else days)
        if document.type == COMPLETED and fact.outcome_days is not None:
            after = after._replace(outcome=days)
        return after


def fault(was: Delays, now: Delays, fact: Moved) -> str | None:
    """What is wrong with what a move says of the delays that it changes."""
    for name, before, after, said in (
        ("first answer", was.answer, now.answer, fact.answer_days),
        ("outcome", was.outcome, now.outcome, fact.outcome_days),
    ):
        right = None if before == after else before if after is None else after
        if said != right:
            return f"says that the {name} took {said} days, it took {right}"
    return None


def steps(was: Delays, now: Delays, partner: str) -> Iterator[tuple[str, str, str, int]]:
    """What a move from the one to the other adds: figure, dimension, value, step."""
    for figure, days_figure, before, after in (
        ("answers", "answer_days", was.answer, now.answer),
        ("outcomes", "outcome_days", was.outcome, now.outcome),
    ):
        for days, step in ((before, -1), (after, 1)):
            if days is None or before == after:
                continue
            in_class = next(name for least, name in _CLASSES if days >= least)
            for dimension, value in (("total", ""), ("partner", partner), ("delay", in_class)):
                yield figure, dimension, value, step
            for dimension, value in (("total", ""), ("partner", partner)):
                yield days_figure, dimension, value, step * days
