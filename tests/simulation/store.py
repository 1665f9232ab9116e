"""The house's own database without its threads: the writer takes its jobs one by one, in virtual time."""

import asyncio
import sqlite3
from collections import deque
from random import Random
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine

from shared.database import Database, Result, Work
from tests.simulation.loop import current_process

COMMIT_S_MAX = 0.02
FULL_PAGES_MORE = 1
"""Pages that a full disk still has room for."""


class Died(BaseException):
    """The process was killed in the middle of this transaction. Nobody may catch it, as nobody survives it."""


class InlineDatabase(Database):
    """What is written is on disk at one instant between the asking and the answer; a process dies on either side."""

    chance = Random(0)
    first: ClassVar[Engine | None] = None

    @classmethod
    def prepare(cls, url: str) -> None:
        """Open one before all others: they speak its dialect, which is whole once it has met a file."""
        database = cls(url, "first")
        database.read_now(lambda connection: connection.exec_driver_sql("SELECT 1"))
        database.let_go()
        cls.first = database._reading

    def __init__(self, url: str, schema: str) -> None:
        super().__init__(url, schema)
        if self.first:
            for engine in (self._writing, self._reading):
                # Statements are compiled once for all lives, not anew in each.
                engine.dialect, engine._compiled_cache = self.first.dialect, self.first._compiled_cache
        self._jobs = self._inline = _Jobs(self)  # type: ignore[assignment]
        self.is_working = False
        self.is_full = self.is_broken = False
        self.refused = 0
        self.process = current_process()
        if self.process:
            self.process.at_death.append(self.let_go)

    async def start(self) -> None:
        """Open the database."""
        await self.write(lambda connection: connection.exec_driver_sql("SELECT 1"))

    async def stop(self) -> None:
        """Finish what was handed in, and close."""
        while self._inline.is_busy:  # noqa: ASYNC110 - as long as somebody hands in more
            await asyncio.sleep(COMMIT_S_MAX)
        self.let_go()

    def let_go(self) -> None:
        """What the system does for a process that is no more: its files are closed, its transactions never were."""
        self._readers.shutdown(wait=False)
        self._forget_connection()
        self._writing.dispose()
        self._reading.dispose()

    def die(self) -> None:
        """The process is killed here: in the middle of a transaction, or between two."""
        if self.is_working:
            raise Died
        assert self.process is not None
        self.process.die()

    def carry_out(self, job: Any) -> None:
        """One job of the writer, as its thread would do it."""
        work, future, loop = job
        self.is_working = True
        try:
            settle, outcome = future.set_result, self._write_now(self._hindered(work))
        except Died:
            assert self.process is not None
            self.process.die()
            return
        except Exception as error:
            settle, outcome = future.set_exception, error
        finally:
            self.is_working = False
        loop.call_later(self.chance.uniform(0.0001, COMMIT_S_MAX), _tell, future, settle, outcome)

    def _hindered(self, work: Work[Result]) -> Work[Result]:
        """The same work on a disk that is full, or broken."""
        if not (self.is_full or self.is_broken):
            return work

        def hindered(connection: Connection) -> Result:
            if self.is_full:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
                connection.exec_driver_sql(f"PRAGMA max_page_count={pages + FULL_PAGES_MORE}")
            try:
                result = work(connection)
            except Exception:
                self.refused += 1
                raise
            finally:
                if self.is_full:
                    connection.exec_driver_sql("PRAGMA max_page_count=1073741823")
            if self.is_broken:
                self.refused += 1
                raise sqlite3.OperationalError("disk I/O error")
            return result

        return hindered


class _Jobs:
    """The writer's queue."""

    def __init__(self, database: InlineDatabase) -> None:
        self._database = database
        self._waiting: deque[Any] = deque()
        self.is_busy = False

    def put(self, job: Any) -> None:
        """One more."""
        self._waiting.append(job)
        if not self.is_busy:
            self._next()

    def _next(self) -> None:
        self.is_busy = bool(self._waiting)
        if self.is_busy:
            pause_s = self._database.chance.uniform(0.0001, COMMIT_S_MAX)
            asyncio.get_running_loop().call_later(pause_s, self._take)

    def _take(self) -> None:
        self._database.carry_out(self._waiting.popleft())
        self._next()


def _tell(future: "asyncio.Future[Any]", settle: Any, outcome: Any) -> None:
    if not future.done():
        settle(outcome)
