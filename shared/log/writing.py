"""How gathered appends become rows, inside the writer's transaction.

Many appends share one transaction, and with it the price of reaching the disk. Whoever finds his stream further
on than he expected fails alone: he is told by his outcome, and the others' rows are written.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from types import ModuleType
from typing import Any

import msgspec
from sqlalchemy import Connection

from shared.clock import utc_now
from shared.envelope import SPEC_VERSION, Envelope, Recorded, encode, event_id, timestamp
from shared.events import Event
from shared.log import postgresql, sqlite
from shared.log.append import (
    ANY,
    AlreadyAnswered,
    Answer,
    Append,
    Appended,
    KeyReused,
    Outcome,
    VersionConflict,
)
from shared.log.rows import AnswerFields, Entry, EventFields, Found, Head

Project = Callable[[Connection, Sequence[Recorded]], None]
"""Keeps a read model: events just appended -> changes, made in the same transaction."""


# An event goes into its document as it is, and is encoded with it; a reader finds it as `Raw` there.
_document: Callable[..., Envelope] = Envelope


class Written(msgspec.Struct):
    """What a transaction wrote: an outcome for each append, and the new entries of each partition, in order."""

    outcomes: list[Outcome]
    entries: dict[int, list[Entry]]


def dialect_of(connection: Connection) -> ModuleType:
    """The few statements in which the two stores differ."""
    return sqlite if connection.dialect.name == "sqlite" else postgresql


def write(connection: Connection, source: str, appends: Sequence[Append], project: Project | None = None) -> Written:
    """Append what can be appended, in the order given, and keep the read model; visible with the commit."""
    dialect, raw = dialect_of(connection), connection.connection.cursor()
    try:
        batch = _Batch(source, dialect, raw, appends, keeps_events=project is not None)
        outcomes = [batch.add(append) for append in appends]
        batch.insert()
    finally:
        raw.close()
    if project and batch.recorded:
        project(connection, batch.recorded)
    return Written(outcomes, batch.entries)


class _Partition:
    """The end of a partition while events are added to it."""

    __slots__ = ("entries", "hash", "id_prefix", "position")

    def __init__(self, source: str, partition: int, head: Head) -> None:
        self.position, self.hash = head
        self.id_prefix = event_id(source, partition, 0)[:-1]
        self.entries: list[Entry] = []


class _Batch:
    """The rows of one transaction while they are being numbered and chained."""

    def __init__(
        self, source: str, dialect: ModuleType, cursor: Any, appends: Sequence[Append], *, keeps_events: bool
    ) -> None:
        self._source, self._dialect, self._cursor = source, dialect, cursor
        self._keeps_events = keeps_events
        found: Found = dialect.look_up(
            cursor,
            sorted({append.partition for append in appends}),
            {append.stream for append in appends},
            {append.answer.key for append in appends if append.answer},
        )
        self._versions, self._answers = found.versions, found.answers
        self._partitions = {number: _Partition(source, number, head) for number, head in found.heads.items()}
        now = utc_now()
        self._recorded_at = timestamp(now).replace("+00:00", "Z")
        self._now_s = int(now.timestamp())
        self._event_rows: list[EventFields] = []
        self._answer_rows: list[AnswerFields] = []
        self.recorded: list[Recorded] = []

    @property
    def entries(self) -> dict[int, list[Entry]]:
        """The new entries of each partition, in order."""
        return {number: partition.entries for number, partition in self._partitions.items()}

    def add(self, append: Append) -> Outcome:
        """Number and chain one append's events, or say why not."""
        if append.answer and (known := self._answers.get(append.answer.key)):
            fingerprint, body = known
            return AlreadyAnswered(body) if fingerprint == append.answer.fingerprint else KeyReused()
        version = self._versions.get(append.stream, 0)
        if append.expected not in (ANY, version):
            return VersionConflict(append.stream, append.expected, version)
        partition = self._partitions[append.partition]
        for event in append.events:
            version += 1
            self._add_event(append, partition, version, event)
        self._versions[append.stream] = version
        appended = Appended(append.partition, partition.position, version)
        return self._answered(appended, append.answer) if append.answer else appended

    def _add_event(self, append: Append, partition: _Partition, version: int, event: Event) -> None:
        number, stream, tag = append.partition, append.stream, append.tag
        partition.position = position = partition.position + 1
        body = encode(
            _document(
                SPEC_VERSION,
                f"{partition.id_prefix}{position}",
                self._source,
                event.event_type,
                stream,
                append.occurred_at,
                self._recorded_at,
                f"{position:010}",
                version,
                event,
                append.correlation_id,
                append.causation_id,
                append.actor,
                append.traceparent,
            )
        )
        partition.hash = digest = chain(partition.hash, body)
        self._event_rows.append((number, position, stream, version, tag, body.decode(), digest))
        partition.entries.append(Entry(position, tag, body))
        if self._keeps_events:
            self.recorded.append(
                Recorded(stream, version, number, position, append.occurred_at, event, self._recorded_at)
            )

    def _answered(self, appended: Appended, answer: Answer) -> Appended:
        body = answer.render(appended)
        self._answers[answer.key] = (answer.fingerprint, body)
        self._answer_rows.append((answer.key, answer.fingerprint, body, self._now_s))
        return Appended(appended.partition, appended.position, appended.version, body)

    def insert(self) -> None:
        """Send the rows to the database."""
        if self._event_rows:
            heads = [(number, Head(end.position, end.hash)) for number, end in self._partitions.items() if end.entries]
            self._dialect.insert_events(self._cursor, self._event_rows)
            self._dialect.move_heads(self._cursor, heads)
        if self._answer_rows:
            # In one order for everybody: two processes with the same keys would wait for each other for ever.
            self._dialect.insert_answers(self._cursor, sorted(self._answer_rows))


def chain(previous: bytes, body: bytes) -> bytes:
    """The hash of an entry: SHA-256 over the hash before it and its own bytes. Position 0 hashes to 32 zeros."""
    return sha256(previous + body).digest()
