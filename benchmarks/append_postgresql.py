"""Append on PostgreSQL: 256 concurrent appenders against COPY by 1,000 rows."""

import time

import psycopg
import uvloop

from benchmarks import append_sqlite
from benchmarks.rows import Row, row_batches
from benchmarks.servers import postgresql

TABLE = """
CREATE TABLE events (
    "partition" integer NOT NULL, position bigint NOT NULL, stream text NOT NULL, version integer NOT NULL,
    entry bytea NOT NULL, hash bytea NOT NULL,
    PRIMARY KEY ("partition", position), UNIQUE (stream, version)
)
"""
COPY = "COPY events FROM STDIN (FORMAT BINARY)"
TYPES = ("int4", "int8", "text", "int4", "bytea", "bytea")


def limit(count: int) -> float:
    """Rows a second by binary COPY, a transaction each 1,000, on the server's default (durable) settings."""
    batches = row_batches(count)
    with postgresql() as url, psycopg.connect(url) as connection:
        connection.execute(TABLE)
        connection.commit()
        started = time.perf_counter()
        for batch in batches:
            _copy(connection, batch)
        return count / (time.perf_counter() - started)


def _copy(connection: psycopg.Connection, batch: list[Row]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(TYPES)
        for row in batch:
            copy.write_row(row)
    connection.commit()


def ours(count: int) -> float:
    """Events a second through one log of 16 partitions, as on SQLite."""
    with postgresql() as url:
        return uvloop.run(append_sqlite.rate(url.replace("postgresql://", "postgresql+psycopg://"), count))
