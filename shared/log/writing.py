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
from shared.log import postgresql, sqlite
from shared.log.append import (
    ANY,
    AlreadyAnswered,
    Append,
    Appended,
    KeyReused,
    Outcome,
    VersionConflict,
)
from shared.log.rows import AnswerFields, Entry, EventFields, Head

Project = Callable[[Connection, Sequence[Recorded]], None]
"""Keeps a read model: events just appended -> changes, made in the same transaction."""


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


class _Batch:
    """The rows of one transaction while they are being numbered and chained."""

    def __init__(
        self, source: str, dialect: ModuleType, cursor: Any, appends: Sequence[Append], *, keeps_events: bool
    ) -> None:
        self._source, self._dialect, self._cursor = source, dialect, cursor
        self._keeps_events = keeps_events
        # The counters come first: on PostgreSQL they are the lock under which everything else is looked up.
        self._heads: dict[int, Head] = dialect.lock_heads(cursor, sorted({append.partition for append in appends}))
        self._versions: dict[str, int] = dialect.versions(cursor, {append.stream for append in appends})
        keys = {append.answer.key for append in appends if append.answer}
        self._answers: dict[str, tuple[bytes, bytes]] = dialect.answers(cursor, keys) if keys else {}
        now = utc_now()
        self._recorded_at = timestamp(now).replace("+00:00", "Z")
        self._now_s = int(now.timestamp())
        self._event_rows: list[EventFields] = []
        self._answer_rows: list[AnswerFields] = []
        self.recorded: list[Recorded] = []
        self.entries: dict[int, list[Entry]] = {partition: [] for partition in self._heads}

    def add(self, append: Append) -> Outcome:
        """Number and chain one append's events, or say why not."""
        if append.answer and (known := self._answers.get(append.answer.key)):
            fingerprint, body = known
            return AlreadyAnswered(body) if fingerprint == append.answer.fingerprint else KeyReused()
        version = self._versions.get(append.stream, 0)
        if append.expected not in (ANY, version):
            return VersionConflict(append.stream, append.expected, version)
        for event in append.events:
            version += 1
            self._add_event(append, version, event.event_type, encode(event))
            if self._keeps_events:
                position = self._heads[append.partition].position
                self.recorded.append(
                    Recorded(append.stream, version, append.partition, position, append.occurred_at, event)
                )
        self._versions[append.stream] = version
        appended = Appended(append.partition, self._heads[append.partition].position, version)
        if append.answer:
            answer, body = append.answer, append.answer.render(appended)
            self._answers[answer.key] = (answer.fingerprint, body)
            self._answer_rows.append((answer.key, answer.fingerprint, body, self._now_s))
        return appended

    def _add_event(self, append: Append, version: int, event_type: str, data: bytes) -> None:
        partition = append.partition
        last = self._heads[partition]
        position = last.position + 1
        body = encode(
            Envelope(
                SPEC_VERSION,
                event_id(self._source, partition, position),
                self._source,
                event_type,
                append.stream,
                append.occurred_at,
                self._recorded_at,
                f"{position:010}",
                version,
                msgspec.Raw(data),
                append.correlation_id,
                append.causation_id,
                append.actor,
            )
        )
        digest = chain(last.hash, body)
        self._heads[partition] = Head(position, digest)
        self._event_rows.append((partition, position, append.stream, version, append.tag, body.decode(), digest))
        self.entries[partition].append(Entry(position, append.tag, body))

    def insert(self) -> None:
        """Send the rows to the database."""
        if self._event_rows:
            self._dialect.insert_events(self._cursor, self._event_rows)
            self._dialect.move_heads(self._cursor, self._heads.items())
        if self._answer_rows:
            # In one order for everybody: two processes with the same keys would wait for each other for ever.
            self._dialect.insert_answers(self._cursor, sorted(self._answer_rows))


def chain(previous: bytes, body: bytes) -> bytes:
    """The hash of an entry: SHA-256 over the hash before it and its own bytes. Position 0 hashes to 32 zeros."""
    return sha256(previous + body).digest()
