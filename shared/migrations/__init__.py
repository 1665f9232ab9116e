"""Bring a service's database to the schema that this release needs, by alembic.

Each service keeps its own versions in `services/<name>/migrations/`. A start that finds the newest version
already there loads nothing of alembic.
"""

from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url, text


def migrate(url: str, service: str, versions: Path, newest: str) -> None:
    """Run the migrations of `versions` that this database lacks, up to `newest`. Safe to run from several starts."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed)
    try:
        with engine.connect() as connection:
            schema = None if connection.dialect.name == "sqlite" else service
            if inspect(connection).has_table("alembic_version", schema=schema):
                prefix = f"{schema}." if schema else ""
                found = connection.execute(text(f"SELECT version_num FROM {prefix}alembic_version")).scalar()
                if found == newest:
                    return
    finally:
        engine.dispose()
    from shared.migrations.run import (
        run,
    )  # alembic takes a third of a second to load; most starts need none of it

    run(url, service, versions, newest)
