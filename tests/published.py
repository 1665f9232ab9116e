"""A year that was published, on a PostgreSQL of one's own: for tests of what BI tools see of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, make_url, text

from services.intake import app as intake
from services.stats import app as stats
from services.stats.bi.role import ROLE
from services.stats.city import City
from services.stats.counting import additions
from services.stats.projections import Tally
from shared.catalogue import load_catalogue
from shared.database import Database
from shared.migrations import migrate
from tests.servers import Postgresql, ServerUnavailable, fresh_database, running_postgresql

CATALOGUE = load_catalogue(Path(__file__).parents[1] / "houses" / "fontaine-d-ouche.toml")
SITE = CATALOGUE.default_site.code
PASSWORD = "a password of these tests' own, with a ' and a % in it"
GONE = "s99"
"""A status that no release names any more: it stands in what was published all the same."""


@contextmanager
def running_server() -> Iterator[Postgresql]:
    """A server of its own, for a role belongs to all of it; it asks the role for its password."""
    try:
        running = running_postgresql()
        with running as server:
            rules = server.folder / "data" / "pg_hba.conf"
            rules.write_text(f"local all {ROLE} scram-sha-256\n{rules.read_text()}")
            with by_hand(server.url) as connection:
                connection.execute("SELECT pg_reload_conf()")
            yield server
    except ServerUnavailable as reason:
        pytest.skip(str(reason))


@contextmanager
def fresh(server: Postgresql) -> Iterator[URL]:
    """A database with the tables of two services; afterwards the role is gone as well."""
    with fresh_database(server.url) as address:
        for name, schema in (("intake", intake.SCHEMA), ("stats", stats.SCHEMA)):
            migrate(address, name, schema.versions, schema.newest)
        yield make_url(address)
    with by_hand(server.url) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")


async def publish_a_year(url: URL, folder: Path) -> None:
    """A year and a quarter, and a restatement of its March."""
    database = Database(url.render_as_string(hide_password=False), "stats")
    await database.start()
    await count(database, a_year())
    await city(database, folder, date(2009, 4, 8)).publish()
    late = (("total", ""), ("category", "housing"), ("status", "open"))
    await count(database, {Tally("requests", by, code, SITE, "2008-03-10"): 30 for by, code in late})
    opened = city(database, folder, date(2009, 4, 9))
    await opened.open()
    assert await opened.publish() == ["2008-03"]
    await database.stop()


def city(database: Database, folder: Path, day: date, password: str = PASSWORD) -> City:
    """What publishes, at noon of that day."""
    return City(database, CATALOGUE, folder, password, lambda: datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def a_year() -> dict[Tally, int]:
    """Each figure divided each way, with numbers of every size."""
    tallies: dict[Tally, int] = {}
    ways = {
        "visits": {
            "category": ("housing", "health", "legal"),
            "channel": ("in_person", "phone", "mail"),
            "language": ("ar", "tr", "so"),
        },
        "requests": {"category": ("housing", "health", "legal"), "status": ("open", "answered", GONE)},
        "referrals": {"partner": ("p01", "p02", "p07"), "category": ("housing", "health", "legal")},
        "invitations": {"status": ("given", "used", GONE)},
        "actions": {"kind": ("workshop", "health_morning", "thematic_meeting")},
        "attendances": {"kind": ("workshop", "health_morning", "thematic_meeting")},
    }
    for year, months in ((2008, 12), (2009, 3)):
        for month in range(1, months + 1):
            for figure, by in ways.items():
                counts = (40 + month, 20, 3 if month % 5 == 0 else 14)
                day = f"{year}-{month:02}-10"
                tallies[Tally(figure, "total", "", SITE, day)] = sum(counts)
                for dimension, codes in by.items():
                    for code, number in zip(codes, counts, strict=True):
                        tallies[Tally(figure, dimension, code, SITE, day)] = number
    return tallies


async def count(database: Database, tallies: dict[Tally, int]) -> None:
    """Add to the counters of every grain."""
    sql = (
        "INSERT INTO figures (figure, dimension, grain, site, period, value, count)"
        " VALUES (:f, :d, :g, :s, :p, :v, :c) ON CONFLICT (figure, dimension, grain, site, period, value)"
        " DO UPDATE SET count = figures.count + excluded.count"
    )
    rows = [dict(zip("fdgspvc", row, strict=True)) for row in additions(tallies)]
    await database.write(lambda connection: connection.execute(text(sql), rows))


def by_hand(url: URL, **signed_in: Any) -> "psycopg.Connection[Any]":
    """A connection that commits each statement; `signed_in`: as whom."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True, **signed_in)
