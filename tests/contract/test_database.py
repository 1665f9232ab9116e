"""A service's own database: one writer, a few readers, and no promise that a power cut can break."""

import asyncio
import threading
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from shared.database import Database, StoreUnavailable, UnsafeStore, Work
from tests.logs import by_hand, founded, opened_database, sqlite_file

COUNT = text("SELECT count(*) FROM checkpoints")


def note(connection: Connection, position: int, reader: str = "stats") -> None:
    values = {"reader": reader, "position": position}
    statement = "INSERT INTO checkpoints (reader, topic, partition, position) VALUES (:reader, 'intake', :position, 1)"
    connection.execute(text(statement), values)


async def count(database: Database) -> int:
    return await database.read(lambda connection: connection.execute(COUNT).scalar_one())


async def test_what_was_written_is_there_for_every_reader(database_url: str) -> None:
    async with opened_database(database_url) as database:
        await database.write(lambda connection: note(connection, 1))
        assert await count(database) == 1
        with by_hand(database_url).connect() as connection:
            assert connection.execute(COUNT).scalar_one() == 1


async def test_work_that_raises_leaves_nothing_and_the_next_is_not_harmed(database_url: str) -> None:
    def fail(connection: Connection) -> None:
        note(connection, 1)
        raise LookupError("in the middle")

    async with opened_database(database_url) as database:
        with pytest.raises(LookupError, match="in the middle"):
            await database.write(fail)
        assert await count(database) == 0
        await database.write(lambda connection: note(connection, 1))
        assert await count(database) == 1


async def test_a_row_that_is_there_already_is_told_as_such_whoever_spoke_to_the_driver(database_url: str) -> None:
    def by_the_driver(connection: Connection) -> None:
        statement = "INSERT INTO checkpoints (reader, topic, partition, position) VALUES ('stats', 'intake', 1, 1)"
        connection.connection.cursor().execute(statement)

    async with opened_database(database_url) as database:
        await database.write(lambda connection: note(connection, 1))
        for work in (by_the_driver, lambda connection: note(connection, 1)):
            with pytest.raises(IntegrityError):
                await database.write(work)
        await database.write(lambda connection: note(connection, 2))
        assert await count(database) == 2


async def test_a_statement_that_makes_no_sense_is_no_outage(postgres_url: str) -> None:
    async with opened_database(postgres_url) as database:
        for ask in (database.write, database.read):
            with pytest.raises(ProgrammingError):
                await ask(lambda connection: connection.execute(text("SELECT nonsense")))
        assert await count(database) == 0


async def test_all_writing_is_done_by_one_thread_in_the_order_handed_in(database_url: str) -> None:
    async with opened_database(database_url) as database:
        done: list[tuple[int, int]] = []

        def note_thread(number: int) -> Work[None]:
            return lambda _connection: done.append((number, threading.get_ident()))

        await asyncio.gather(*(database.write(note_thread(number)) for number in range(50)))
        assert [number for number, _thread in done] == list(range(50))
        assert len({thread for _number, thread in done}) == 1


async def test_a_reader_sees_one_moment_and_does_not_hold_up_the_writer(database_url: str) -> None:
    first_look, written = threading.Event(), threading.Event()

    def read(connection: Connection) -> tuple[int, int]:
        before = connection.execute(COUNT).scalar_one()
        first_look.set()
        assert written.wait(60)
        return before, connection.execute(COUNT).scalar_one()

    async with opened_database(database_url) as database:
        reading = asyncio.create_task(database.read(read))
        await asyncio.to_thread(first_look.wait)
        await database.write(lambda connection: note(connection, 1))
        written.set()
        assert await reading == (0, 0)
        assert await count(database) == 1


async def test_a_reader_cannot_write(database_url: str) -> None:
    async with opened_database(database_url) as database:
        with pytest.raises(Exception, match=r"readonly|read-only"):
            await database.read(lambda connection: note(connection, 1))
        assert await count(database) == 0


async def test_what_was_handed_in_before_a_stop_is_finished(database_url: str) -> None:
    async with opened_database(database_url) as database:
        writing = [asyncio.create_task(database.write(partial(note, position=number))) for number in range(20)]
        await asyncio.sleep(0)
    await asyncio.gather(*writing)
    with by_hand(database_url).connect() as connection:
        assert connection.execute(COUNT).scalar_one() == 20


async def test_a_writer_who_goes_away_does_not_stop_the_others(database_url: str) -> None:
    async with opened_database(database_url) as database:
        gone = asyncio.create_task(database.write(lambda connection: note(connection, 1)))
        await asyncio.sleep(0)
        gone.cancel()
        await database.write(lambda connection: note(connection, 2))
        # Its work was under way: it is done, although nobody hears of it.
        assert await count(database) == 2


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://postgres@/house?host={tmp_path}", "intake")
    with pytest.raises(StoreUnavailable):
        await database.start()
    with pytest.raises(StoreUnavailable):
        await count(database)
    await database.stop()


async def test_a_postgresql_that_could_lose_commits_is_refused(postgres_url: str) -> None:
    founded(postgres_url)
    with by_hand(postgres_url).begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    database = Database(postgres_url, "intake")
    with pytest.raises(UnsafeStore, match="synchronous_commit"):
        await database.start()
    await database.stop()


async def test_sqlite_writes_through_to_the_disk(tmp_path: Path) -> None:
    async with opened_database(sqlite_file(tmp_path)) as database:
        ask = "SELECT (SELECT * FROM pragma_journal_mode), (SELECT * FROM pragma_synchronous)"
        for answer in (
            await database.write(lambda connection: connection.execute(text(ask)).one()),
            await database.read(lambda connection: connection.execute(text(ask)).one()),
        ):
            assert tuple(answer) == ("wal", 2)


async def test_an_sqlite_that_could_lose_commits_is_refused() -> None:
    # A database in memory has no write-ahead log: nothing of it would ever reach a disk.
    database = Database("sqlite://", "intake")
    with pytest.raises(UnsafeStore, match="journal_mode"):
        await database.start()
    await database.stop()
