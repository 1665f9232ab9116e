"""Different people in sums that are kept, instead of counted when asked; filled from the presences that there are."""

from collections.abc import Iterator
from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_KEY = ("figure", "dimension", "grain", "next_grain", "site", "period", "next_period", "value")
_STOPS = """
CREATE TEMPORARY TABLE stops AS
WITH divided AS (
    SELECT figure, dimension, value, site, day, root FROM presences WHERE count > 0
    UNION ALL
    SELECT figure, 'identity', CASE WHEN named THEN 'named' ELSE 'anonymous' END, site, day, root
    FROM presences WHERE count > 0 AND dimension = 'total'
)
SELECT figure, dimension, value, site, day, root FROM divided
UNION SELECT figure, dimension, value, '', day, root FROM divided
"""
_THERE = """
INSERT INTO people_counts (figure, dimension, grain, next_grain, site, period, next_period, value, count)
SELECT figure, dimension, grain, '', site, period, '', value, count(DISTINCT root)
FROM stops JOIN days_of_periods AS own ON own.day = stops.day
GROUP BY figure, dimension, grain, site, period, value
"""
_THERE_AND_NEXT = """
INSERT INTO people_counts (figure, dimension, grain, next_grain, site, period, next_period, value, count)
SELECT figure, dimension, own.grain, next.grain, site, own.period, next.period, value, -count(*)
FROM (
    SELECT figure, dimension, value, site, day,
        lead(day) OVER (PARTITION BY figure, dimension, value, site, root ORDER BY day) AS next_day FROM stops
) AS steps JOIN days_of_periods AS own ON own.day = steps.day JOIN days_of_periods AS next ON next.day = next_day
WHERE own.grain IN ('day', 'month', 'year') AND next.grain IN ('day', 'month', 'year')
    AND substr(own.period, 1, length(next.period)) <> next.period
    AND substr(next.period, 1, length(own.period)) <> own.period
GROUP BY figure, dimension, own.grain, next.grain, site, own.period, next.period, value
"""


def upgrade() -> None:
    """People are looked up by who they are now, no longer by each id."""
    op.create_table(
        "people_counts",
        *(sa.Column(name, sa.Text, primary_key=True) for name in _KEY),
        sa.Column("count", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_presences_root", "presences", ["root"])
    # After a rebuild it has another name.
    for index in sa.inspect(op.get_bind()).get_indexes("presences"):
        if index["column_names"] == ["who"]:
            op.drop_index(index["name"] or "", "presences")
    _fill()


def _fill() -> None:
    own = sa.table("days_of_periods", *(sa.column(name, sa.Text) for name in ("day", "grain", "period")))
    op.execute("CREATE TEMPORARY TABLE days_of_periods (day TEXT, grain TEXT, period TEXT)")
    days = op.get_bind().execute(sa.text("SELECT DISTINCT day FROM presences")).scalars()
    op.bulk_insert(own, [row for day in days for row in _periods(day)])
    for statement in (_STOPS, _THERE, _THERE_AND_NEXT, "DROP TABLE stops", "DROP TABLE days_of_periods"):
        op.execute(statement)


def _periods(day: str) -> Iterator[dict[str, str]]:
    year, week, _ = date.fromisoformat(day).isocalendar()
    weeks = f"{year:04}-W{week:02}"
    for grain, period in (("day", day), ("week", weeks), ("month", day[:7]), ("year", day[:4]), ("all", "")):
        yield {"day": day, "grain": grain, "period": period}
