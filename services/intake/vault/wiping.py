"""Taking what was deleted off the pages of the database too, and out of its write-ahead log."""

from sqlalchemy import Connection, NullPool, create_engine

from shared.database import Database


async def wipe(database: Database) -> bool:
    """Write the database anew without what was deleted from it. False: a reader was in the way, ask again.

    Copies that the disk itself or a backup keeps are out of our reach.
    """
    if database.is_sqlite:
        # On the writer: no other connection of ours writes or folds up the write-ahead log meanwhile.
        return await database.write(_wipe_file)
    return await database.read(lambda _connection: _wipe_table(database))


def delete_for_good(connection: Connection) -> None:
    """Have SQLite write zeros over what this connection deletes from now on."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def _wipe_file(connection: Connection) -> bool:
    # Zeros go over deleted rows only: what moved to another page left its shadow, which a new file does not have.
    raw = connection.connection.driver_connection
    assert raw is not None
    # Neither can be done inside the transaction that every piece of work is given.
    raw.execute("COMMIT")
    try:
        raw.execute("VACUUM")
        busy, _in_log, _moved = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        raw.execute("BEGIN IMMEDIATE")
    return not busy


def _wipe_table(database: Database) -> bool:
    options = {"options": f"-c search_path={database.schema}"}
    engine = create_engine(database.url, poolclass=NullPool, connect_args=options, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM FULL data_keys")
    return True
