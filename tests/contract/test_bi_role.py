"""How the role of BI tools comes to be on PostgreSQL, and what stays undone where the house may not do it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

from services.stats.bi.role import ROLE
from shared.database import Database
from tests.published import PASSWORD, a_year, by_hand, city, count, fresh, running_server
from tests.servers import Postgresql


@pytest.fixture(scope="module")
def server(settings_from_outside: object) -> Iterator[Postgresql]:
    with running_server() as running:
        yield running


@pytest.fixture
def url(server: Postgresql) -> Iterator[URL]:
    with fresh(server) as address:
        yield address


@asynccontextmanager
async def opened(url: URL) -> AsyncIterator[Database]:
    database = Database(url.render_as_string(hide_password=False), "stats")
    await database.start()
    yield database
    await database.stop()


async def test_another_password_in_the_secret_is_the_one_from_the_next_start_on(url: URL, tmp_path: Path) -> None:
    async with opened(url) as database:
        for password in (PASSWORD, "another"):
            await city(database, tmp_path, date(2009, 4, 8), password).open()
    by_hand(url, user=ROLE, password="another").close()
    with pytest.raises(psycopg.OperationalError):
        by_hand(url, user=ROLE, password=PASSWORD)
    with by_hand(url) as connection:
        kept = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [ROLE]).fetchone()
    assert kept
    assert kept[0].startswith("SCRAM-SHA-256$")


async def test_two_replicas_that_start_at_once_make_one_schema(url: URL, tmp_path: Path) -> None:
    async with opened(url) as one, opened(url) as other:
        cities = [city(database, tmp_path, date(2009, 4, 8)) for database in (one, other)]
        await asyncio.gather(*(each.open() for each in cities))
    with by_hand(url, user=ROLE, password=PASSWORD) as connection:
        assert connection.execute("SELECT count(*) FROM dim_site").fetchone() == (2,)


async def test_a_release_that_says_something_else_makes_the_schema_anew(url: URL, tmp_path: Path) -> None:
    async with opened(url) as database:
        await city(database, tmp_path, date(2009, 4, 8)).open()
        with by_hand(url) as connection:
            before = connection.execute(COMMENT).fetchone()
            connection.execute("COMMENT ON SCHEMA bi IS 'of an older release'")
            connection.execute("DROP VIEW bi.fait_accueils")
        await city(database, tmp_path, date(2009, 4, 8)).open()
    with by_hand(url) as connection:
        assert connection.execute(COMMENT).fetchone() == before
    with by_hand(url, user=ROLE, password=PASSWORD) as connection:
        assert connection.execute("SELECT count(*) FROM fait_accueils").fetchone() == (0,)


COMMENT = "SELECT obj_description('bi'::regnamespace, 'pg_namespace')"


async def test_without_a_password_there_is_the_schema_and_nobody_to_read_it(url: URL, tmp_path: Path) -> None:
    async with opened(url) as database:
        await city(database, tmp_path, date(2009, 4, 8), password="").open()
    with by_hand(url) as connection:
        assert connection.execute("SELECT count(*) FROM bi.fait_accueils").fetchone() == (0,)
        assert connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None


async def test_a_role_with_powers_gets_no_password(url: URL, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with by_hand(url) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
    async with opened(url) as database:
        await city(database, tmp_path, date(2009, 4, 8)).open()
    assert "has powers" in caplog.text
    with pytest.raises(psycopg.OperationalError):
        by_hand(url, user=ROLE, password=PASSWORD)


async def test_a_house_that_may_not_make_roles_says_so_and_goes_on(
    url: URL, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    owner = "maison_of_few_rights"
    with by_hand(url) as connection:
        connection.execute(f"CREATE ROLE {owner} LOGIN")
        for thing in (f'DATABASE "{url.database}"', "SCHEMA stats", "TABLE stats.publications", "TABLE stats.names"):
            connection.execute(f"ALTER {thing} OWNER TO {owner}")
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA stats TO {owner}")
    async with opened(url.set(username=owner)) as database:
        await count(database, a_year())
        of_few_rights = city(database, tmp_path, date(2009, 4, 8))
        await of_few_rights.open()
        assert len(await of_few_rights.publish()) == 15
    assert "permission denied to create role" in caplog.text
    with by_hand(url) as connection:
        connection.execute(f"CREATE ROLE {ROLE}")
        assert connection.execute("SELECT count(*) > 0 FROM bi.fait_accueils").fetchone() == (True,)
    caplog.clear()
    async with opened(url.set(username=owner)) as database:
        await city(database, tmp_path, date(2009, 4, 8), password="").open()
    assert "can do more than read: large objects" in caplog.text
    assert "temporary tables" not in caplog.text
    with by_hand(url) as connection:
        connection.execute(f"REASSIGN OWNED BY {owner} TO postgres")
        connection.execute(f"DROP OWNED BY {owner}")
        connection.execute(f"DROP ROLE {owner}")
