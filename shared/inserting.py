"""Many rows by few statements, through the driver, on either store.

Each statement lets go of the interpreter once, where `executemany` does so for every row and then waits for the event
loop's thread to give it back.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection

_ROWS_PER_STATEMENT = (128, 64, 32, 16, 8, 4, 2, 1)
"""Few lengths of statements: the driver keeps each of them prepared."""


def insert(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], then: str = ""
) -> None:
    """Add rows to a table. `then`: what follows the values, as `ON CONFLICT ...`."""
    cursor = connection.connection.cursor()
    try:
        insert_by(cursor, mark_of(connection), table, tuple(columns), rows, then)
    finally:
        cursor.close()


def mark_of(connection: Connection) -> str:
    """How the driver writes a parameter."""
    return "?" if connection.dialect.name == "sqlite" else "%s"


def insert_by(
    cursor: Any, mark: str, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], then: str = ""
) -> None:
    """The same for whoever has a cursor of the driver's; `mark` is how it writes a parameter."""
    start = 0
    for size in _ROWS_PER_STATEMENT:
        while len(rows) - start >= size:
            values = list(chain.from_iterable(rows[start : start + size]))
            cursor.execute(_statement(mark, table, columns, size, then), values)
            start += size


@cache
def _statement(mark: str, table: str, columns: tuple[str, ...], rows: int, then: str) -> str:
    row = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)} {then}"
