"""Publishing what has closed: once, with the cells withheld that would betray somebody, and never changed after.

A published figure stays as it was. When records of a closed month change, the figure is published again as a
restatement beside the first, as soon as no difference between the two is small enough to point at somebody.
The threshold is the house's of that day, kept with each cell: another one holds for what is published from then on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, and_, exists, func, insert, or_, select, union_all
from sqlalchemy.exc import IntegrityError

from services.stats.closing import PUBLISHED, Cell, closed_months, days_of, sums_of, with_weeks, year_of
from services.stats.counting import FIGURES
from services.stats.names import instant, name_codes
from services.stats.periods import Grain
from services.stats.projections import TOTAL
from services.stats.secrecy import withheld
from services.stats.tables import Publication
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database

PUBLICATIONS: Table = Publication.__table__  # type: ignore[attr-defined]

Row = dict[str, Any]
"""A row of `publications`."""


class Publisher:
    """Publishes in its own time, a month a transaction. Reading and choosing hold nobody up."""

    def __init__(self, database: Database, catalogue: Catalogue, now: Callable[[], datetime] = utc_now) -> None:
        self._database, self._catalogue, self._now = database, catalogue, now

    async def publish(self) -> list[str]:
        """Publish every closed month that was not, and the restatements that are due; the months concerned."""
        today = self._now().astimezone(self._catalogue.default_site.zone).date()
        first = await self._database.read(_first_day)
        done: list[str] = []
        closed = list(closed_months(first, today)) if first else []
        moved = await self._database.read(partial(moved_months, closed[-1])) if closed else frozenset()
        for month in closed:
            if month not in moved and not month.endswith("-12"):
                # Ten years of a hundred sites are not to be looked through each hour for what nobody has touched.
                continue
            rows = await self._database.read(partial(self._due, month, self._now()))
            if rows and await self._add(rows):
                done.append(month)
        return done

    async def _add(self, rows: Sequence[Row]) -> bool:
        try:
            await self._database.write(partial(_insert, rows, self._now()))
        except IntegrityError:
            # Another replica has published the very same.
            return False
        return True

    def _due(self, month: str, now: datetime, connection: Connection) -> list[Row]:
        """What is to be published of a month now. Each figure goes its own way: none waits for another to be due."""
        return [row for figure in PUBLISHED for row in self._due_of(figure, month, now, connection)]

    def _due_of(self, figure: str, month: str, now: datetime, connection: Connection) -> list[Row]:
        """What is to be published of one figure: all of the month, or a restatement, or nothing; then its year."""
        published = partial(_published, connection, figure)
        first, last = days_of(month)
        earlier = published(Grain.DAY, first.isoformat(), f"{month}-00")
        days = _live(connection, figure, Grain.DAY, f"{month}-01", last.isoformat())
        whole = _live(connection, figure, Grain.MONTH, month, month)
        before = published(Grain.MONTH, month, month) + published(Grain.DAY, f"{month}-01", last.isoformat())
        rows: list[Row] = []
        if not before.counts or _is_due(before, {**days, **whole}, self._threshold):
            cells = {**with_weeks({**earlier.counts, **days}, month), **whole}
            gone = {cell: 0 for cell in before.counts if cell not in cells}
            rows = self._rows(cells | gone, earlier, before, now)
        if not rows and not month.endswith("-12"):
            return rows
        months = published(Grain.MONTH, f"{month[:4]}-01", f"{month[:4]}-12")
        year = published(Grain.YEAR, month[:4], month[:4])
        months = months + _Published.of(row for row in rows if row["grain"] == Grain.MONTH)
        # A year is over with December, whether or not there was anything to count in it.
        is_over = month.endswith("-12") and not year.counts
        if months.counts and (is_over or (rows and year.counts)):
            rows += self._rows({**months.counts, **year_of(months.counts)}, months, year, now)
        return rows

    def _rows(self, cells: Mapping[Cell, int], earlier: "_Published", before: "_Published", now: datetime) -> list[Row]:
        """The next revision of `before`. What was published `earlier` only stands there to be added up with."""
        kept = [cell for cell in cells if cell in earlier.withheld or cell in before.withheld]
        known = earlier.counts.keys() - set(kept)
        k = {cell: earlier.thresholds.get(cell) or before.threshold(cell, self._threshold) for cell in cells}
        hidden = withheld(cells, sums_of(cells), k, known, kept)
        return [
            {
                **cell._asdict(),
                "revision": before.revision + 1,
                "count": count,
                "withheld": cell in hidden,
                "published_on": now.astimezone(self._catalogue.default_site.zone).date().isoformat(),
                "threshold": k[cell],
                "published_at": instant(now),
            }
            for cell, count in cells.items()
            if cell not in earlier.counts
        ]

    def _threshold(self, cell: Cell) -> int:
        """That of the house today."""
        return self._catalogue.secrecy.of(cell.figure)


def moved_months(newest: str, connection: Connection) -> frozenset[str]:
    """The months up to this one of which anything counts otherwise than it was last published, or never was."""
    live, out, later = FIGURES.c, PUBLICATIONS.c, PUBLICATIONS.alias().c
    same = and_(*(live[name] == out[name] for name in Cell._fields))
    newer = and_(*(later[name] == out[name] for name in Cell._fields), later.revision > out.revision)
    last = select(out.count).where(same).order_by(out.revision.desc()).limit(1).correlate(FIGURES)
    counted = or_(
        and_(live.grain == Grain.DAY.value, live.figure.in_(PUBLISHED), live.dimension == TOTAL),
        *(
            and_(live.grain == Grain.MONTH.value, live.figure == figure, live.dimension.in_((TOTAL, *divided)))
            for figure, divided in PUBLISHED.items()
        ),
    )
    otherwise = select(live.period).where(counted, live.count != func.coalesce(last.scalar_subquery(), 0))
    gone = select(out.period).where(
        out.grain.in_((Grain.DAY.value, Grain.MONTH.value)),
        out.count != 0,
        ~exists().where(newer),
        ~exists().where(same, counted).correlate(PUBLICATIONS),
    )
    found = connection.execute(union_all(otherwise, gone)).scalars()
    return frozenset(month for period in found if (month := period[:7]) <= newest)


def _insert(rows: Sequence[Row], now: datetime, connection: Connection) -> None:
    """Publish: the numbers, and in the same transaction a name for each of their codes."""
    connection.execute(insert(PUBLICATIONS), rows)
    codes = {("site", row["site"]) for row in rows} | {(row["dimension"], row["value"]) for row in rows}
    name_codes(connection, (key for key in codes if key[1]), now)


def _is_due(before: "_Published", now: Mapping[Cell, int], today: Callable[[Cell], int]) -> bool:
    """Whether to restate: something differs, and nothing by so little that it points at somebody."""
    differences = {
        cell: abs(difference)
        for cell in {*before.counts, *now}
        if (difference := now.get(cell, 0) - before.counts.get(cell, 0))
    }
    large = (difference >= before.threshold(cell, today) for cell, difference in differences.items())
    return bool(differences) and all(large)


@dataclass(frozen=True)
class _Published:
    """Cells of one figure as last published, with the threshold of each, those ever withheld, the last revision."""

    counts: Mapping[Cell, int]
    withheld: frozenset[Cell]
    revision: int
    thresholds: Mapping[Cell, int]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "_Published":
        """From rows in the order of their revisions."""
        counts: dict[Cell, int] = {}
        hidden: set[Cell] = set()
        thresholds: dict[Cell, int] = {}
        revision = 0
        for row in rows:
            counts[_cell(row)] = row["count"]
            thresholds[_cell(row)] = row["threshold"]
            revision = row["revision"]
            if row["withheld"]:
                hidden.add(_cell(row))
        return cls(counts, frozenset(hidden), revision, thresholds)

    def __add__(self, other: "_Published") -> "_Published":
        revision = max(self.revision, other.revision)
        return _Published(
            {**self.counts, **other.counts},
            self.withheld | other.withheld,
            revision,
            {**self.thresholds, **other.thresholds},
        )

    def threshold(self, cell: Cell, today: Callable[[Cell], int]) -> int:
        """What the cell was published under here, or its table; today's where nothing of the table was."""
        return self.thresholds.get(cell) or next(iter(self.thresholds.values()), 0) or today(cell)


def _published(connection: Connection, figure: str, grain: Grain, first: str, last: str) -> _Published:
    columns = PUBLICATIONS.c
    query = (
        select(PUBLICATIONS)
        .where(columns.figure == figure, columns.grain == grain.value, columns.period.between(first, last))
        .order_by(columns.revision, *(columns[name] for name in Cell._fields))
    )
    return _Published.of(dict(row) for row in connection.execute(query).mappings())


def _cell(row: Mapping[Any, Any]) -> Cell:
    return Cell(*(row[name] for name in Cell._fields))


def _first_day(connection: Connection) -> date | None:
    query = select(func.min(FIGURES.c.period)).where(FIGURES.c.grain == Grain.DAY.value)
    first = connection.execute(query).scalar()
    return date.fromisoformat(first) if first else None


def _live(connection: Connection, figure: str, grain: Grain, first: str, last: str) -> dict[Cell, int]:
    """What is counted now, of that which is published: of days the totals alone."""
    columns = FIGURES.c
    divided = (TOTAL,) if grain is Grain.DAY else (TOTAL, *PUBLISHED[figure])
    query = (
        select(FIGURES)
        .where(columns.figure == figure, columns.grain == grain.value, columns.period.between(first, last))
        .where(columns.dimension.in_(divided))
        .order_by(*(columns[name] for name in Cell._fields))
    )
    return {_cell(row): row["count"] for row in connection.execute(query).mappings()}
