"""How SQLite locks, looks up and inserts. One connection writes, so `BEGIN IMMEDIATE` is the lock.

Rows go in by statements of many rows: each statement lets go of the interpreter once, where `executemany` does
so for every row and then waits for the event loop's thread to give it back.
"""

from collections.abc import Collection, Sequence
from functools import cache
from itertools import chain
from typing import Any

from shared.log.rows import AnswerFields, Entry, EventFields, Found, Head, batched

_ROWS_PER_STATEMENT = (128, 64, 32, 16, 8, 4, 2, 1)


def look_up(cursor: Any, partitions: Sequence[int], streams: Collection[str], keys: Collection[str]) -> Found:
    """What the numbering of new events starts from, safe from other writers until the commit."""
    return Found(_heads(cursor, partitions), _versions(cursor, streams), _answers(cursor, keys))


def _heads(cursor: Any, partitions: Sequence[int]) -> dict[int, Head]:
    marks = ",".join("?" * len(partitions))
    cursor.execute(f"SELECT partition, head, hash FROM partitions WHERE partition IN ({marks})", partitions)
    return {partition: Head(head, digest) for partition, head, digest in cursor.fetchall()}


def _versions(cursor: Any, streams: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in batched(streams, 512):
        marks = ",".join("?" * len(some))
        cursor.execute(f"SELECT stream, max(version) FROM events WHERE stream IN ({marks}) GROUP BY stream", some)
        found.update(cursor.fetchall())
    return found


def _answers(cursor: Any, keys: Collection[str]) -> dict[str, tuple[bytes, bytes]]:
    found: dict[str, tuple[bytes, bytes]] = {}
    for some in batched(keys, 512):
        marks = ",".join("?" * len(some))
        cursor.execute(f"SELECT key, fingerprint, body FROM answers WHERE key IN ({marks})", some)
        found.update((key, (fingerprint, body)) for key, fingerprint, body in cursor.fetchall())
    return found


def read_after(cursor: Any, partition: int, position: int, limit: int) -> list[Entry]:
    """Entries of a partition after a position, in order."""
    cursor.execute(
        # As a BLOB it comes as the bytes that it is kept in.
        "SELECT position, tag, CAST(entry AS BLOB) FROM events WHERE partition = ? AND position > ?"
        " ORDER BY position LIMIT ?",
        (partition, position, limit),
    )
    return [Entry(*row) for row in cursor.fetchall()]


def insert_events(cursor: Any, rows: Sequence[EventFields]) -> None:
    """Add these rows to `events`."""
    _insert(cursor, "INSERT INTO events (partition, position, stream, version, tag, entry, hash) VALUES ", rows)


def insert_answers(cursor: Any, rows: Sequence[AnswerFields]) -> None:
    """Add these rows to `answers`."""
    _insert(cursor, "INSERT INTO answers (key, fingerprint, body, answered_at) VALUES ", rows)


def move_heads(cursor: Any, heads: Sequence[tuple[int, Head]]) -> None:
    """Write back the counters that `look_up` gave out."""
    for partition, head in heads:
        cursor.execute(
            "UPDATE partitions SET head = ?, hash = ? WHERE partition = ?",
            (head.position, head.hash, partition),
        )


def _insert(cursor: Any, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    start = 0
    for size in _ROWS_PER_STATEMENT:
        while len(rows) - start >= size:
            values = list(chain.from_iterable(rows[start : start + size]))
            cursor.execute(_of_many_rows(statement, size, len(rows[0])), values)
            start += size


@cache
def _of_many_rows(statement: str, rows: int, columns: int) -> str:
    return statement + ",".join(["(" + ",".join("?" * columns) + ")"] * rows)
