"""One service's event log: append, read, read_after, read_tagged, and nothing else."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from shared.database import Database
from shared.envelope import Envelope, decode
from shared.failpoints import failpoint
from shared.log.append import AlreadyAnswered, Answer, Append, Appended, KeyReused, Outcome
from shared.log.rows import Entry
from shared.log.writing import Project, Written, dialect_of, write

GATHERED_MAX = 1_000
"""Appends in one transaction. More would make the first of them wait for the last."""
TAIL_MAX = 5_000
"""Entries of each partition kept at hand, so that a relay need not read back what was just written."""
RACES_MAX = 3

__all__ = ["Entry", "Log", "partition_of"]

_Waiting = tuple[Append, "asyncio.Future[Appended]"]


def partition_of(key: str, partitions: int) -> int:
    """The partition that a key lives in, for good: CRC-32 modulo the number of partitions."""
    return crc32(key.encode()) % partitions


class Log:
    """Owned by one service, whose `source` names it. Any number of processes may append on PostgreSQL."""

    def __init__(self, database: Database, source: str, project: Project | None = None) -> None:
        self.database = database
        self.source = source
        self._project = project
        self.partitions = 1
        self._waiting: list[_Waiting] = []
        self._taking = threading.Lock()
        self._commit_queued = False
        self._commits: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[dict[int, list[Entry]]], None]] = []
        self._tails: dict[int, deque[Entry]] = {}

    async def start(self) -> None:
        """Learn the number of partitions, fixed when the log was created."""
        self.partitions = await self.database.read(_count_partitions)
        self._tails = {partition: deque(maxlen=TAIL_MAX) for partition in range(self.partitions)}

    def on_append(self, listener: Callable[[dict[int, list[Entry]]], None]) -> None:
        """Have `listener` called on the event loop after each commit, with the new entries by partition."""
        self._listeners.append(listener)

    async def append(self, append: Append) -> Appended:
        """Append all events or none; returns once they are on disk.

        Raises `VersionConflict`, `AlreadyAnswered` or `KeyReused` (nothing was written), or `StoreUnavailable`.
        Appends that arrive while a commit is under way share the next one.
        """
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting.append((append, future))
        self._commit_soon()
        return await future

    async def append_each(self, appends: Sequence[Append]) -> list[Outcome]:
        """Append many, each on its own terms, by transactions of up to `GATHERED_MAX`; outcomes in order."""
        outcomes: list[Outcome] = []
        for start in range(0, len(appends), GATHERED_MAX):
            some = appends[start : start + GATHERED_MAX]
            written = await self._write_patiently(partial(self._append_some, some))
            failpoint("append.after-commit")
            self.announce(written)
            outcomes += written.outcomes
        return outcomes

    async def answered_before(self, answer: Answer) -> None:
        """Raise `AlreadyAnswered` or `KeyReused` if this key was used before."""
        rows = await self._select("SELECT fingerprint, body FROM answers WHERE key = :key", key=answer.key)
        if rows:
            raise (AlreadyAnswered(bytes(rows[0][1])) if bytes(rows[0][0]) == answer.fingerprint else KeyReused())

    def append_within(self, connection: Connection, appends: Sequence[Append]) -> Written:
        """Append inside a transaction of the writer. The caller says `announce` after its commit."""
        return write(connection, self.source, appends, self._project)

    def _append_some(self, appends: Sequence[Append], connection: Connection) -> Written:
        written = self.append_within(connection, appends)
        failpoint("append.before-commit")
        return written

    def announce(self, written: Written) -> None:
        """Tell relays what a committed transaction has written."""
        for partition, entries in written.entries.items():
            if entries:
                self._remember(partition, entries)
        for listener in self._listeners:
            listener(written.entries)

    async def read(self, stream: str, after: int = 0) -> list[Envelope]:
        """The events of one stream after a version, oldest first; empty for a stream that does not exist."""
        sql = "SELECT entry FROM events WHERE stream = :stream AND version > :after ORDER BY version"
        return [decode(body) for (body,) in await self._select(sql, stream=stream, after=after)]

    async def read_after(self, partition: int, position: int, limit: int) -> list[Entry]:
        """Up to `limit` entries of a partition after a position, in order."""
        if tail := self._from_tail(partition, position, limit):
            return tail
        return await self.database.read(partial(_read_after, partition, position, limit))

    async def read_tagged(
        self, tag: str, after: int = 0, limit: int = 1_000_000, partition: int | None = None
    ) -> list[Entry]:
        """Up to `limit` entries with this tag after a position, in order. A tag lives in one partition.

        Who can name the partition is served from what was just written, where that reaches back far enough.
        """
        tail = [] if partition is None else self._from_tail(partition, after, TAIL_MAX)
        if found := [entry for entry in tail if entry.tag == tag]:
            return found[:limit]
        sql = (
            "SELECT position, tag, entry FROM events"
            " WHERE tag = :tag AND position > :after ORDER BY partition, position LIMIT :limit"
        )
        rows = await self._select(sql, tag=tag, after=after, limit=limit)
        return [Entry(place, tag, body.encode()) for place, tag, body in rows]

    async def tags(self) -> list[str]:
        """Every tag that occurs, in order. Steps from tag to tag: the cost is one look-up each, not a scan."""
        found: list[str] = []
        while True:
            last = found[-1] if found else ""
            rows = await self._select("SELECT min(tag) FROM events WHERE tag > :last", last=last)
            if rows[0][0] is None:
                return found
            found.append(rows[0][0])

    async def nth_newest(self, tag: str, count: int) -> int:
        """The position before the newest `count` entries of a tag; 0 when it has no more than that."""
        sql = (
            "SELECT position FROM events WHERE tag = :tag ORDER BY partition DESC, position DESC LIMIT 1 OFFSET :count"
        )
        rows = await self._select(sql, tag=tag, count=count)
        return int(rows[0][0]) if rows else 0

    async def forget_answers(self, before_s: float) -> int:
        """Drop the answers given before a moment (seconds since 1970): their keys may be used again."""

        def forget(connection: Connection) -> int:
            old = {"before": int(before_s)}
            forgotten = connection.execute(text("DELETE FROM answers WHERE answered_at < :before"), old)
            return int(forgotten.rowcount)

        return await self.database.write(forget)

    async def heads(self) -> dict[int, int]:
        """The last position of each partition; 0 where nothing was appended."""
        rows = await self._select("SELECT partition, head FROM partitions ORDER BY partition")
        return {row.partition: row.head for row in rows}

    async def _select(self, sql: str, **parameters: Any) -> Sequence[Any]:
        return await self.database.read(lambda connection: select(connection, sql, **parameters))

    def _commit_soon(self) -> None:
        if self._waiting and not self._commit_queued:
            self._commit_queued = True
            task = asyncio.ensure_future(self._commit())
            self._commits.add(task)
            task.add_done_callback(self._commits.discard)

    async def _commit(self) -> None:
        """Commit whatever is waiting when the writer comes to it, and tell everybody how it went."""
        taken: list[_Waiting] = []
        try:
            written = await self._write_patiently(lambda connection: self._take_and_write(connection, taken))
        except Exception as error:
            # Without a connection nobody was taken, yet those who wait must be told as well.
            for _append, future in taken or self._take():
                _fail(future, error)
        else:
            failpoint("append.after-commit")
            self.announce(written)
            for (_append, future), outcome in zip(taken, written.outcomes, strict=True):
                _resolve(future, outcome)
        self._commit_soon()

    async def _write_patiently(self, work: Callable[[Connection], Written]) -> Written:
        races = 0
        while True:
            try:
                return await self.database.write(work)
            except IntegrityError:
                # Another process committed the same stream or key between our look and our insert. What it
                # wrote is visible now, so looking again gives each caller his own outcome.
                races += 1
                if races == RACES_MAX:
                    raise

    def _take_and_write(self, connection: Connection, taken: list[_Waiting]) -> Written:
        if not taken:
            # Taken here, on the writer, at the last moment: everyone who came while it was busy is on board.
            taken.extend(self._take())
        if not taken:
            return Written([], {})
        written = self.append_within(connection, [append for append, _future in taken])
        failpoint("append.before-commit")
        return written

    def _take(self) -> list[_Waiting]:
        with self._taking:
            # The flag falls first, or somebody who comes in between would be left behind.
            self._commit_queued = False
            taken = self._waiting[:GATHERED_MAX]
            del self._waiting[: len(taken)]
        return taken

    def _remember(self, partition: int, entries: list[Entry]) -> None:
        tail = self._tails[partition]
        if tail and tail[-1].position + 1 != entries[0].position:
            tail.clear()
        tail.extend(entries)

    def _from_tail(self, partition: int, position: int, limit: int) -> list[Entry]:
        tail = self._tails[partition]
        if not tail or position + 1 < tail[0].position or position >= tail[-1].position:
            return []
        start = position + 1 - tail[0].position
        return [tail[index] for index in range(start, min(start + limit, len(tail)))]


def select(connection: Connection, sql: str, **parameters: Any) -> Sequence[Any]:
    """Rows of one statement as tuples; `:name` marks a parameter on either store."""
    return connection.execute(text(sql), parameters).all()


def _read_after(partition: int, position: int, limit: int, connection: Connection) -> list[Entry]:
    # Through the driver: a relay that catches up reads the whole log by this.
    raw = connection.connection.cursor()
    try:
        return dialect_of(connection).read_after(raw, partition, position, limit)  # type: ignore[no-any-return]
    finally:
        raw.close()


def _count_partitions(connection: Connection) -> int:
    return int(select(connection, "SELECT count(*) FROM partitions")[0][0])


def _resolve(future: "asyncio.Future[Appended]", outcome: Outcome) -> None:
    if future.done():
        return
    if isinstance(outcome, Appended):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


def _fail(future: "asyncio.Future[Appended]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
