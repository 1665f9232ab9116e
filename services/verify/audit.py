"""The whole audit: every check, in the order in which they are told."""

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from services.verify.chains import Chains
from services.verify.checks import Check
from services.verify.corrections import Corrections
from services.verify.documents import (
    Corrected,
    Document,
    DroppedRequest,
    Fact,
    Handed,
    Redated,
    Unreadable,
    Visit,
    read_data,
    read_document,
)
from services.verify.figures import Recount
from services.verify.folding import Happened, Referral, fold, read_history
from services.verify.front_desk import FrontDesk
from services.verify.histories import Told, histories
from services.verify.logs import LogChecks, walk
from services.verify.people import People
from services.verify.places import called_off
from services.verify.read_models import BOOKINGS, CANCELLATIONS, QUEUE_ITEMS, VISIT_REFERRALS, ReadModel
from services.verify.requests import Requests, scratch
from services.verify.standing import Horizon, Standing
from services.verify.stores import Store
from services.verify.topics import Bus

PARKED_TOLD = 3
"""Dead letters named in the detail; the others are counted."""

Heads = Mapping[int, int]


class Sources(NamedTuple):
    """What is audited. `referral_before` is where referral stood before the snapshot of intake was taken.

    Each snapshot is older than those of the logs that it is held against, so that no log can be behind: the bus,
    stats, `referral_before`, intake, referral.
    """

    bus: Bus
    stats: Store
    stats_stood: Standing
    referral_before: Standing
    intake: Store
    intake_stood: Standing
    referral: Store


def audit(sources: Sources) -> dict[str, Any]:
    """`{"ok", "position", "checks"}`. What is wrong is told by the checks; only what cannot be reached raises."""
    with scratch() as connection:
        checks = _Audit(sources, connection).run()
    ok = all(check.ok for check in checks.made)
    position = {"intake": _position(checks.intake), "referral": _position(checks.referral)}
    return {"ok": ok, "position": position, "checks": [check.document() for check in checks.made]}


class _Made(NamedTuple):
    """What came of it."""

    made: list[Check]
    intake: Heads
    referral: Heads


class _Audit:
    """The checks while they are being made: one walk along each log by position, one by stream."""

    def __init__(self, sources: Sources, scratch: Connection) -> None:
        self._sources = sources
        self._corrections = Corrections()
        self._requests, self._chains = Requests(scratch, self._corrections.days), Chains(scratch)
        self._people = People(scratch)
        self._recount = Recount(self._people, self._corrections.days.keys())
        self._front_desk = FrontDesk(scratch, self._recount)
        self._versions, self._moves = Check("versions"), Check("moves")
        self._streams = 0
        self._counted_intake = sources.stats_stood.heard["intake"]
        self._counted_referral = sources.stats_stood.heard["referral"]
        self._handed_intake = sources.referral_before.heard["intake"]

    def run(self) -> _Made:
        """Make every check."""
        sources, log = self._sources, LogChecks.new()
        intake = walk(sources.intake, "intake", log, sources.bus, self._hear_intake)
        referral = walk(sources.referral, "referral", log, sources.bus)
        self._corrections.read_again(sources.intake)
        for _ in histories(sources.intake, "intake", self._versions, with_entries=False):
            self._streams += 1
        read_models = self._fold_referrals()
        self._versions.seen = f"{self._streams:,} streams, dense from 1"
        _tell(log, intake, referral, sources.bus)
        stood = (sources.stats_stood, sources.referral_before, sources.intake_stood)
        made = [
            log.positions,
            self._versions,
            log.chain,
            log.entries,
            _checkpoints(stood, {"intake": intake, "referral": referral}),
            log.topics,
            log.queues,
            self._requests.compare(),
            self._corrections.compare(),
            self._moves,
            self._chains.compare(),
            self._front_desk.compare(),
            self._figures(),
            *self._people.compare(self._sources.stats),
            *read_models,
            _dead_letters(stood),
        ]
        return _Made(made, intake, referral)

    def _hear_intake(self, partition: int, position: int, document: Document, fact: Fact | None) -> None:
        is_counted = self._counted_intake.holds(partition, position)
        self._front_desk.take(document, fact, is_counted=is_counted)
        for held in self._people.take(document, fact, is_counted=is_counted):
            self._recount.held(*held)
        if isinstance(fact, Visit):
            self._requests.made(document.day, fact, is_heard=self._handed_intake.holds(partition, position))
            if is_counted:
                self._recount.visit(document.day, fact)
        elif isinstance(fact, Corrected):
            self._correct(fact, is_heard=self._handed_intake.holds(partition, position), is_counted=is_counted)

    def _correct(self, fact: Corrected, *, is_heard: bool, is_counted: bool) -> None:
        if is_counted:
            self._recount.visit(fact.was_day, fact.was, -1)
        added = self._corrections.made(fact, is_heard=is_heard)
        if added and fact.now:
            self._requests.made(fact.now_day, added, is_heard=is_heard)
            if is_counted:
                self._recount.visit(fact.now_day, fact.now)

    def _fold_referrals(self) -> list[Check]:
        """Fold each referral for whoever keeps something of it, each as far as he has heard."""
        sources, kept = self._sources, _Kept.of(self._sources)
        places: dict[tuple[str, int], str] = {}
        moved = 0
        for stream, told in histories(sources.referral, "referral", self._versions, with_entries=True):
            self._streams += 1
            if off := called_off(stream, told):
                kept.cancellations.expect(off.row)
                if self._counted_referral.holds(off.told.partition, off.told.position):
                    self._recount.called_off(off.fact)
            if stream.startswith("request-"):
                self._follow_request(told)
                continue
            happened = read_history(told)
            self._hand_over(happened)
            moved += max(0, len(happened) - 1)
            if whole := fold(stream, happened, self._moves):
                kept.queue_items.expect(whole.queue_item())
                self._chains.take(whole)
                self._corrections.stands(whole)
                if booking := whole.booking():
                    kept.bookings.expect(booking)
                    _, permanence, place = booking
                    if (holder := places.setdefault((permanence, place), stream)) != stream:
                        kept.bookings.check.fault(f"place {place} of {permanence} was given to {holder} and {stream}")
            if shown := _as_heard(sources.intake_stood.heard["referral"], stream, happened, whole):
                kept.visit_referrals.expect(shown.visit_referral())
            self._recount.referral(stream, happened, self._counted_referral)
        self._moves.seen = f"{moved:,} moves, each from where it is allowed"
        return kept.end()

    def _hand_over(self, happened: Sequence[Happened]) -> None:
        heads = self._sources.referral_before.heads
        # What was appended later answers to visits that this moment knew nothing of.
        by_then = [one for one in happened if one.told.position <= heads.get(one.told.partition, 0)]
        self._corrections.handed(by_then)
        for _told, _document, fact in by_then:
            if isinstance(fact, Handed):
                self._requests.handed(fact)

    def _follow_request(self, told: Sequence[Told]) -> None:
        """The history of a request whose visit was corrected or voided."""
        heads = self._sources.referral_before.heads
        for one in told:
            try:
                fact = read_data(read_document(one.entry))
            except Unreadable:
                continue
            if isinstance(fact, DroppedRequest | Redated):
                if one.position <= heads.get(one.partition, 0):
                    self._corrections.told(fact)
                if self._counted_referral.holds(one.partition, one.position):
                    self._recount.told(fact)

    def _figures(self) -> Check:
        check = self._recount.compare(self._sources.stats)
        heard = self._sources.stats_stood.heard
        stands = ", ".join(f"{topic} {sum(horizon.checkpoints.values()):,}" for topic, horizon in heard.items())
        check.seen += f" at {stands}"
        return check


class _Kept(NamedTuple):
    """The tables that are made of referrals."""

    queue_items: ReadModel
    bookings: ReadModel
    cancellations: ReadModel
    visit_referrals: ReadModel

    @classmethod
    def of(cls, sources: Sources) -> "_Kept":
        """Those of this house."""
        return cls(
            ReadModel(sources.referral, "queue_items", QUEUE_ITEMS),
            ReadModel(sources.referral, "bookings", BOOKINGS),
            ReadModel(sources.referral, "permanence_cancellations", CANCELLATIONS),
            ReadModel(sources.intake, "visit_referrals", VISIT_REFERRALS),
        )

    def end(self) -> list[Check]:
        """The checks, when every row has been accounted for."""
        for table in self:
            table.end()
        return [table.check for table in self]


def _as_heard(horizon: Horizon, stream: str, happened: Sequence[Happened], whole: Referral | None) -> Referral | None:
    """The referral as a reader knows it."""
    heard = [one for one in happened if horizon.holds(one.told.partition, one.told.position)]
    return whole if len(heard) == len(happened) else fold(stream, heard)


def _checkpoints(stood: Iterable[Standing], heads: Mapping[str, Heads]) -> Check:
    """No reader has finished what no log holds: it would pass over what is written there next."""
    check = Check("checkpoints")
    readers = 0
    for standing in stood:
        for topic, horizon in standing.heard.items():
            for partition, position in horizon.checkpoints.items():
                readers += 1
                head = heads.get(topic, {}).get(partition, 0)
                if position > head:
                    check.fault(f"{standing.service} stands at {topic}:{partition}:{position}, the log ends at {head}")
    check.seen = f"{readers:,} checkpoints, none beyond its log"
    return check


def _dead_letters(stood: Iterable[Standing]) -> Check:
    """What lies aside explains effects that are missing: told, and left out of every count, but no fault."""
    check = Check("dead_letters")
    parked = [
        f"{standing.service} {topic}:{partition}:{position}"
        for standing in stood
        for topic, horizon in standing.heard.items()
        for partition, position in sorted(horizon.parked)
    ]
    others = len(parked) - PARKED_TOLD
    told = ", ".join(parked[:PARKED_TOLD]) + (f" and {others:,} more" if others > 0 else "")
    check.seen = f"{len(parked):,} put aside: {told}" if parked else "none"
    return check


def _tell(log: LogChecks, intake: Heads, referral: Heads, bus: Bus) -> None:
    """Say what was looked at."""
    events = f"{sum(intake.values()):,} events of intake, {sum(referral.values()):,} of referral"
    log.positions.seen = f"{events}, dense from 1"
    log.chain.seen = f"{events}, each chained to the one before"
    log.entries.seen = f"{events}, each at one with its row"
    for check, windows in ((log.topics, bus.topics), (log.queues, bus.queues)):
        entries = sum(len(window) for window in windows.values())
        check.seen = bus.absent or f"{len(windows)} on the bus, {entries:,} entries as in the log"
        if bus.silent:
            check.fault(bus.silent)
    partitions = {f"topic:intake:{partition}" for partition in intake}
    partitions |= {f"topic:referral:{partition}" for partition in referral}
    for key in sorted(bus.topics.keys() - partitions):
        log.topics.fault(f"{key} is the topic of no log")


def _position(heads: Heads) -> int | dict[str, int]:
    """One number where a log is one partition, else the head of each."""
    return (
        next(iter(heads.values())) if len(heads) == 1 else {str(partition): head for partition, head in heads.items()}
    )
