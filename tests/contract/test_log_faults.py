"""The log when its database goes away, or its disk is full."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, text

from shared.database import Database, StoreFull, StoreUnavailable
from shared.log import NEW, Appended, Log
from tests.logs import by_hand, entries, fill, opened_log, sqlite_file, to_append
from tests.servers import Postgresql, ServerUnavailable, fresh_database, running_postgresql

NOBODY_WAITS_S = 60.0
"""Each failure comes at once; this is there for one that would never come."""


@pytest.fixture
def mortal() -> Iterator[tuple[Postgresql, str]]:
    """A PostgreSQL of the test's own, to be killed, and a database of it."""
    try:
        with running_postgresql() as server, fresh_database(server.url) as url:
            yield server, url
    except ServerUnavailable as reason:
        pytest.skip(str(reason))


async def until_appended(log: Log, stream: str) -> Appended:
    """Try again for as long as the store is away, as a caller of HTTP would."""
    while True:
        try:
            return await log.append(to_append(stream, NEW))
        except StoreUnavailable:
            await asyncio.sleep(0.01)


async def test_a_log_outlives_its_postgresql(mortal: tuple[Postgresql, str]) -> None:
    server, url = mortal
    async with opened_log(url) as log:
        await fill(log, 5)
        server.kill()
        # The first finds a connection broken, the next ones find nobody to connect to: each is told.
        for number in range(3):
            with pytest.raises(StoreUnavailable):
                await asyncio.wait_for(log.append(to_append(f"case-lost-{number}", NEW)), NOBODY_WAITS_S)
        with pytest.raises(StoreUnavailable):
            await log.read("case-0-0")
        many = (log.append(to_append(f"case-many-{number}", NEW)) for number in range(20))
        outcomes = await asyncio.wait_for(asyncio.gather(*many, return_exceptions=True), NOBODY_WAITS_S)
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        server.start()
        assert (await until_appended(log, "case-rose")).position == 6
        assert [entry.position for entry in await entries(log)] == list(range(1, 7))


async def test_a_connection_cut_under_the_writer_costs_one_refusal_at_most(postgres_url: str) -> None:
    async with opened_log(postgres_url) as log:
        await fill(log, 5)
        with by_hand(postgres_url).begin() as connection:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))
        with pytest.raises(StoreUnavailable):
            await log.append(to_append("case-cut", NEW))
        assert (await log.append(to_append("case-rose", NEW))).position == 6
        assert len(await log.read("case-rose")) == 1


async def test_a_lock_held_too_long_by_somebody_else_is_told_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlite_file(tmp_path)
    async with opened_log(url) as log:
        await fill(log, 1)
        await log.database.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout = 20"))
        with by_hand(url).connect() as intruder:
            intruder.exec_driver_sql("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                await asyncio.wait_for(log.append(to_append("case-waits", NEW)), NOBODY_WAITS_S)
        assert (await log.append(to_append("case-rose", NEW))).position == 2


async def test_a_full_disk_stores_nothing_and_is_survived(tmp_path: Path) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log:
        await fill(log, 5)
        limit_pages(log.database, 1)
        with pytest.raises(StoreFull):
            await log.append_each([to_append(f"case-big-{number}", NEW, events=20) for number in range(50)])
        outcomes = await asyncio.gather(
            *(log.append(to_append(f"case-more-{number}", NEW, events=50)) for number in range(20)),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in outcomes} == {StoreFull}
        # Reading goes on, and nothing of what was refused is there.
        assert len(await log.read_after(0, 0, 1_000)) == 5
        assert (await log.heads())[0] == 5
        limit_pages(log.database, 1_000_000)
        assert (await log.append(to_append("case-rose", NEW))).position == 6
        assert [entry.position for entry in await entries(log)] == list(range(1, 7))


def limit_pages(database: Database, count: int) -> None:
    """As if the disk ended after that many pages, or, if the file has more already, at its present end."""
    # The limit belongs to a connection, and the writer makes a new one after each failure.
    limit = f"PRAGMA max_page_count = {count}"
    event.listen(database._writing, "connect", lambda raw, _record: raw.execute(limit))
    database._forget_connection()
