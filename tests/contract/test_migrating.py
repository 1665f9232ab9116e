"""`maison migrate`: every database of a house at this release's schema, on both stores, however often it is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from services.migrating import migrate_all
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
PARTS = ["intake", "referral", "stats", "vault", "keys"]


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An installation in which nothing has run."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return Settings(data=tmp_path, database_url=url)


def version(settings: Settings, part: str) -> str:
    engine = create_engine(settings.database(part))
    schema = f"{part}." if settings.database_url else ""
    with engine.connect() as connection:
        found = str(connection.execute(text(f"SELECT version_num FROM {schema}alembic_version")).scalar())
    engine.dispose()
    return found


def test_each_database_is_brought_to_this_release(settings: Settings) -> None:
    told = dict(migrate_all(settings))
    assert list(told) == PARTS
    assert told == {part: version(settings, part) for part in PARTS}


def test_it_may_be_said_twice_and_by_two_at_once(postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url=postgres_url)
    place = {"MAISON_DATA": str(settings.data), "MAISON_DATABASE_URL": settings.database_url}
    command = [sys.executable, "-m", "services", "migrate"]
    both = [subprocess.Popen(command, cwd=ROOT, env={**os.environ, **place}) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    assert dict(migrate_all(settings)) == {part: version(settings, part) for part in PARTS}


def test_a_database_that_never_answers_is_told(tmp_path: Path) -> None:
    nowhere = f"postgresql+psycopg://maison@/maison?host={tmp_path}"
    with pytest.raises(OperationalError):
        list(migrate_all(Settings(data=tmp_path, database_url=nowhere), wait_s=0))
