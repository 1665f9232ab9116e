"""PostgreSQL: every table of the five schemas as COPY writes it, in one snapshot, with none of its programs.

One snapshot of one database: no reader stands ahead of a log in it, whatever is written meanwhile.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import make_url

from services.backup.manifest import Manifest, Refused, Table, Taken
from services.backup.schemas import PARTS, all_schemas, versions
from shared.migrations import migrate
from shared.settings import Settings

LOGS = ("intake", "referral")
SEEDED = ("partitions", "vault_audit_head", "door_head")
"""A migration puts rows into these: they hold nothing of a house yet."""
_TABLES = """
    SELECT table_schema, table_name, array_agg(column_name::text ORDER BY ordinal_position)
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = ANY(%s) AND table_type = 'BASE TABLE'
      AND table_name <> 'alembic_version' AND right(table_name, 11) <> '_rebuilding'
    GROUP BY table_schema, table_name ORDER BY table_schema, table_name
"""
Connection = psycopg.Connection[tuple[Any, ...]]


def take(settings: Settings, folder: Path, keys: Path | None) -> Taken:
    """Copy every table into a file of `folder`, those of the keys into `keys`. Raises `Refused`."""
    tables = {}
    with _connected(settings) as connection:
        connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
        with connection.transaction():
            found = _tables(connection)
            if {table.schema for table in found} != set(PARTS):
                raise Refused("no house has run on this database yet: there is nothing to back up")
            for table in found:
                if into := keys if table.schema == "keys" else folder:
                    name = f"{table.schema}.{table.name}.copy"
                    tables[name] = table
                    _copy_out(connection, table, into / name)
            schemas = {part: _schema(connection, part) for part in PARTS if keys or part != "keys"}
            barrier = {log: _heads(connection, log) for log in LOGS}
            forgotten = connection.execute("SELECT owner, at FROM keys.shredded_keys ORDER BY owner").fetchall()
    return Taken("postgresql", schemas, barrier, tables, [(owner, at) for owner, at in forgotten])


def refuse_unless_empty(settings: Settings) -> None:
    """Raises `Refused` where the database holds anything of a house."""
    with _connected(settings) as connection:
        for table in _tables(connection):
            query = SQL("SELECT EXISTS (SELECT FROM {})").format(_name(table))
            if table.name not in SEEDED and connection.execute(query).fetchone() != (False,):
                raise Refused(f"the database is not empty: {table.schema}.{table.name} has rows; name an empty one")


def put_back(
    settings: Settings, folders: Sequence[tuple[Manifest, Path]], forgotten: Sequence[tuple[str, str]]
) -> None:
    """Fill an empty database from a backup in one transaction, all of it or nothing. Raises `Refused`."""
    for part, version in all_schemas([manifest for manifest, _ in folders]).items():
        # As far as the backup had come; the first start goes on from there.
        migrate(settings.database(part), part, versions(part), version)
    with _connected(settings) as connection:
        with connection.transaction():
            there = {(table.schema, table.name): set(table.columns) for table in _tables(connection)}
            for manifest, folder in folders:
                for name, file in manifest.files.items():
                    if table := file.table:
                        if there.get((table.schema, table.name)) != set(table.columns):
                            raise Refused(f"{name} does not fit the table that its migrations make")
                        _copy_in(connection, table, folder / name)
            if any(_heads(connection, log) != folders[0][0].barrier[log] for log in LOGS):
                raise Refused("the logs do not end where the backup says")
            _forget(connection, forgotten)
        if forgotten:
            connection.autocommit = True
            # What was deleted above is still on the pages.
            connection.execute("VACUUM FULL keys.data_keys")


def _forget(connection: Connection, forgotten: Sequence[tuple[str, str]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("DELETE FROM keys.data_keys WHERE owner = %s", [(owner,) for owner, _ in forgotten])
        cursor.executemany(
            "INSERT INTO keys.shredded_keys (owner, at, wiped) VALUES (%s, %s, false)"
            " ON CONFLICT (owner) DO UPDATE SET wiped = false",
            forgotten,
        )


def _copy_out(connection: Connection, table: Table, file: Path) -> None:
    query = SQL("COPY {} ({}) TO STDOUT").format(_name(table), _columns(table))
    with connection.cursor() as cursor, cursor.copy(query) as copy, file.open("wb") as written:
        for block in copy:
            written.write(block)


def _copy_in(connection: Connection, table: Table, file: Path) -> None:
    if table.name in SEEDED:
        connection.execute(SQL("DELETE FROM {}").format(_name(table)))
    query = SQL("COPY {} ({}) FROM STDIN").format(_name(table), _columns(table))
    with connection.cursor() as cursor, cursor.copy(query) as copy, file.open("rb") as read:
        while block := read.read(1 << 20):
            copy.write(block)


def _tables(connection: Connection) -> list[Table]:
    rows = connection.execute(_TABLES, [list(PARTS)])
    return [Table(schema, name, tuple(columns)) for schema, name, columns in rows]


def _heads(connection: Connection, log: str) -> dict[str, int]:
    query = SQL("SELECT partition, head FROM {} ORDER BY partition").format(Identifier(log, "partitions"))
    return {str(partition): head for partition, head in connection.execute(query)}


def _schema(connection: Connection, part: str) -> str:
    query = SQL("SELECT version_num FROM {}").format(Identifier(part, "alembic_version"))
    found = connection.execute(query).fetchone()
    return str(found[0]) if found else ""


def _name(table: Table) -> Identifier:
    return Identifier(table.schema, table.name)


def _columns(table: Table) -> Composed:
    return SQL(", ").join(map(Identifier, table.columns))


@contextmanager
def _connected(settings: Settings) -> Iterator[Connection]:
    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(url) as connection:
            yield connection
    except psycopg.Error as error:
        raise Refused(f"PostgreSQL refuses: {error}") from None
