"""One log from its first position to its last: dense, chained, each entry at one with its row, the bus a copy of it."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from services.verify.checks import Check, reading
from services.verify.collective import Collective
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
from services.verify.stores import Store
from services.verify.topics import Bus
from services.verify.waiting import Arrival, Invited

NO_HASH = bytes(32)
"""What the first entry of a partition is chained to."""

Heard = Callable[[int, int, Document, Fact | None], None]
"""(partition, position, document, fact): called for each readable event, in order."""


class LogChecks(NamedTuple):
    """The checks that one walk along a log makes."""

    positions: Check
    chain: Check
    entries: Check
    topics: Check
    queues: Check

    @classmethod
    def new(cls) -> "LogChecks":
        """All of them, nothing found yet."""
        return cls(*(Check(name) for name in cls._fields))


class Head(NamedTuple):
    """Where a partition says that it ends."""

    position: int
    hash: bytes


def walk(store: Store, source: str, checks: LogChecks, bus: Bus, heard: Heard | None = None) -> Mapping[int, int]:
    """Read a log once, in order. Returns the head of each partition, as the log's own counters have it."""
    log = _Log(source, checks, bus, heard)
    with reading(*checks):
        log.heads = {
            partition: Head(position, digest)
            for partition, position, digest in store.rows(
                "SELECT partition, head, hash FROM partitions ORDER BY partition"
            )
        }
        for row in store.rows(
            f"SELECT partition, position, stream, version, tag, {store.entry}, hash FROM events"
            " ORDER BY partition, position"
        ):
            log.take(*row)
        log.end()
    return {partition: head.position for partition, head in log.heads.items()}


class _Log:
    """Where the walk along one log has come to."""

    def __init__(self, source: str, checks: LogChecks, bus: Bus, heard: Heard | None) -> None:
        self.heads: Mapping[int, Head] = {}
        self._source, self._checks, self._heard = source, checks, heard
        self._topics = {key: window for key, window in bus.topics.items() if key.startswith(f"topic:{source}:")}
        # The tags of referral are partners; those of intake are visits, which have no queue.
        self._queues = bus.queues if source == "referral" else {}
        self._partition = -1
        self._last = Head(0, NO_HASH)
        self._ended: dict[int, Head] = {}
        self._topic = self._topics.get("")

    def take(
        self, partition: int, position: int, stream: str, version: int, tag: str | None, entry: bytes, digest: bytes
    ) -> None:
        if partition != self._partition:
            self._begin(partition)
        if position != self._last.position + 1:
            self._skipped(position)
        if sha256(self._last.hash + entry).digest() != digest:
            self._checks.chain.fault(f"{self._place(position)} does not follow from the entry before it")
        self._last = self._ended[partition] = Head(position, digest)
        if self._topic:
            self._topic.meet(self._checks.topics, position, entry)
        if self._queues and (queue := self._queues.get(f"queue:{tag}")):
            queue.meet(self._checks.queues, position, entry)
        self._look_into(position, (stream, version, tag), entry)

    def end(self) -> None:
        """Hold the counters against the last events, and see that the bus holds nothing more."""
        for partition, head in self.heads.items():
            last = self._ended.get(partition, Head(0, NO_HASH))
            if head.position != last.position:
                self._checks.positions.fault(
                    f"{self._source} {partition} ends at {last.position:,}, its counter at {head.position:,}"
                )
            if head.hash != last.hash:
                self._checks.chain.fault(f"{self._source} {partition} does not end with the hash of its counter")
        for window in self._topics.values():
            window.end(self._checks.topics)
        for window in self._queues.values():
            window.end(self._checks.queues)

    def _begin(self, partition: int) -> None:
        if partition not in self.heads:
            self._checks.positions.fault(f"{self._source} {partition} has events, but no counter")
        self._partition, self._last = partition, Head(0, NO_HASH)
        self._topic = self._topics.get(f"topic:{self._source}:{partition}")

    def _skipped(self, position: int) -> None:
        first, last = self._last.position + 1, position - 1
        missing = self._place(first) if first == last else f"{self._place(first)} to {last}"
        self._checks.positions.fault(f"{missing} missing")

    def _look_into(self, position: int, row: tuple[str, int, str | None], entry: bytes) -> None:
        try:
            document = read_document(entry)
            fact = read_data(document)
        except Unreadable as error:
            self._checks.entries.fault(f"{self._place(position)} is unreadable: {error}")
            return
        said = (document.id, document.source, document.sequence, document.subject, document.streamversion)
        stream, version, tag = row
        if said != (self._place(position), self._source, f"{position:010}", stream, version):
            differing = _differing(said, (self._place(position), self._source, f"{position:010}", stream, version))
            self._checks.entries.fault(f"{self._place(position)} differs from its row in {differing}")
        if fact is not None and tag != _own_tag(fact):
            self._checks.entries.fault(f"{self._place(position)} is filed under another tag than its own")
        if self._heard:
            self._heard(self._partition, position, document, fact)

    def _place(self, position: int) -> str:
        return f"{self._source}:{self._partition}:{position}"


def _own_tag(fact: Fact) -> str | None:
    if isinstance(fact, Visit):
        return fact.visit_id
    if isinstance(fact, Arrival | Invited | Corrected | DroppedRequest | Redated | Collective):
        return fact.tag
    return fact.partner


def _differing(said: tuple[Any, ...], row: tuple[Any, ...]) -> str:
    names = ("id", "source", "sequence", "subject", "streamversion")
    return ", ".join(name for name, one, other in zip(names, said, row, strict=True) if one != other)
