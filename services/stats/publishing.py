"""Publishing what has closed: once, with the cells withheld that would betray somebody, and never changed after.

A published figure stays as it was. When records of a closed month change, the month is published again as a
restatement beside the first, as soon as no difference between the two is small enough to point at somebody.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from services.stats.closing import PUBLISHED, Cell, closed_months, days_of, sums_of, with_weeks, year_of
from services.stats.counting import FIGURES
from services.stats.periods import Grain
from services.stats.projections import TOTAL
from services.stats.secrecy import K_DEFAULT, withheld
from services.stats.tables import Publication
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database, StoreUnavailable

PUBLICATIONS: Table = Publication.__table__  # type: ignore[attr-defined]
LOOK_EVERY_S = 3600
RETRY_S = 30

Row = dict[str, Any]
"""A row of `publications`."""

_log = logging.getLogger(__name__)


class Publisher:
    """Publishes in its own time, a month a transaction. Reading and choosing hold nobody up."""

    def __init__(
        self, database: Database, catalogue: Catalogue, k: int = K_DEFAULT, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._database, self._catalogue, self._k, self._now = database, catalogue, k, now

    async def run(self) -> None:
        """Publish what has closed, and look again every hour, until cancelled."""
        while True:
            try:
                await self.publish()
                pause_s = LOOK_EVERY_S
            except StoreUnavailable as error:
                _log.warning("publishing waits: %s", type(error).__name__)
                pause_s = RETRY_S
            except ValueError:
                # Tables that do not add up are never published; somebody has to look.
                _log.exception("nothing is published: the tables disagree")
                pause_s = LOOK_EVERY_S
            await asyncio.sleep(pause_s)

    async def publish(self) -> list[str]:
        """Publish every closed month that was not, and the restatements that are due; the months concerned."""
        today = self._now().astimezone(self._catalogue.default_site.zone).date()
        first = await self._database.read(_first_day)
        done: list[str] = []
        for month in closed_months(first, today) if first else ():
            rows = await self._database.read(partial(self._due, month, today.isoformat()))
            if rows and await self._add(rows):
                done.append(month)
        return done

    async def _add(self, rows: Sequence[Row]) -> bool:
        try:
            await self._database.write(lambda connection: connection.execute(insert(PUBLICATIONS), rows))
        except IntegrityError:
            # Another replica has published the very same.
            return False
        return True

    def _due(self, month: str, today: str, connection: Connection) -> list[Row]:
        """What is to be published of a month now: all of it, or a restatement, or nothing."""
        first, last = days_of(month)
        earlier = _published(connection, Grain.DAY, first.isoformat(), f"{month}-00")
        days = _live(connection, Grain.DAY, f"{month}-01", last.isoformat(), totals_only=True)
        whole = _live(connection, Grain.MONTH, month, month)
        before = _published(connection, Grain.MONTH, month, month) + _published(
            connection, Grain.DAY, f"{month}-01", last.isoformat()
        )
        if before.counts and not _is_due(before.counts, {**days, **whole}, self._k):
            return []
        cells = {**with_weeks({**earlier.counts, **days}, month), **whole}
        gone = {cell: 0 for cell in before.counts if cell not in cells}
        rows = self._rows(cells | gone, earlier, before, today)
        months = _published(connection, Grain.MONTH, f"{month[:4]}-01", f"{month[:4]}-12")
        year = _published(connection, Grain.YEAR, month[:4], month[:4])
        if rows and (month.endswith("-12") or year.counts):
            months = months + _Published.of(row for row in rows if row["grain"] == Grain.MONTH)
            rows += self._rows({**months.counts, **year_of(months.counts)}, months, year, today)
        return rows

    def _rows(self, cells: Mapping[Cell, int], earlier: "_Published", before: "_Published", today: str) -> list[Row]:
        """The next revision of `before`. What was published `earlier` only stands there to be added up with."""
        kept = [cell for cell in cells if cell in earlier.withheld or cell in before.withheld]
        known = earlier.counts.keys() - set(kept)
        hidden = withheld(cells, sums_of(cells), self._k, known, kept)
        return [
            {
                **cell._asdict(),
                "revision": before.revision + 1,
                "count": count,
                "withheld": cell in hidden,
                "published_on": today,
            }
            for cell, count in cells.items()
            if cell not in earlier.counts
        ]


def _is_due(before: Mapping[Cell, int], now: Mapping[Cell, int], k: int) -> bool:
    """Whether to restate: something differs, and nothing by so little that it points at somebody."""
    differences = [now.get(cell, 0) - before.get(cell, 0) for cell in {*before, *now}]
    return any(differences) and all(abs(difference) >= k for difference in differences if difference)


@dataclass(frozen=True)
class _Published:
    """Cells as last published, those of them that were ever withheld, and the last revision."""

    counts: Mapping[Cell, int]
    withheld: frozenset[Cell]
    revision: int

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "_Published":
        """From rows in the order of their revisions."""
        counts: dict[Cell, int] = {}
        hidden: set[Cell] = set()
        revision = 0
        for row in rows:
            counts[_cell(row)] = row["count"]
            revision = row["revision"]
            if row["withheld"]:
                hidden.add(_cell(row))
        return cls(counts, frozenset(hidden), revision)

    def __add__(self, other: "_Published") -> "_Published":
        revision = max(self.revision, other.revision)
        return _Published({**self.counts, **other.counts}, self.withheld | other.withheld, revision)


def _published(connection: Connection, grain: Grain, first: str, last: str) -> _Published:
    columns = PUBLICATIONS.c
    query = (
        select(PUBLICATIONS)
        .where(columns.grain == grain.value, columns.period >= first, columns.period <= last)
        .order_by(columns.revision, *(columns[name] for name in Cell._fields))
    )
    return _Published.of(dict(row) for row in connection.execute(query).mappings())


def _cell(row: Mapping[Any, Any]) -> Cell:
    return Cell(*(row[name] for name in Cell._fields))


def _first_day(connection: Connection) -> date | None:
    query = select(func.min(FIGURES.c.period)).where(FIGURES.c.grain == Grain.DAY.value)
    first = connection.execute(query).scalar()
    return date.fromisoformat(first) if first else None


def _live(connection: Connection, grain: Grain, first: str, last: str, *, totals_only: bool = False) -> dict[Cell, int]:
    columns = FIGURES.c
    query = (
        select(FIGURES)
        .where(columns.grain == grain.value, columns.period >= first, columns.period <= last)
        .order_by(*(columns[name] for name in Cell._fields))
    )
    return {
        _cell(row): row["count"]
        for row in connection.execute(query).mappings()
        if row["dimension"] == TOTAL or (not totals_only and row["dimension"] in PUBLISHED.get(row["figure"], ()))
        if row["figure"] in PUBLISHED
    }
