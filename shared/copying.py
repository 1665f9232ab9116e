"""A consistent copy of an SQLite database, made by the service that has it open, while work goes on."""

import asyncio
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection

from shared.database import Database
from shared.web.problems import Problem


async def copy_file(database: Database, target: str) -> None:
    """Write the database as it is now to a new file, which only our own account reads.

    Raises `Problem` on PostgreSQL, which has no file, and where the file exists.
    """
    if not database.is_sqlite:
        raise Problem(409, "no-file", "No file to copy", "This service keeps its data in PostgreSQL: read it there.")
    if await asyncio.to_thread(Path(target).exists):
        raise Problem(409, "file-exists", "The file exists", "Name a file that does not exist yet.")

    def copy(connection: Connection) -> None:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600))
        destination = sqlite3.connect(target)
        try:
            connection.connection.driver_connection.backup(destination)  # type: ignore[union-attr]
        finally:
            destination.close()

    await database.read(copy)
