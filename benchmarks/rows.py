"""The log's rows as a bare driver would insert them: ready-made, hashed before the clock starts."""

from hashlib import sha256

from benchmarks.entries import visit_entries

BATCH = 1000

Row = tuple[int, int, str, int, bytes, bytes]


def row_batches(count: int) -> list[list[Row]]:
    """(partition, position, stream, version, entry, hash) of `count` events, by 1,000."""
    rows = [
        (0, position, stream, 1, entry, sha256(entry).digest())
        for position, (stream, entry) in enumerate(visit_entries(count), start=1)
    ]
    return [rows[start : start + BATCH] for start in range(0, count, BATCH)]
