"""Append on SQLite, durable: 256 concurrent appenders against bare inserts of 1,000 rows a transaction."""

import asyncio
import sqlite3
import time
from contextlib import closing

import uvloop

from benchmarks.entries import visits
from benchmarks.house import intake_log, settle
from benchmarks.rows import row_batches
from benchmarks.servers import folder

APPENDERS = 256
TABLE = """
CREATE TABLE events (
    "partition" INTEGER NOT NULL, position INTEGER NOT NULL, stream TEXT NOT NULL, version INTEGER NOT NULL,
    entry BLOB NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY ("partition", position), UNIQUE (stream, version)
) WITHOUT ROWID
"""


def limit(count: int) -> float:
    """Rows a second by the standard library's `executemany`, WAL, synchronous=FULL."""
    batches = row_batches(count)
    with folder() as home, closing(sqlite3.connect(home / "log.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(TABLE)
        started = time.perf_counter()
        for batch in batches:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", batch)
            connection.execute("COMMIT")
        return count / (time.perf_counter() - started)


def ours(count: int) -> float:
    """Events a second through one log, each by an append of its own that returns once it is on disk."""
    with folder() as home:
        return uvloop.run(rate(f"sqlite:///{home / 'log.db'}", count))


async def rate(url: str, count: int) -> float:
    """Events a second by 256 tasks that append one event at a time to the same log."""
    async with intake_log(url) as log:
        waiting = iter(visits(count, log.partitions))

        async def append() -> None:
            for one in waiting:
                await log.append(one)

        settle()
        started = time.perf_counter()
        await asyncio.gather(*(append() for _ in range(APPENDERS)))
        took_s = time.perf_counter() - started
        assert sum((await log.heads()).values()) == count
        return count / took_s
