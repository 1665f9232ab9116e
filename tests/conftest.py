"""What tests may ask for by name: `valkey`, `postgresql`, `postgres_url`, `database_url`."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import URL, make_url

from services import house
from tests.logs import PARTS, migrated
from tests.servers import ServerUnavailable, Valkey, fresh_database, running_postgresql, running_valkey

PORTS = 1_000
"""So many for each worker of the run."""


def pytest_configure() -> None:
    """How examples are made up: without a time limit of their own, which would be that of a machine without other work.

    The same ones each time where a change is judged (`CI`): what chance finds on another day says nothing of it. At a
    desk they are new ones each time.
    """
    slow = [HealthCheck.too_slow]
    judging = bool(os.environ.get("CI"))
    settings.register_profile("maison", deadline=None, suppress_health_check=slow, derandomize=judging)
    settings.load_profile("maison")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what struck the house; and plainly that nobody looked at the pages, where there is no browser."""
    for passed in terminalreporter.stats.get("passed", []):
        for line in dict(getattr(passed, "user_properties", ())).get("told", ()):
            terminalreporter.write_line(line)
    reasons = [str(skipped.longrepr) for skipped in terminalreporter.stats.get("skipped", [])]
    blind = sum("no browser" in reason for reason in reasons)
    if blind:
        terminalreporter.write_line(f"{blind} tests of the pages were skipped, for want of a browser (Chromium).")


@pytest.fixture(scope="session", autouse=True)
def settings_from_outside() -> Iterator[Mapping[str, str]]:
    """The `MAISON_...` settings that the tests were started with, hidden from the house under test."""
    outside = {name: value for name, value in os.environ.items() if name.startswith("MAISON_")}
    with pytest.MonkeyPatch.context() as environment:
        for name in outside:
            environment.delenv(name)
        yield outside


@pytest.fixture(scope="session", autouse=True)
def ports_of_our_own(settings_from_outside: Mapping[str, str]) -> Iterator[None]:
    """Houses look for free ports where those of other workers do not: else two may find the same one free."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    places = house.FREE_PORTS
    first = places.start + worker * PORTS % len(places)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(house, "FREE_PORTS", range(first, first + PORTS))
        yield


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """A fresh Valkey of the test's own: it may be killed, emptied, filled up."""
    with running_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql(settings_from_outside: Mapping[str, str]) -> Iterator[URL]:
    """The maintenance database of a PostgreSQL: of the settings, else our own for all tests."""
    for name in ("MAISON_TEST_DATABASE_URL", "MAISON_DATABASE_URL"):
        if settings_from_outside.get(name, "").startswith("postgresql"):
            yield make_url(settings_from_outside[name])
            return
    try:
        with running_postgresql() as server:
            yield server.url
    except ServerUnavailable as reason:
        pytest.skip(f"{reason}; MAISON_TEST_DATABASE_URL can name a PostgreSQL instead")


@pytest.fixture(scope="session")
def founded_database(postgresql: URL) -> Iterator[str]:
    """The name of a database with the tables of this release, for others to be copied from."""
    with fresh_database(postgresql) as url:
        for part in PARTS:
            migrated(url, part)
        yield str(make_url(url).database)


@pytest.fixture
def empty_postgres_url(postgresql: URL) -> Iterator[str]:
    """A fresh, empty database of the test's own on PostgreSQL."""
    with fresh_database(postgresql) as url:
        yield url


@pytest.fixture
def postgres_url(empty_postgres_url: str) -> str:
    """The same; a room of tests that need the tables of this release may offer a copy of `founded_database` instead."""
    return empty_postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_kind(request: pytest.FixtureRequest) -> str:
    """Each store that the house runs on."""
    return str(request.param)


@pytest.fixture
def database_url(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database of the test's own, once on each store: `postgres_url`, or a file that is not there yet."""
    if store_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def empty_database_url(store_kind: str, request: pytest.FixtureRequest) -> str:
    """The same, and on PostgreSQL too without any tables."""
    return str(request.getfixturevalue("database_url" if store_kind == "sqlite" else "empty_postgres_url"))
