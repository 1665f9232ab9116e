"""How SQLite locks, looks up and inserts. One connection writes, so `BEGIN IMMEDIATE` is the lock."""

from collections.abc import Collection, Sequence
from typing import Any

from shared.inserting import insert_by
from shared.log.rows import AnswerFields, Entry, EventFields, Found, Head, batched


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
    insert_by(cursor, "?", "events", ("partition", "position", "stream", "version", "tag", "entry", "hash"), rows)


def insert_answers(cursor: Any, rows: Sequence[AnswerFields]) -> None:
    """Add these rows to `answers`."""
    insert_by(cursor, "?", "answers", ("key", "fingerprint", "body", "answered_at"), rows)


def move_heads(cursor: Any, heads: Sequence[tuple[int, Head]]) -> None:
    """Write back the counters that `look_up` gave out."""
    for partition, head in heads:
        cursor.execute(
            "UPDATE partitions SET head = ?, hash = ? WHERE partition = ?",
            (head.position, head.hash, partition),
        )
