"""One figure explained: every event that moved it, by how much, and the sum beside what stats keeps.

It is the recount of the audit over again, with a counter that notes for the asked figure which event is being taken.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from services.verify.audit import Sources
from services.verify.checks import Check
from services.verify.corrections import Corrections
from services.verify.documents import (
    Corrected,
    Document,
    DroppedRequest,
    Fact,
    Redated,
    Unreadable,
    Visit,
    read_data,
    read_document,
)
from services.verify.figures import Counted, Recount
from services.verify.folding import Happened, read_history
from services.verify.front_desk import FrontDesk
from services.verify.histories import Told, histories
from services.verify.people import People
from services.verify.periods import periods
from services.verify.places import called_off
from services.verify.requests import scratch
from services.verify.stores import Store

DIFFERENT = ("people", "participants")
DIVIDED: Mapping[str, tuple[str, ...]] = {
    "visits": ("category", "channel", "language", "need"),
    "requests": ("category", "channel", "status"),
    "referrals": ("category", "partner", "status"),
    "answers": ("partner", "delay"),
    "answer_days": ("partner",),
    "outcomes": ("partner", "delay"),
    "outcome_days": ("partner",),
    "places": ("partner",),
    "permanences_cancelled": ("partner", "permanence"),
    "handovers": ("partner", "result"),
    "minutes_to_partner": ("partner",),
    "needs": ("category", "reason"),
    "arrivals": ("result", "wait"),
    "waiting": ("result",),
    "invitations": ("status",),
    "actions": ("kind", "category", "partner"),
    "attendances": ("kind", "category", "partner"),
}
"""The figures that are sums of steps, and what each can be divided by; by site all of them."""
_GRAINS = {
    "day": r"\d{4}-\d\d-\d\d",
    "week": r"\d{4}-W\d\d",
    "month": r"\d{4}-\d\d",
    "year": r"\d{4}",
    "all": "",
}


class NoSuchFigure(ValueError):
    """The question asks for nothing that is counted so; the reason."""


class Question(NamedTuple):
    """Which counter. `site` empty = all sites together, `period` empty = in all."""

    figure: str
    dimension: str
    value: str
    site: str
    grain: str
    period: str

    @classmethod
    def of(cls, figure: str, by: str, period: str, site: str) -> "Question":
        """`by`: `dimension=value`, or empty for the total. Raises `NoSuchFigure`."""
        if figure in DIFFERENT:
            raise NoSuchFigure(f"{figure} counts different people: no sum of events, so there are no steps to tell")
        if figure not in DIVIDED:
            raise NoSuchFigure(f"there is no figure {figure}; there are: {', '.join(DIVIDED)}")
        grain = next((name for name, form in _GRAINS.items() if re.fullmatch(form, period, re.ASCII)), None)
        if grain is None:
            raise NoSuchFigure(f"{period} is no period: 2008, 2008-03, 2008-W11 or 2008-03-12")
        dimension, _, value = by.partition("=")
        if dimension == "site" and value and site in ("", value):
            dimension, value, site = "", "", value
        elif by and (dimension not in DIVIDED[figure] or not value):
            known = ", ".join((*DIVIDED[figure], "site"))
            raise NoSuchFigure(
                f"{figure} is not divided by {by}; it is by: {known}, as in --by {known.split(',')[0]}=X"
            )
        return cls(figure, dimension or "total", value, site, grain, period)

    def asks_for(self, counted: Counted) -> bool:
        """Whether this count of one day at one site is a part of the figure."""
        *what, site, day = counted
        same = (*what,) == (self.figure, self.dimension, self.value) and self.site in ("", site)
        return same and (self.grain, self.period) in periods(day)


class Cause(NamedTuple):
    """An event, as the answer names it."""

    log: str
    partition: int
    position: int
    type: str
    stream: str


class Noted(Counter[Counted]):
    """Counts like any counter, and keeps which event each step of one figure came from.

    An event that takes a step back on the same day has moved nothing, and is not named.
    """

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question
        self.cause: Cause | None = None
        self.steps: dict[tuple[Cause, str], int] = {}

    def __setitem__(self, counted: Counted, count: int) -> None:
        if self.cause and self._question.asks_for(counted):
            key = (self.cause, counted[-1])
            self.steps[key] = self.steps.get(key, 0) + count - self[counted]
        super().__setitem__(counted, count)


def explained(sources: Sources, question: Question) -> dict[str, Any]:
    """The question, `ok`, `as_of`, `kept` (by stats), `sum` and `events`, in the order of the logs.

    Each event: `{"log", "partition", "position", "type", "stream", "day", "step"}`; `day` is the one counted under.
    """
    noted = Noted(question)
    with scratch() as connection:
        people, corrections = People(connection), Corrections()
        recount = Recount(people, corrections.days.keys(), noted)
        _Reading(sources, noted, recount, people, corrections, FrontDesk(connection, recount)).read()
    events = [
        {**cause._asdict(), "day": day, "step": step} for (cause, day), step in sorted(noted.steps.items()) if step
    ]
    counted, kept = sum(noted.steps.values()), _kept(sources.stats, question)
    as_of = {topic: sum(horizon.checkpoints.values()) for topic, horizon in sources.stats_stood.heard.items()}
    told = {"ok": counted == kept, **question._asdict(), "as_of": as_of}
    return {**told, "kept": kept, "sum": counted, "events": events}


class _Reading(NamedTuple):
    """Both logs, as far as stats has heard them."""

    sources: Sources
    noted: Noted
    recount: Recount
    people: People
    corrections: Corrections
    front_desk: FrontDesk

    def read(self) -> None:
        self._read_intake()
        heard = self.sources.stats_stood.heard["referral"]
        for stream, told in histories(self.sources.referral, "referral", Check("versions"), with_entries=True):
            if stream.startswith("request-"):
                for one, document, fact in _readable(told):
                    if isinstance(fact, DroppedRequest | Redated) and heard.holds(one.partition, one.position):
                        self.noted.cause = _cause("referral", one.partition, one.position, document)
                        self.recount.told(fact)
            elif off := called_off(stream, told):
                if heard.holds(off.told.partition, off.told.position):
                    self.noted.cause = _cause("referral", off.told.partition, off.told.position, off.document)
                    self.recount.called_off(off.fact)
            else:
                self.recount.referral(stream, self._one_by_one(read_history(told)), heard)

    def _one_by_one(self, happened: Iterable[Happened]) -> Iterator[Happened]:
        """Each event is the cause until the next is asked for, which is when its steps have been counted."""
        for one in happened:
            self.noted.cause = _cause("referral", one.told.partition, one.told.position, one.document)
            yield one

    def _read_intake(self) -> None:
        store, heard = self.sources.intake, self.sources.stats_stood.heard["intake"]
        rows = store.rows(
            f"SELECT partition, position, version, {store.entry} FROM events ORDER BY partition, position"
        )
        for told, document, fact in _readable(Told(*row) for row in rows):
            self.noted.cause = _cause("intake", told.partition, told.position, document)
            is_counted = heard.holds(told.partition, told.position)
            self.front_desk.take(document, fact, is_counted=is_counted)
            for held in self.people.take(document, fact, is_counted=is_counted):
                self.recount.held(*held)
            if isinstance(fact, Visit) and is_counted:
                self.recount.visit(document.day, fact)
            elif isinstance(fact, Corrected):
                self.corrections.made(fact, is_heard=is_counted)
                if is_counted:
                    self.recount.visit(fact.was_day, fact.was, -1)
                if is_counted and fact.now:
                    self.recount.visit(fact.now_day, fact.now)


def _readable(told: Iterable[Told]) -> Iterator[tuple[Told, Document, Fact | None]]:
    """What cannot be read counts for nothing; the audit finds it at fault."""
    for one in told:
        try:
            document = read_document(one.entry)
            yield one, document, read_data(document)
        except Unreadable:
            continue


def _cause(log: str, partition: int, position: int, document: Document) -> Cause:
    return Cause(log, partition, position, document.type, document.subject)


def _kept(stats: Store, question: Question) -> int:
    # The grain and the period have been held to their form; the rest is compared here, for it may be anything.
    rows = stats.rows(
        "SELECT figure, dimension, value, site, count FROM figures"
        f" WHERE grain = '{question.grain}' AND period = '{question.period}'"
    )
    asked = (question.figure, question.dimension, question.value, question.site)
    return sum(count for *key, count in rows if (*key,) == asked)
