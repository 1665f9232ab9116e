"""BI on PostgreSQL: a schema that explains itself, a role that reads it and nothing else, one set of numbers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg import errors
from sqlalchemy import URL

from services.stats.bi.role import ROLE
from services.stats.bi.star import AXES, FACT_TABLES, TABLES
from services.stats.closing import PUBLISHED
from services.stats.exports import add_exports
from services.stats.pages import pages_of
from services.stats.pages.tools import tool_pages
from services.stats.published import COLUMNS
from shared.database import Database
from shared.web.pages import add_pages
from tests.published import CATALOGUE, PASSWORD, by_hand, city, fresh, publish_a_year, running_server


@pytest.fixture(scope="module")
def published(settings_from_outside: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """A database with a year and a quarter that are published, and a restatement, under the eyes of the role."""
    with running_server() as server, fresh(server) as url:
        asyncio.run(publish_a_year(url, tmp_path_factory.mktemp("bi")))
        yield url


def as_role(url: URL) -> "psycopg.Connection[Any]":
    return by_hand(url, user=ROLE, password=PASSWORD)


def test_the_role_signs_in_with_the_password_of_the_secret_alone(published: URL) -> None:
    with as_role(published) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (ROLE,)
    for password in ("", "maison_bi", "postgres"):
        with pytest.raises(psycopg.OperationalError):
            by_hand(published, user=ROLE, password=password)


def test_every_table_and_column_says_in_french_what_it_is(published: URL) -> None:
    with as_role(published) as connection:
        views = connection.execute(
            "SELECT viewname, obj_description(('bi.' || viewname)::regclass) FROM pg_views WHERE schemaname = 'bi'"
        )
        assert dict(views.fetchall()) == {table.name: table.description for table in TABLES}
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, col_description(('bi.' || table_name)::regclass,"
            " ordinal_position) FROM information_schema.columns WHERE table_schema = 'bi' ORDER BY 1, ordinal_position"
        )
        types = {"string": "text", "integer": "bigint", "boolean": "boolean", "date": "date"}
        assert columns.fetchall() == [
            (table.name, column.name, types[column.type], column.description)
            for table in sorted(TABLES)
            for column in table.columns
        ]


FORBIDDEN = {
    "insert": "INSERT INTO bi.fait_demandes (periode) VALUES ('2008')",
    "update": "UPDATE bi.fait_demandes SET revision = 1",
    "delete": "DELETE FROM bi.fait_demandes",
    "truncate": "TRUNCATE stats.publications",
    "insert into what the views read": "INSERT INTO stats.names VALUES ('site', 'x', 'x', 1, '')",
    "create a table": "CREATE TABLE bi.mine (a int)",
    "create a table in public": "CREATE TABLE public.mine (a int)",
    "create a temporary table": "CREATE TEMPORARY TABLE mine (a int)",
    "create a view": "CREATE VIEW bi.mine AS SELECT 1",
    "create a schema": "CREATE SCHEMA mine",
    "create a function": "CREATE FUNCTION bi.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "drop an extension": "DROP EXTENSION plpgsql",
    "create a database": "CREATE DATABASE mine",
    "create a role": "CREATE ROLE mine",
    "drop a view": "DROP VIEW bi.fait_demandes",
    "drop the schema": "DROP SCHEMA bi CASCADE",
    "alter a view": "ALTER VIEW bi.fait_demandes RENAME TO mine",
    "alter the server": "ALTER SYSTEM SET fsync = off",
    "comment": "COMMENT ON VIEW bi.fait_demandes IS 'mine'",
    "grant": "GRANT SELECT ON stats.publications TO maison_bi",
    "read what lies behind the views": "SELECT count FROM stats.publications",
    "read the live figures": "SELECT * FROM stats.figures",
    "read the record": "SELECT * FROM intake.events",
    "lock": "DO $$ BEGIN LOCK TABLE bi.fait_demandes IN EXCLUSIVE MODE; END $$",
    "become another": "SET ROLE postgres",
    "sign in as another": "SET SESSION AUTHORIZATION postgres",
    "give itself powers": "ALTER ROLE maison_bi SUPERUSER",
    "read passwords": "SELECT * FROM pg_authid",
    "copy to a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "copy to a file": "COPY (SELECT 1) TO '/tmp/maison-bi'",
    "copy from a file": "COPY bi.dim_site FROM '/etc/passwd'",
    "read a file": "SELECT pg_read_file('PG_VERSION')",
    "list a folder": "SELECT pg_ls_dir('.')",
    "make a large object": "SELECT lo_create(0)",
    "write a large object": "SELECT lo_from_bytea(0, 'x')",
    "import a file": "SELECT lo_import('/etc/passwd')",
    "export a file": "SELECT lo_export(1, '/tmp/maison-bi')",
    "hold up the house": "SELECT pg_advisory_lock(1)",
    "write into the server's log": "SELECT pg_logical_emit_message(false, 'x', 'x')",
    "end another's session": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
    "a block that writes": "DO $$ BEGIN DELETE FROM stats.publications; END $$",
}
REFUSED = (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)


def test_the_role_can_do_nothing_but_read(published: URL) -> None:
    done: list[str] = []
    with as_role(published) as connection:
        # Both as it begins, and as anybody can make it for themselves.
        for read_only, refusals in (("on", REFUSED), ("off", (errors.InsufficientPrivilege,))):
            connection.execute(f"SET default_transaction_read_only = {read_only}")
            done += [what for what, statement in FORBIDDEN.items() if not is_refused(connection, statement, refusals)]
    assert done == []


def is_refused(
    connection: "psycopg.Connection[Any]", statement: str, refusals: tuple[type[psycopg.Error], ...]
) -> bool:
    try:
        connection.execute(statement)
    except refusals:
        return True
    return False


def test_the_role_begins_read_only_within_a_minute(published: URL) -> None:
    with as_role(published) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("default_transaction_read_only", "statement_timeout", "search_path")
        ]
    assert shown == [("on",), ("1min",), ("bi",)]


def test_what_drivers_do_between_two_queries_is_allowed(published: URL) -> None:
    with as_role(published) as connection:
        for statement in ("DISCARD ALL", "SELECT pg_advisory_unlock_all()", "UNLISTEN *", "CLOSE ALL", "RESET ALL"):
            connection.execute(statement)


async def test_the_house_itself_goes_on_as_before(published: URL, tmp_path: Path) -> None:
    async with opened(published) as database:
        again = city(database, tmp_path, date(2009, 4, 10))
        await again.open()
        assert await again.publish() == []
    with as_role(published) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM fait_accueils").fetchone() == (True,)


@asynccontextmanager
async def opened(url: URL) -> AsyncIterator[Database]:
    database = Database(url.render_as_string(hide_password=False), "stats")
    await database.start()
    yield database
    await database.stop()


TYPES = {column.name: {"string": "VARCHAR", "integer": "BIGINT"}.get(column.type, column.type) for column in COLUMNS}
NAMES = ", ".join(TYPES)
READ = {
    "csv": f"SELECT {NAMES} FROM read_csv('FILE', header=true, columns={TYPES}, nullstr='')",
    "json": f"SELECT {NAMES} FROM read_json('FILE', columns={TYPES})",
    "parquet": f"SELECT {NAMES} FROM read_parquet('FILE')",
}
ALIKE = ", ".join(f"coalesce({name}, '') AS {name}" if TYPES[name] == "VARCHAR" else name for name in TYPES)


def in_columns_of_files(figure: str, schema: str) -> str:
    """A fact put together with its dimensions again, as the files have it: every code has to lead somewhere."""
    fact = FACT_TABLES[figure]
    axes = {column: table for column, table in fact.leads_to.items() if column not in ("periode", "site")}
    of_axis = {AXES[axis].column: axis for axis in PUBLISHED[figure]}
    words = " ".join(f"WHEN '{of_axis[column]}' THEN {table}.libelle" for column, table in axes.items())
    joins = " ".join(f"JOIN {schema}{table} USING ({column})" for column, table in fact.leads_to.items())
    return (
        f"SELECT site, fact.maille, periode, axe, {' || '.join(axes)}, CASE axe {words} ELSE '' END,"
        f" nombre, masque, revision, publie_le, seuil FROM {schema}{fact.name} AS fact {joins}"
    )


async def test_the_page_tells_how_to_reach_the_schema(published: URL) -> None:
    app = FastAPI()
    async with opened(published) as database:
        add_pages(app, pages_of(CATALOGUE), tool_pages(CATALOGUE, database))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://stats") as client:
            shown = {code: (await client.get(f"/figures/bi?lang={code}")).text for code in ("fr", "en")}
    assert "Le rôle maison_bi y lit le schéma bi, et rien d’autre" in shown["fr"]
    assert "The role maison_bi reads the schema bi there, and nothing else" in shown["en"]
    for text in shown.values():
        assert "postgresql://maison_bi:" in text
        assert "http://stats/exports/bi.sqlite" in text


@asynccontextmanager
async def exports(url: URL) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    async with opened(url) as database:
        add_exports(app, CATALOGUE, database)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://stats") as client:
            yield client


async def test_every_road_leads_to_the_same_numbers(published: URL, tmp_path: Path) -> None:
    duck = duckdb.connect()
    async with exports(published) as client:
        file = tmp_path / "served.sqlite"
        file.write_bytes((await client.get("/exports/bi.sqlite")).content)
        for figure, fact in FACT_TABLES.items():
            lines: dict[str, list[tuple[Any, ...]]] = {}
            for form, query in READ.items():
                (tmp_path / figure).write_bytes((await client.get(f"/exports/{figure}.{form}")).content)
                lines[form] = duck.execute(
                    f"SELECT {ALIKE} FROM ({query.replace('FILE', str(tmp_path / figure))})"
                ).fetchall()
            with as_role(published) as connection:
                lines["postgresql"] = connection.execute(in_columns_of_files(figure, "bi.")).fetchall()
            lines["sqlite"] = [
                (*line[:7], bool(line[7]), line[8], date.fromisoformat(line[9]), line[10])
                for line in in_file(file, in_columns_of_files(figure, ""))
            ]
            roads = {road: sorted(found, key=repr) for road, found in lines.items()}
            assert len(roads["csv"]) == in_file(file, f"SELECT count(*) FROM {fact.name}")[0][0] > 100
            assert {road for road, found in roads.items() if found != roads["csv"]} == set()
            assert any(line[6] is None for line in roads["csv"])
    duck.close()


async def test_the_file_and_the_schema_are_the_same_to_the_last_line(published: URL, tmp_path: Path) -> None:
    async with exports(published) as client:
        (tmp_path / "served.sqlite").write_bytes((await client.get("/exports/bi.sqlite")).content)
    with as_role(published) as connection:
        for table in TABLES:
            names = ", ".join(column.name for column in table.columns)
            there = connection.execute(f"SELECT {names} FROM {table.name}").fetchall()
            here = in_file(tmp_path / "served.sqlite", f"SELECT {names} FROM {table.name}")
            kinds = [column.type for column in table.columns]
            assert sorted(there, key=repr) == sorted((as_kinds(line, kinds) for line in here), key=repr)
    assert in_file(tmp_path / "served.sqlite", "PRAGMA foreign_key_check") == []
    assert in_file(tmp_path / "served.sqlite", "PRAGMA integrity_check") == [("ok",)]


async def test_only_the_newest_revision_of_a_number_is_in_force(published: URL) -> None:
    query = (
        "SELECT revision, en_vigueur, nombre FROM fait_demandes"
        " WHERE maille = 'month' AND periode = '2008-03' AND site = '' AND axe = 'total' ORDER BY revision"
    )
    with as_role(published) as connection:
        assert connection.execute(query).fetchall() == [(1, False, 77), (2, True, 107)]


def test_a_withheld_number_is_nowhere_to_be_read(published: URL) -> None:
    query = "SELECT count(*), count(nombre) FROM fait_accueils WHERE masque"
    with as_role(published) as connection:
        withheld, shown = connection.execute(query).fetchone() or (0, 0)
    assert (withheld > 0, shown) == (True, 0)


def in_file(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def as_kinds(line: tuple[Any, ...], kinds: list[str]) -> tuple[Any, ...]:
    """A line of SQLite, which knows neither dates nor true and false, as PostgreSQL tells it."""
    return tuple(as_kind(value, kind) for value, kind in zip(line, kinds, strict=True))


def as_kind(value: Any, kind: str) -> Any:
    if kind == "boolean":
        return bool(value)
    return date.fromisoformat(value) if kind == "date" else value
