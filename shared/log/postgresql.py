"""How PostgreSQL locks, looks up and inserts. A partition's counter row is its lock, held until the commit.

The counter is taken before anything is looked up, so whoever holds it sees all that was committed before: the
numbers are dense and in commit order. Never a database sequence: its holes lose events.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from shared.log.rows import AnswerFields, EventFields, Head


def lock_heads(cursor: Any, partitions: Sequence[int]) -> dict[int, Head]:
    """The head and the last hash of each partition, locked in one order for everybody: no deadlock."""
    cursor.execute(
        "SELECT partition, head, hash FROM partitions WHERE partition = ANY(%s) ORDER BY partition FOR UPDATE",
        (list(partitions),),
    )
    return {partition: Head(head, bytes(digest)) for partition, head, digest in cursor.fetchall()}


def versions(cursor: Any, streams: Collection[str]) -> dict[str, int]:
    """The last version of each of these streams that exists."""
    cursor.execute("SELECT stream, max(version) FROM events WHERE stream = ANY(%s) GROUP BY stream", (list(streams),))
    return dict(cursor.fetchall())


def answers(cursor: Any, keys: Collection[str]) -> dict[str, tuple[bytes, bytes]]:
    """Fingerprint and body of what was answered under these keys before."""
    cursor.execute("SELECT key, fingerprint, body FROM answers WHERE key = ANY(%s)", (list(keys),))
    return {key: (bytes(fingerprint), bytes(body)) for key, fingerprint, body in cursor.fetchall()}


def insert_events(cursor: Any, rows: Sequence[EventFields]) -> None:
    """Add these rows to `events`."""
    columns = "partition, position, stream, version, tag, entry, hash"
    types = ["int4", "int8", "text", "int4", "text", "text", "bytea"]
    _copy(cursor, f"COPY events ({columns}) FROM STDIN (FORMAT BINARY)", types, rows)


def insert_answers(cursor: Any, rows: Sequence[AnswerFields]) -> None:
    """Add these rows to `answers`."""
    columns = "key, fingerprint, body, answered_at"
    _copy(
        cursor,
        f"COPY answers ({columns}) FROM STDIN (FORMAT BINARY)",
        ["text", "bytea", "bytea", "int8"],
        rows,
    )


def move_heads(cursor: Any, heads: Iterable[tuple[int, Head]]) -> None:
    """Write back the counters that `lock_heads` gave out."""
    for partition, head in heads:
        cursor.execute(
            "UPDATE partitions SET head = %s, hash = %s WHERE partition = %s",
            (head.position, head.hash, partition),
        )


def _copy(cursor: Any, statement: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
