"""Alembic's entry: one connection, one transaction for all the migrations of a start."""

from alembic import context
from sqlalchemy import NullPool, create_engine, event, make_url, text

from shared.partitions import PARTITIONS_POSTGRESQL, PARTITIONS_SQLITE

_LOCK = 7_264_031
"""Two starts at once on PostgreSQL take turns by this advisory lock."""


def _migrate() -> None:
    url, service = context.config.attributes["url"], context.config.attributes["service"]
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    # Whoever comes second waits for the first to finish, however slow the machine.
    options = {"connect_args": {"timeout": 60}} if is_sqlite else {}
    engine = create_engine(url, poolclass=NullPool, **options)
    if is_sqlite:
        # The driver would commit before every CREATE: a migration killed half-way must leave nothing.
        event.listen(engine, "connect", lambda raw, _record: setattr(raw, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection, connection.begin():
        if not is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service}"))
            connection.execute(text(f"SET LOCAL search_path TO {service}"))
            connection.dialect.default_schema_name = service
        context.configure(connection=connection, transactional_ddl=True)
        context.config.attributes["partitions"] = PARTITIONS_SQLITE if is_sqlite else PARTITIONS_POSTGRESQL
        with context.begin_transaction():
            context.run_migrations()


_migrate()
