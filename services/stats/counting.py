"""Adding up, in the checkpoint's own transaction: tallies of days become counters of every grain, site by site."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, Table

from services.stats.facts import Told
from services.stats.periods import names
from services.stats.projections import Tally, count
from services.stats.tables import ALL_SITES, Figure
from shared.inserting import insert
from shared.subscription import Effects

FIGURES: Table = Figure.__table__  # type: ignore[attr-defined]
_COLUMNS = ("figure", "dimension", "grain", "site", "period", "value", "count")


class _Counted:
    """Additions to the counters of one table."""

    def __init__(self, table: str, tallies: Mapping[Tally, int], on_change: Callable[[], None]) -> None:
        self._table, self._tallies, self._on_change = table, tallies, on_change

    def apply(self, connection: Connection) -> None:
        then = (
            "ON CONFLICT (figure, dimension, grain, site, period, value)"
            f" DO UPDATE SET count = {self._table}.count + excluded.count"
        )
        insert(connection, self._table, _COLUMNS, additions(self._tallies), then)

    def committed(self) -> None:
        self._on_change()


def additions(tallies: Mapping[Tally, int]) -> list[tuple[str | int, ...]]:
    """What to add to which rows, in one order for everybody: two replicas that count at once cannot deadlock."""
    everywhere: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    totals: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for (figure, dimension, value, site, day), step in tallies.items():
        everywhere[figure, dimension, value, day] += step
        for grain, period in names(day):
            totals[figure, dimension, grain, site, period, value] += step
    for (figure, dimension, value, day), step in everywhere.items():
        for grain, period in names(day):
            totals[figure, dimension, grain, ALL_SITES, period, value] += step
    return sorted((*row, step) for row, step in totals.items() if step)


def counter(table: str, on_change: Callable[[], None]) -> Callable[[Sequence[Told]], Effects]:
    """A reaction that counts into this table: the live one, or one that is being rebuilt beside it."""

    def react(batch: Sequence[Told]) -> Effects:
        return _Counted(table, count(batch), on_change)

    return react
