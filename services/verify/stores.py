"""Reads one service's database as it stood at one moment: an SQLite file that nobody writes, or a PostgreSQL schema.

Rows are handed on as they come, so that a log of any length fits.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, Protocol
from urllib.parse import quote

import psycopg
from psycopg import IsolationLevel
from sqlalchemy import make_url

ROWS_AT_A_TIME = 2_000
_REBUILT = {
    "intake": "visit_referrals",
    "referral": "queue_items, bookings, permanence_cancellations",
    "stats": "figures, presences, case_ties, people_counts",
}


class CannotVerify(RuntimeError):
    """There is nothing that could be audited, or it cannot be reached; the reason."""


class Stopped(Exception):
    """Whoever asked for the audit has gone away."""


class Store(Protocol):
    """One service's tables.

    `entry` is the SQL for the bytes of an event's document; `by_bytes` follows a text column in `ORDER BY` where
    the order must be that of Python's strings.
    """

    entry: str
    by_bytes: str

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, as they come."""


class SqliteStore:
    """A copy, or the file of a service that does not run."""

    # As bytes: a document that is no UTF-8 any more is a finding, not an error of the driver.
    entry = "CAST(entry AS BLOB)"
    by_bytes = ""

    def __init__(self, connection: sqlite3.Connection, stop: Event) -> None:
        self._connection, self._stop = connection, stop

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, as they come."""
        yield from _all_of(self._connection.execute(sql), self._stop)


class PostgresStore:
    """A schema, in one snapshot."""

    entry = "convert_to(entry, 'UTF8')"
    by_bytes = ' COLLATE "C"'

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]", stop: Event) -> None:
        self._connection, self._stop = connection, stop
        self._cursors = 0

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, as they come."""
        # A cursor with a name lives on the server: without one, the whole answer would come at once.
        self._cursors += 1
        with self._connection.cursor(f"audit_{self._cursors}") as cursor:
            cursor.execute(sql.encode(), binary=True)
            yield from _all_of(cursor, self._stop)


@contextmanager
def sqlite_store(path: Path, stop: Event) -> Iterator[SqliteStore]:
    """Read a file that nobody writes meanwhile. Raises `CannotVerify` when there is none."""
    if not path.exists():
        raise CannotVerify(f"there is no {path}: no house has run there yet")
    write_ahead = path.with_name(path.name + "-wal")
    # A house that was killed leaves its last commits beside the file; else nothing must be made beside it.
    settled = not write_ahead.exists() or not write_ahead.stat().st_size
    uri = f"file:{quote(str(path.absolute()))}?mode=ro{'&immutable=1' if settled else ''}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        yield SqliteStore(connection, stop)
    finally:
        connection.close()


@contextmanager
def postgres_store(url: str, schema: str, stop: Event) -> Iterator[PostgresStore]:
    """Read a schema as it is now, whatever is written meanwhile. Raises `CannotVerify`."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        connection = psycopg.connect(plain, options=f"-c search_path={schema}")
    except psycopg.OperationalError as error:
        raise CannotVerify(f"PostgreSQL does not answer: {error}") from error
    try:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            # A rebuilt table takes the place of the live one, which no snapshot would show: the swap has to wait.
            connection.execute(f"LOCK TABLE {_REBUILT[schema]} IN ACCESS SHARE MODE".encode())
            # The first query takes the snapshot.
            connection.execute("SELECT count(*) FROM checkpoints")
        except psycopg.errors.UndefinedTable as error:
            raise CannotVerify(f"there is no schema {schema}: no house has run there yet") from error
        yield PostgresStore(connection, stop)
    finally:
        connection.close()


def _all_of(cursor: Any, stop: Event) -> Iterator[tuple[Any, ...]]:
    while some := cursor.fetchmany(ROWS_AT_A_TIME):
        if stop.is_set():
            raise Stopped
        yield from some
