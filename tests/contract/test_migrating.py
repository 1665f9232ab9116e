"""`maison migrate`: every database of a house at this release's schema, on both stores, however often it is said."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from services.migrating import migrate_all
from shared.settings import Settings
from tests.logs import by_hand

ROOT = Path(__file__).parents[2]
PARTS = ["intake", "referral", "stats", "vault", "keys"]
TAKE_TURN = text("SELECT pg_advisory_lock(7264031)")
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'")


@pytest.fixture
def postgres_url(empty_postgres_url: str) -> str:
    """Empty: what makes the tables is what is tried here."""
    return empty_postgres_url


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
    with ThreadPoolExecutor() as here, by_hand(postgres_url).connect() as admin:
        admin.execute(TAKE_TURN)
        there = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **place})
        told = here.submit(lambda: dict(migrate_all(settings)))
        # Both have found nothing, and want to make the tables.
        while admin.execute(WAITING).scalar_one() < 2:
            assert there.poll() is None
            admin.rollback()
            time.sleep(0.02)
    assert there.wait() == 0
    found = {part: version(settings, part) for part in PARTS}
    assert told.result() == found == dict(migrate_all(settings))


def test_a_database_that_never_answers_is_told(tmp_path: Path) -> None:
    nowhere = f"postgresql+psycopg://maison@/maison?host={tmp_path}"
    with pytest.raises(OperationalError):
        list(migrate_all(Settings(data=tmp_path, database_url=nowhere), wait_s=0))
