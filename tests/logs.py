"""Logs and databases to write tests about, with events of invented visits."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, NullPool, create_engine, event, make_url, text

from shared.database import Database
from shared.envelope import Envelope, decode
from shared.events.intake import RequestMade, VisitRecorded
from shared.log import ANY, NEW, Answer, Append, Appended, Log
from shared.log.rows import Entry
from shared.log.writing import Project
from shared.migrations import migrate

SERVICES = Path(__file__).parents[1] / "services"
PARTS = {
    "intake": SERVICES / "intake/migrations",
    "referral": SERVICES / "referral/migrations",
    "stats": SERVICES / "stats/migrations",
    "vault": SERVICES / "intake/vault/migrations/data",
    "keys": SERVICES / "intake/vault/migrations/keys",
}
"""The databases of a house, and where the migrations of each are."""
OCCURRED_AT = "2008-03-11T09:30:00.000+01:00"


def founded(url: str, part: str = "intake") -> str:
    """The same URL, once the database has the tables of this part of the house: a new SQLite file is made as a copy.

    To make the tables anew takes longer than most tests do.
    """
    if not url.startswith("sqlite"):
        return _looked_at_once(url, part)
    file = Path(make_url(url).database or "")
    if file.exists():
        return migrated(url, part)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_made_once(part))
    return url


def migrated(url: str, part: str = "intake") -> str:
    """The same, by the migrations themselves."""
    migrate(url, part, PARTS[part], newest(part))
    return url


def newest(part: str) -> str:
    """The number of a part's newest migration, by the name of its file."""
    return max(path.name for path in PARTS[part].glob("0*.py")).partition("_")[0]


_looked_at_once = cache(migrated)


@cache
def _made_once(part: str) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / part
        migrated(f"sqlite:///{file}", part)
        return file.read_bytes()


@asynccontextmanager
async def opened_database(url: str, service: str = "intake") -> AsyncIterator[Database]:
    """A service's database, created if it was empty, open for as long as the block runs."""
    database = Database(founded(url, service), service)
    try:
        await database.start()
        yield database
    finally:
        await database.stop()


@asynccontextmanager
async def opened_log(url: str, project: Project | None = None) -> AsyncIterator[Log]:
    """The log of intake in that database; open it twice on PostgreSQL and there are two processes' worth."""
    async with opened_database(url) as database:
        log = Log(database, "intake", project)
        await log.start()
        yield log


def visit(name: str) -> VisitRecorded:
    """A visit with one request, all its ids made of one invented name."""
    request = RequestMade(f"request-{name}", "social_rights")
    return VisitRecorded(f"visit-{name}", f"case-{name}", "fontaine-d-ouche", "in_person", (request,))


def to_append(
    stream: str,
    expected: int = ANY,
    *,
    events: int = 1,
    partition: int = 0,
    tag: str | None = None,
    answer: Answer | None = None,
) -> Append:
    """That many visits for one stream, as an append."""
    visits = tuple(visit(f"{stream}-{number}") for number in range(events))
    return Append(stream, visits, expected, OCCURRED_AT, partition, tag, answer=answer)


def answer(key: str, body: bytes = b"first", request: bytes = b"request") -> Answer:
    """An answer to keep under a key; `request` stands for what was asked."""
    return Answer(key, request.ljust(32), lambda appended: body + b"@%d" % appended.position)


async def fill(log: Log, count: int, *, partition: int = 0, tags: Sequence[str] = ()) -> Appended:
    """Append `count` new streams of one event each, tagged in turn; where the last came to stand."""
    start = (await log.heads())[partition]
    outcomes = await log.append_each(
        [
            to_append(
                f"case-{partition}-{number}", NEW, partition=partition, tag=tags[number % len(tags)] if tags else None
            )
            for number in range(start, start + count)
        ]
    )
    last = outcomes[-1]
    assert isinstance(last, Appended)
    return last


async def entries(log: Log, partition: int | None = 0) -> list[Entry]:
    """Everything that the database holds of a partition, or of all (None), whatever the log keeps at hand."""
    query = text(
        "SELECT position, tag, entry FROM events"
        " WHERE partition = coalesce(:partition, partition) ORDER BY partition, position"
    )
    with by_hand(log.database.url.render_as_string(hide_password=False)).connect() as connection:
        rows = connection.execute(query, {"partition": partition})
        return [Entry(position, tag, entry.encode()) for position, tag, entry in rows]


async def envelopes(log: Log, partition: int | None = 0) -> list[Envelope]:
    """`entries`, decoded."""
    return [decode(entry.body) for entry in await entries(log, partition)]


def by_hand(url: str, service: str = "intake") -> Engine:
    """A plain engine on a service's tables, for what no service would do. Each connection is closed after use."""
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name != "sqlite":

        @event.listens_for(engine, "connect")
        def use_schema(raw: object, _record: object) -> None:
            with raw.cursor() as cursor:  # type: ignore[attr-defined]
                cursor.execute(f"SET search_path TO {service}")
            raw.commit()  # type: ignore[attr-defined]

    return engine


def sqlite_file(folder: Path, name: str = "store") -> str:
    """The URL of an SQLite database that does not exist yet."""
    return f"sqlite:///{folder / name}.sqlite3"
