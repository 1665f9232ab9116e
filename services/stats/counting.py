"""Adding up, in the checkpoint's own transaction: tallies of days become counters of every grain, site by site."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, Table

from services.stats.periods import keys
from services.stats.projections import Tally, count
from services.stats.tables import ALL_SITES, Figure
from shared.envelope import Envelope
from shared.log.rows import batched
from shared.subscription import Effects

FIGURES: Table = Figure.__table__  # type: ignore[attr-defined]
ROWS_PER_STATEMENT = 140
_COLUMNS = ("figure", "dimension", "grain", "site", "period", "value", "count")


class _Counted:
    """Additions to the counters of one table."""

    def __init__(self, table: str, tallies: Mapping[Tally, int], on_change: Callable[[], None]) -> None:
        self._table, self._tallies, self._on_change = table, tallies, on_change

    def apply(self, connection: Connection) -> None:
        # Many rows a statement: the driver lets go of the interpreter once for all of them.
        for rows in batched(additions(self._tallies), ROWS_PER_STATEMENT):
            row = f"({', '.join([_mark(connection)] * len(_COLUMNS))})"
            connection.exec_driver_sql(
                f"INSERT INTO {self._table} ({', '.join(_COLUMNS)}) VALUES {', '.join([row] * len(rows))}"
                " ON CONFLICT (figure, dimension, grain, site, period, value)"
                f" DO UPDATE SET count = {self._table}.count + excluded.count",
                tuple(value for values in rows for value in values),
            )

    def committed(self) -> None:
        self._on_change()


def additions(tallies: Mapping[Tally, int]) -> list[tuple[str | int, ...]]:
    """What to add to which rows, in one order for everybody: two replicas that count at once cannot deadlock."""
    totals: Counter[tuple[str, ...]] = Counter()
    for (figure, dimension, value, site, day), step in tallies.items():
        for grain, period in keys(day):
            totals[(figure, dimension, grain.value, site, period, value)] += step
            totals[(figure, dimension, grain.value, ALL_SITES, period, value)] += step
    return sorted((*row, step) for row, step in totals.items() if step)


def counter(table: str, on_change: Callable[[], None]) -> Callable[[Sequence[Envelope]], Effects]:
    """A reaction that counts into this table: the live one, or one that is being rebuilt beside it."""

    def react(batch: Sequence[Envelope]) -> Effects:
        return _Counted(table, count(batch), on_change)

    return react


def _mark(connection: Connection) -> str:
    """How the driver writes a parameter."""
    return "?" if connection.dialect.name == "sqlite" else "%s"
