"""How PostgreSQL locks, looks up and inserts. A partition's counter row is its lock, held until the commit.

The counter is taken before anything is looked up, so whoever holds it sees all that was committed before: the
numbers are dense and in commit order. Never a database sequence: its holes lose events.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from shared.log.rows import AnswerFields, Entry, EventFields, Found, Head


def look_up(cursor: Any, partitions: Sequence[int], streams: Collection[str], keys: Collection[str]) -> Found:
    """What the numbering of new events starts from. The heads are locked in one order for everybody: no deadlock."""
    # One way to the server and back for all of them. It carries them out in turn: the locks are held when the rest
    # is looked up, each time with a snapshot of its own.
    with cursor.connection.pipeline():
        cursor.execute(
            "SELECT partition, head, hash FROM partitions WHERE partition = ANY(%s) ORDER BY partition FOR UPDATE",
            (list(partitions),),
        )
        versions = cursor.connection.execute(
            "SELECT stream, max(version) FROM events WHERE stream = ANY(%s) GROUP BY stream", (list(streams),)
        )
        answers = cursor.connection.execute(
            "SELECT key, fingerprint, body FROM answers WHERE key = ANY(%s)", (list(keys),)
        )
        heads = {partition: Head(head, bytes(digest)) for partition, head, digest in cursor.fetchall()}
        return Found(
            heads,
            dict(versions.fetchall()),
            {key: (bytes(fingerprint), bytes(body)) for key, fingerprint, body in answers.fetchall()},
        )


def read_after(cursor: Any, partition: int, position: int, limit: int) -> list[Entry]:
    """Entries of a partition after a position, in order."""
    cursor.execute(
        "SELECT position, tag, entry FROM events WHERE partition = %s AND position > %s ORDER BY position LIMIT %s",
        (partition, position, limit),
    )
    return [Entry(place, tag, body.encode()) for place, tag, body in cursor.fetchall()]


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


def move_heads(cursor: Any, heads: Sequence[tuple[int, Head]]) -> None:
    """Write back the counters that `look_up` gave out."""
    cursor.execute(
        "UPDATE partitions SET head = moved.head, hash = moved.hash"
        " FROM unnest(%s::int[], %s::bigint[], %s::bytea[]) AS moved (partition, head, hash)"
        " WHERE partitions.partition = moved.partition",
        (
            [partition for partition, _ in heads],
            [head.position for _, head in heads],
            [head.hash for _, head in heads],
        ),
    )


def _copy(cursor: Any, statement: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
