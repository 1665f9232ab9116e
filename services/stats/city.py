"""Keeps what the city gets as it should be: names, publications, and what BI tools read of them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from babel import Locale
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from services.stats.bi import role
from services.stats.bi.postgresql import build_schema
from services.stats.bi.rows import star
from services.stats.bi.sqlite import FILE, READ_ONLY, written
from services.stats.bi.star import TABLES
from services.stats.exports import FORM_OF_FILES
from services.stats.names import Key, Named, keep_names, names_of
from services.stats.pages.labels import CLOSED
from services.stats.published import COLUMNS, Edition, edition
from services.stats.publishing import Publisher
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database, StoreUnavailable
from shared.languages import LANGUAGES
from shared.whole_files import put

LOOK_EVERY_S = 3600
_SAME_EVERYWHERE = ("channel", "status", "need", "kind")
RETRY_S = 30
_LOCK = 7_264_032
"""Two replicas that start at once make the schema `bi` one after the other, by this advisory lock."""

_log = logging.getLogger(__name__)


class City:
    """Publishes in its own time, and lays out beside it what BI tools connect to."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        folder: Path,
        password: str = "",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database, self._password, self._now = database, password, now
        self._publisher = Publisher(database, catalogue, now)
        words = {**{by: CLOSED[by] for by in _SAME_EVERYWHERE}, "language": _languages()}
        self._names = {**names_of(catalogue, words), **_form()}
        self._file = folder / FILE
        self._laid_out: Edition | None = None

    async def run(self) -> None:
        """Publish what has closed, and look again every hour, until cancelled."""
        opened = False
        while True:
            pause_s = LOOK_EVERY_S
            try:
                if not opened:
                    await self.open()
                    opened = True
                await self.publish()
            except (StoreUnavailable, DBAPIError) as error:
                _log.warning("publishing waits: %s", type(error).__name__)
                pause_s = RETRY_S
            except OSError as error:
                _log.warning("%s is not as new as what was published: %s", self._file.name, error.strerror)
                pause_s = RETRY_S
            except ValueError:
                # Tables that do not add up are never published; somebody has to look.
                _log.exception("nothing is published: the tables disagree")
            await asyncio.sleep(pause_s)

    async def open(self) -> None:
        """Name the codes as today's house file does; on PostgreSQL, make the schema for BI tools and its role."""
        now = self._now()
        await self._database.write(lambda connection: keep_names(connection, self._names, now))
        if not self._database.is_sqlite:
            for what in await self._database.write(partial(_open_to_tools, self._database.schema, self._password)):
                _log.warning("BI on PostgreSQL: %s", what)

    async def publish(self) -> list[str]:
        """Publish what is due, and renew the file of BI tools when it is not as new; the months concerned."""
        done = await self._publisher.publish()
        if self._database.is_sqlite:
            await self._lay_out()
        return done

    async def _lay_out(self) -> None:
        found = await self._database.read(edition)
        if found == self._laid_out and self._file.exists():
            return
        # Ten years of several sites take their time: not on the loop.
        content = await asyncio.to_thread(written, await self._database.read(star))
        await asyncio.to_thread(put, self._file, content, READ_ONLY)
        self._laid_out = found


def _languages() -> dict[str, str]:
    """The languages that can be said of a visit, by their names in French, in the order of these."""
    names = Locale("fr").languages
    return dict(sorted(((code, str(names[code])) for code in LANGUAGES), key=lambda named: named[1]))


def _form() -> dict[Key, Named]:
    """How this release writes files: kept among the names, so that a date of change is told when it changes."""
    return {("form", ""): Named(sha256(repr((FORM_OF_FILES, COLUMNS, TABLES)).encode()).hexdigest()[:16], 0)}


def _open_to_tools(source: str, password: str, connection: Connection) -> list[str]:
    """Make the schema and, with a password, the role; what a person who may has to look at, in sentences."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    steps: list[Callable[[Connection], Sequence[str]]] = [partial(build_schema, source=source)]
    if password:
        steps.append(partial(role.let_in, password=password))
    steps += [role.allow_reading, role.forbid_the_rest]
    return [sentence for step in steps for sentence in _done(step, connection)]


def _done(step: Callable[[Connection], Sequence[str]], connection: Connection) -> Sequence[str]:
    """Carry out one step, or leave all as it was and say why: the figures go on without it."""
    try:
        with connection.begin_nested():
            return step(connection)
    except DBAPIError as error:
        return [f"{error.orig}".partition("\n")[0]]
