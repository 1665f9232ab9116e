"""The star as an SQLite file: made anew, complete, and put in place of the one before in one step."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing

from services.stats.bi.rows import Line
from services.stats.bi.star import TABLES, Table

FILE = "bi.sqlite"
READ_ONLY = 0o444
_TYPES = {"string": "TEXT", "integer": "INTEGER", "boolean": "BOOLEAN", "date": "DATE"}
_DICTIONARY = (
    'CREATE TABLE dictionnaire ("table" TEXT NOT NULL, colonne TEXT NOT NULL, description TEXT NOT NULL,'
    ' PRIMARY KEY ("table", colonne))'
)


def written(star: Mapping[str, Sequence[Line]]) -> bytes:
    """The file's content. The same star gives the same bytes."""
    with closing(sqlite3.connect(":memory:")) as connection:
        with connection:
            connection.execute(_DICTIONARY)
            for table in TABLES:
                _create(connection, table, star[table.name])
        # Without free pages and in one order: nothing of how it was made is left in it.
        connection.execute("VACUUM")
        return connection.serialize()


def _create(connection: sqlite3.Connection, table: Table, lines: Iterable[Line]) -> None:
    # An empty number is told by `masque`; all other columns are always filled, but for parts of a period.
    columns = [f"{column.name} {_TYPES[column.type]}" for column in table.columns]
    keys = [f"PRIMARY KEY ({', '.join(table.key)})"]
    keys += [f"FOREIGN KEY ({column}) REFERENCES {to} ({column})" for column, to in table.leads_to.items()]
    connection.execute(f"CREATE TABLE {table.name} ({', '.join(columns + keys)})")
    marks = ", ".join("?" * len(table.columns))
    connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", lines)
    described = [("", table.description), *((column.name, column.description) for column in table.columns)]
    connection.executemany(
        "INSERT INTO dictionnaire VALUES (?, ?, ?)", [(table.name, name, text) for name, text in described]
    )
