"""Migrations: from nothing to the newest tables, on both stores, all or none."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from services.intake import app as intake
from services.intake.access.tables import ACCESS_TABLES
from services.intake.tables import VisitReferral
from services.referral import app as referral
from services.referral.tables import Booking, PermanenceCancellation, QueueItem
from services.stats import app as stats
from services.stats.people.tracks import Stop, counts, tracks
from services.stats.tables import CaseTie, Figure, Name, PeopleCount, PresenceRow, Publication
from shared.log.tables import AnswerRow, EventRow, PartitionRow
from shared.migrations import migrate
from shared.partitions import PARTITIONS_POSTGRESQL, PARTITIONS_SQLITE
from shared.service import Schema
from shared.subscription.tables import Checkpoint, DeadLetter
from tests.logs import by_hand

ROOT = Path(__file__).parents[2]
LOG: set[type[SQLModel]] = {EventRow, PartitionRow, AnswerRow}
SUBSCRIPTIONS: set[type[SQLModel]] = {Checkpoint, DeadLetter}
SERVICES: dict[str, tuple[Schema, set[type[SQLModel]]]] = {
    "intake": (intake.SCHEMA, LOG | SUBSCRIPTIONS | {VisitReferral, *ACCESS_TABLES}),
    "referral": (referral.SCHEMA, LOG | SUBSCRIPTIONS | {QueueItem, Booking, PermanenceCancellation}),
    "stats": (stats.SCHEMA, SUBSCRIPTIONS | {Figure, Name, Publication, PresenceRow, CaseTie, PeopleCount}),
}
BREAKS = """
import os, signal
from alembic import op
revision, down_revision = "{number}", "{before}"

def upgrade():
    op.execute("CREATE TABLE half_way (id INTEGER)")
    {trouble}
"""

each_service = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture
def postgres_url(empty_postgres_url: str) -> str:
    """Empty: what makes the tables is what is tried here."""
    return empty_postgres_url


def bring(url: str, service: str) -> None:
    schema, _tables = SERVICES[service]
    migrate(url, service, schema.versions, schema.newest)


def tables(url: str, service: str) -> set[str]:
    engine = by_hand(url, service)
    return set(inspect(engine).get_table_names(schema=None if url.startswith("sqlite") else service))


def version(url: str, service: str) -> str:
    with by_hand(url, service).connect() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def in_a_process_of_its_own(
    url: str, service: str, versions: Path, newest: str, then: str = ""
) -> subprocess.Popen[str]:
    program = (
        "import sys; from pathlib import Path; from shared.migrations import migrate;"
        f"migrate({url!r}, {service!r}, Path({str(versions)!r}), {newest!r}); {then}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@each_service
def test_an_empty_database_is_brought_to_the_tables_that_the_code_reads(database_url: str, service: str) -> None:
    bring(database_url, service)
    schema, models = SERVICES[service]
    names = {str(model.__tablename__) for model in models}
    assert tables(database_url, service) == names | {"alembic_version"}
    assert version(database_url, service) == schema.newest

    def is_ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
        return kind != "table" or name in names

    with by_hand(database_url, service).connect() as connection:
        if connection.dialect.name != "sqlite":
            connection.dialect.default_schema_name = service
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_ours})
        assert compare_metadata(context, SQLModel.metadata) == []


@pytest.mark.parametrize("seed", range(3))
def test_the_counts_of_people_are_made_of_the_presences_that_a_house_has(database_url: str, seed: int) -> None:
    migrate(database_url, "stats", stats.SCHEMA.versions, "0004")
    chance = Random(seed)
    rows = {
        (chance.choice(("people", "participants")), chance.choice(("total", "partner")), day, site, who): root
        for root in "abcdef"
        for who in (root, root + "2")
        for day in ("2007-12-30", "2007-12-31", "2008-01-01", "2008-02-29", "2009-03-01")
        for site in chance.sample(("east", "west"), chance.randrange(3))
    }
    columns = "figure, dimension, grain, next_grain, site, period, next_period, value, count"
    with by_hand(database_url, "stats").begin() as connection:
        connection.execute(
            text("INSERT INTO presences VALUES (:figure, :dimension, :day, :site, '', :who, :root, :named, 1)"),
            [
                {"figure": figure, "dimension": dimension, "day": day, "site": site, "who": who, "root": root,
                 "named": root < "c"}
                for (figure, dimension, day, site, who), root in rows.items()
            ],
        )  # fmt: skip
    bring(database_url, "stats")
    stops = (
        (root, root < "c", Stop(figure, dimension, "", site, day))
        for (figure, dimension, day, site, _who), root in rows.items()
    )
    with by_hand(database_url, "stats").connect() as connection:
        found = connection.execute(text(f"SELECT {columns} FROM people_counts")).all()
    assert {(*row,) for row in found} == {(*place, count) for place, count in counts({}, tracks(stops)).items()}


@each_service
def test_the_newest_migration_is_the_one_that_a_start_asks_for(service: str) -> None:
    schema, _tables = SERVICES[service]
    assert schema.newest == max(path.name for path in schema.versions.glob("0*.py")).partition("_")[0]


def test_a_log_is_created_with_its_partitions_empty(database_url: str) -> None:
    bring(database_url, "intake")
    with by_hand(database_url).connect() as connection:
        rows = connection.execute(text("SELECT partition, head, hash FROM partitions ORDER BY partition")).all()
    count = PARTITIONS_SQLITE if database_url.startswith("sqlite") else PARTITIONS_POSTGRESQL
    assert [(number, head, bytes(digest)) for number, head, digest in rows] == [
        (number, 0, bytes(32)) for number in range(count)
    ]


def test_the_three_services_share_one_postgresql_each_in_its_schema(postgres_url: str) -> None:
    for service in SERVICES:
        bring(postgres_url, service)
    assert "figures" in tables(postgres_url, "stats")
    assert "figures" not in tables(postgres_url, "intake")
    assert "events" in tables(postgres_url, "referral")


def test_a_start_that_finds_the_newest_tables_loads_nothing_of_alembic(database_url: str) -> None:
    bring(database_url, "intake")
    schema, _tables = SERVICES["intake"]
    loaded = "print([name for name in sys.modules if name.startswith('alembic')])"
    process = in_a_process_of_its_own(database_url, "intake", schema.versions, schema.newest, loaded)
    assert process.communicate()[0].strip() == "[]"


def test_starts_at_one_moment_take_turns(database_url: str) -> None:
    schema, models = SERVICES["intake"]
    starts = [in_a_process_of_its_own(database_url, "intake", schema.versions, schema.newest) for _ in range(2)]
    assert [(start.communicate()[0], start.returncode) for start in starts] == [("", 0)] * 2
    assert len(tables(database_url, "intake")) == len(models) + 1


def with_one_more(folder: Path, trouble: str) -> tuple[Path, str]:
    """The migrations of intake and one more, which gets into trouble half-way."""
    schema, _tables = SERVICES["intake"]
    versions = folder / "migrations"
    if not versions.exists():
        copytree(schema.versions, versions)
    number = f"{int(schema.newest) + 1:04}"
    text_ = BREAKS.format(number=number, before=schema.newest, trouble=trouble)
    (versions / f"{number}_one_more.py").write_text(text_)
    return versions, number


def left_by_error(url: str, versions: Path, newest: str) -> None:
    with pytest.raises(RuntimeError, match="half-way"):
        migrate(url, "intake", versions, newest)


def left_by_kill(url: str, versions: Path, newest: str) -> None:
    process = in_a_process_of_its_own(url, "intake", versions, newest)
    process.communicate()
    assert process.returncode == -9


@pytest.mark.parametrize(
    ("trouble", "leave", "from_empty"),
    [
        ("raise RuntimeError('half-way')", left_by_error, True),
        ("raise RuntimeError('half-way')", left_by_error, False),
        ("os.kill(os.getpid(), signal.SIGKILL)", left_by_kill, True),
        ("os.kill(os.getpid(), signal.SIGKILL)", left_by_kill, False),
    ],
)
def test_a_migration_that_ends_half_way_leaves_the_database_as_it_was(
    database_url: str, tmp_path: Path, trouble: str, leave: Callable[[str, Path, str], None], from_empty: bool
) -> None:
    if not from_empty:
        bring(database_url, "intake")
    before = tables(database_url, "intake")
    versions, number = with_one_more(tmp_path, trouble)
    leave(database_url, versions, number)
    assert tables(database_url, "intake") == before
    with_one_more(tmp_path, "pass")
    migrate(database_url, "intake", versions, number)
    assert "half_way" in tables(database_url, "intake")
    assert version(database_url, "intake") == number


def test_what_lay_in_the_queues_before_the_whole_life_is_open_or_ended_as_it_was(database_url: str) -> None:
    schema, _tables = SERVICES["referral"]
    migrate(database_url, "referral", schema.versions, "0002")
    columns = "referral_id, queue, position, request_id, visit_id, case_id, site, category, status, issued_at, version"
    rows = [("a", "issued", 1), ("b", "accepted", 2), ("c", "completed", 3), ("d", "declined", 2), ("e", "unmet", 1)]
    with by_hand(database_url, "referral").begin() as connection:
        for name, status, number in rows:
            values = f"'{name}', 'p07', 1, 'q', 'v', 'c', 's', 'legal', '{status}', '2008-03-11', {number}"
            connection.execute(text(f"INSERT INTO queue_items ({columns}) VALUES ({values})"))
    bring(database_url, "referral")
    with by_hand(database_url, "referral").connect() as connection:
        found = connection.execute(text("SELECT referral_id, is_open, undoable FROM queue_items ORDER BY referral_id"))
        marks = {name: (bool(is_open), bool(undoable)) for name, is_open, undoable in found}
    assert marks == {
        "a": (True, False), "b": (True, True), "c": (False, True), "d": (False, True), "e": (True, False),
    }  # fmt: skip
