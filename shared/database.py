"""A service's own database: one writer thread, a few readers, SQLite or PostgreSQL behind the same calls.

All writing goes through one thread and one connection. On SQLite that is the law of the file; on PostgreSQL it
makes every commit of the process pass one place, where appends are gathered (see `shared.log`). Work handed to
`write` runs in a transaction of its own and is on disk when the call returns.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

Result = TypeVar("Result")
Work = Callable[[Connection], Result]
_Job = tuple[Work[Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]

READERS = 4


class StoreUnavailable(Exception):
    """The database cannot be written or read now; nothing was changed. Worth trying again later."""


class StoreFull(StoreUnavailable):
    """The disk is full; nothing was changed. Reading goes on."""


class UnsafeStore(RuntimeError):
    """The database would acknowledge commits that a power cut can take back: we refuse to start on it."""


class Database:
    """One database of one service. `schema` names its PostgreSQL schema; SQLite has a file of its own instead."""

    def __init__(self, url: str, schema: str) -> None:
        self.url = make_url(url)
        self.schema = schema
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writing = _engine(self, writes=True)
        self._reading = _engine(self, writes=False)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._connection: Connection | None = None
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"{schema}-reader")

    async def start(self) -> None:
        """Open the database and start its writer. The schema must be there: see `shared.migrations`."""
        self._writer = threading.Thread(target=self._write_forever, name=f"{self.schema}-writer", daemon=True)
        self._writer.start()
        await self.write(lambda connection: connection.exec_driver_sql("SELECT 1"))

    async def stop(self) -> None:
        """Finish what was handed in, then close every connection."""
        if self._writer is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._writer.join)
            self._writer = None
        self._readers.shutdown()
        self._writing.dispose()
        self._reading.dispose()

    async def write(self, work: Work[Result]) -> Result:
        """Run `work` in one transaction on the writer; its result comes back after the commit is on disk.

        Raises what `work` raises (rolled back), or `StoreUnavailable` when the database itself failed.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._jobs.put((work, future, future.get_loop()))
        # A caller that goes away must not leave the outcome of a commit unknown to the queue behind it.
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # Nobody is left to be told of a failure: that is no failure of its own.
            future.add_done_callback(_forget)
            raise

    async def read(self, work: Work[Result]) -> Result:
        """Run `work` in one read transaction (a snapshot) on a reader thread. Raises `StoreUnavailable`."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Work[Result]) -> Result:
        """`read` for a caller that is on a thread of its own already."""
        try:
            with self._reading.connect() as connection, connection.begin():
                return work(connection)
        except Exception as raised:
            error = self._wrapped(raised)
            if not isinstance(error, DBAPIError):
                raise
            raise _unavailable(error) from raised

    def _write_forever(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, future, loop = job
            try:
                settle, outcome = future.set_result, self._write_now(work)
            except BaseException as error:
                settle, outcome = future.set_exception, error
            # The loop is closed only when the process is going down: nobody is left to be told.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, future, settle, outcome)
        if self._connection is not None:
            self._connection.close()

    def _write_now(self, work: Work[Result]) -> Result:
        try:
            if self._connection is None:
                self._connection = self._writing.connect()
            with self._connection.begin():
                return work(self._connection)
        except Exception as raised:
            error = self._wrapped(raised)
            if not isinstance(error, DBAPIError):
                raise
            # After a failed commit the connection may hold anything: never try COMMIT on it again.
            self._forget_connection()
            raise _unavailable(error) from raised

    def _wrapped(self, error: Exception) -> Exception:
        """What the driver raised in SQLAlchemy's words: the log speaks to the driver itself."""
        driver = self._writing.dialect.loaded_dbapi.Error
        return DBAPIError.instance(None, None, error, driver) if isinstance(error, driver) else error

    def _forget_connection(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None


def _settle(future: "asyncio.Future[Any]", settle: Callable[[Any], None], outcome: Any) -> None:
    if not future.done():
        settle(outcome)


def _forget(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


def _unavailable(error: DBAPIError) -> Exception:
    text = str(error.orig)
    if "disk is full" in text or "No space left" in text:
        return StoreFull(text)
    return StoreUnavailable(text) if isinstance(error, OperationalError) else error


def _engine(database: Database, *, writes: bool) -> Engine:
    if database.is_sqlite:
        if database.url.database:
            Path(database.url.database).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": 10}}
    else:
        options = {"connect_args": {"options": f"-c search_path={database.schema}"}, "pool_pre_ping": True}
        if not writes:
            # One transaction = one snapshot, as on SQLite.
            options["isolation_level"] = "REPEATABLE READ"
    pool_size = 1 if writes else READERS
    engine = create_engine(database.url, poolclass=QueuePool, pool_size=pool_size, max_overflow=0, **options)
    prepare = _prepare_sqlite if database.is_sqlite else _prepare_postgresql
    event.listen(engine, "connect", lambda raw, _record: prepare(raw, writes))
    if database.is_sqlite:
        begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        # On the driver's connection: by way of SQLAlchemy it takes as long as the rest of a small transaction.
        event.listen(engine, "begin", lambda connection: connection.connection.driver_connection.execute(begin))
    return engine


def _prepare_sqlite(raw: Any, writes: bool) -> None:
    # SQLAlchemy's "begin" event issues BEGIN; the driver must not begin or commit by itself.
    raw.isolation_level = None
    cursor = raw.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    if not writes:
        cursor.execute("PRAGMA query_only=ON")
    modes = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    if modes != ["wal", 2]:
        raise UnsafeStore(f"SQLite runs with journal_mode, synchronous = {modes}; needed: ['wal', 2]")
    cursor.close()


def _prepare_postgresql(raw: Any, writes: bool) -> None:
    with raw.cursor() as cursor:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            value = cursor.execute(f"SHOW {name}").fetchone()[0]
            if value == "off":
                raise UnsafeStore(f"PostgreSQL runs with {name} = off; set it on")
    raw.rollback()
    raw.read_only = not writes
