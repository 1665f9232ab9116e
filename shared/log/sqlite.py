"""How SQLite locks, looks up and inserts. One connection writes, so `BEGIN IMMEDIATE` is the lock.

Rows go in by statements of many rows: each statement lets go of the interpreter once, where `executemany` does
so for every row and then waits for the event loop's thread to give it back.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from shared.log.rows import AnswerFields, EventFields, Head, batched

_ROWS_PER_STATEMENT = (128, 64, 32, 16, 8, 4, 2, 1)


def lock_heads(cursor: Any, partitions: Sequence[int]) -> dict[int, Head]:
    """The head and the last hash of each partition, safe from other writers until the commit."""
    marks = ",".join("?" * len(partitions))
    cursor.execute(f"SELECT partition, head, hash FROM partitions WHERE partition IN ({marks})", partitions)
    return {partition: Head(head, digest) for partition, head, digest in cursor.fetchall()}


def versions(cursor: Any, streams: Collection[str]) -> dict[str, int]:
    """The last version of each of these streams that exists."""
    found: dict[str, int] = {}
    for some in batched(streams, 512):
        marks = ",".join("?" * len(some))
        cursor.execute(f"SELECT stream, max(version) FROM events WHERE stream IN ({marks}) GROUP BY stream", some)
        found.update(cursor.fetchall())
    return found


def answers(cursor: Any, keys: Collection[str]) -> dict[str, tuple[bytes, bytes]]:
    """Fingerprint and body of what was answered under these keys before."""
    found: dict[str, tuple[bytes, bytes]] = {}
    for some in batched(keys, 512):
        marks = ",".join("?" * len(some))
        cursor.execute(f"SELECT key, fingerprint, body FROM answers WHERE key IN ({marks})", some)
        found.update((key, (fingerprint, body)) for key, fingerprint, body in cursor.fetchall())
    return found


def insert_events(cursor: Any, rows: Sequence[EventFields]) -> None:
    """Add these rows to `events`."""
    _insert(cursor, "INSERT INTO events (partition, position, stream, version, tag, entry, hash) VALUES ", rows)


def insert_answers(cursor: Any, rows: Sequence[AnswerFields]) -> None:
    """Add these rows to `answers`."""
    _insert(cursor, "INSERT INTO answers (key, fingerprint, body, answered_at) VALUES ", rows)


def move_heads(cursor: Any, heads: Iterable[tuple[int, Head]]) -> None:
    """Write back the counters that `lock_heads` gave out."""
    for partition, head in heads:
        cursor.execute(
            "UPDATE partitions SET head = ?, hash = ? WHERE partition = ?",
            (head.position, head.hash, partition),
        )


def _insert(cursor: Any, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    start = 0
    for size in _ROWS_PER_STATEMENT:
        while len(rows) - start >= size:
            some = rows[start : start + size]
            mark = "(" + ",".join("?" * len(some[0])) + ")"
            cursor.execute(statement + ",".join([mark] * size), [value for row in some for value in row])
            start += size
