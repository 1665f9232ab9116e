"""What is published of a closed period stays, betrays nobody, and is restated beside itself, on both stores."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from services.stats import app as stats
from services.stats.counting import FIGURES, additions
from services.stats.projections import Tally
from services.stats.publishing import PUBLICATIONS, Publisher
from shared.catalogue import load_catalogue
from shared.database import Database
from shared.migrations import migrate

CATALOGUE = load_catalogue(Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml")
SITE = CATALOGUE.default_site.code


class Figures:
    """Counters written by hand, and a calendar that turns when told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.today = datetime(2008, 1, 1, 12, tzinfo=UTC)
        self.publisher = Publisher(database, CATALOGUE, now=lambda: self.today)

    async def count(self, day: str, **requests: int) -> None:
        """So many more requests by category on a day."""
        tallies = {Tally("requests", "category", category, SITE, day): count for category, count in requests.items()}
        tallies[Tally("requests", "total", "", SITE, day)] = sum(requests.values())
        sql = (
            "INSERT INTO figures (figure, dimension, grain, site, period, value, count)"
            " VALUES (:f, :d, :g, :s, :p, :v, :c) ON CONFLICT (figure, dimension, grain, site, period, value)"
            " DO UPDATE SET count = figures.count + excluded.count"
        )
        rows = [dict(zip("fdgspvc", row, strict=True)) for row in additions(tallies)]
        await self.database.write(lambda connection: connection.execute(text(sql), rows))

    async def close(self, day: date) -> list[str]:
        """Come to a day, and publish what is due."""
        self.today = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return await self.publisher.publish()

    async def shown(self, grain: str, dimension: str = "category", revision: int = 1) -> dict[tuple[str, str], Any]:
        """What everybody may see: None where it is withheld."""
        columns = PUBLICATIONS.c
        query = select(PUBLICATIONS).where(
            columns.grain == grain, columns.dimension == dimension, columns.site == SITE, columns.revision == revision
        )
        rows = await self.database.read(lambda connection: connection.execute(query).mappings().all())
        return {(row["period"], row["value"]): None if row["withheld"] else row["count"] for row in rows}


@pytest.fixture
async def figures(database_url: str) -> AsyncIterator[Figures]:
    url = database_url
    migrate(url, "stats", stats.SCHEMA.versions, stats.SCHEMA.newest)
    database = Database(url, "stats")
    await database.start()
    yield Figures(database)
    await database.stop()


async def a_january(figures: Figures) -> None:
    for number in range(7, 12):
        await figures.count(f"2008-01-{number:02}", housing=12, health=12, legal=1 if number == 8 else 0)


async def test_a_month_is_published_a_week_after_it_ends_and_once(figures: Figures) -> None:
    await a_january(figures)
    assert await figures.close(date(2008, 2, 7)) == []
    assert await figures.close(date(2008, 2, 8)) == ["2008-01"]
    assert await figures.close(date(2008, 2, 9)) == []


async def test_a_small_cell_is_withheld_with_another_that_would_betray_it(figures: Figures) -> None:
    await a_january(figures)
    await figures.close(date(2008, 2, 8))
    shown = await figures.shown("month")
    assert shown["2008-01", "legal"] is None
    assert sorted(count for count in shown.values() if count is not None) == [60]
    assert await figures.shown("month", "total") == {("2008-01", ""): 121}


async def test_days_and_weeks_are_published_as_totals(figures: Figures) -> None:
    await a_january(figures)
    await figures.close(date(2008, 2, 8))
    assert await figures.shown("week", "total") == {("2008-W02", ""): 121}
    assert (await figures.shown("day", "total"))["2008-01-08", ""] == 25
    assert await figures.shown("day", "category") == {}


async def test_a_published_figure_stays_and_a_large_correction_stands_beside_it(figures: Figures) -> None:
    await a_january(figures)
    await figures.close(date(2008, 2, 8))
    before = await figures.shown("month")
    await figures.count("2008-01-09", housing=3)
    assert await figures.close(date(2008, 3, 1)) == []
    await figures.count("2008-01-09", housing=27)
    assert await figures.close(date(2008, 3, 2)) == ["2008-01"]
    assert await figures.shown("month") == before
    assert await figures.shown("month", "total", revision=2) == {("2008-01", ""): 151}


async def test_what_was_withheld_once_is_not_handed_out_by_its_restatement(figures: Figures) -> None:
    await a_january(figures)
    await figures.close(date(2008, 2, 8))
    await figures.count("2008-01-09", legal=40)
    assert await figures.close(date(2008, 3, 1)) == ["2008-01"]
    assert (await figures.shown("month", revision=2))["2008-01", "legal"] is None


async def test_a_year_is_published_with_its_december_and_keeps_what_a_month_withheld(figures: Figures) -> None:
    for month in range(1, 13):
        await figures.count(f"2008-{month:02}-10", housing=30, health=40, legal=3 if month == 5 else 30)
    done = await figures.close(date(2009, 1, 8))
    assert len(done) == 12
    year = await figures.shown("year")
    months = await figures.shown("month")
    assert months["2008-05", "legal"] is None
    # The year less eleven published months would be the twelfth.
    assert year["2008", "legal"] is None
    assert (await figures.shown("year", "total"))["2008", ""] == 12 * 100 - 27


async def test_a_late_correction_reaches_the_year_as_well(figures: Figures) -> None:
    for month in range(1, 13):
        await figures.count(f"2008-{month:02}-10", housing=30, health=40)
    await figures.close(date(2009, 1, 8))
    await figures.count("2008-03-10", housing=20)
    assert await figures.close(date(2009, 2, 1)) == ["2008-03"]
    assert (await figures.shown("year", "total", revision=2))["2008", ""] == 12 * 70 + 20


async def test_two_replicas_publish_a_month_once(figures: Figures) -> None:
    await a_january(figures)
    figures.today = datetime(2008, 2, 8, 12, tzinfo=UTC) + timedelta(hours=1)
    rows = await figures.database.read(lambda connection: figures.publisher._due("2008-01", "2008-02-08", connection))
    assert await figures.publisher.publish() == ["2008-01"]
    assert not await figures.publisher._add(rows)


async def test_nothing_counted_is_nothing_published(figures: Figures) -> None:
    assert await figures.close(date(2008, 2, 8)) == []
    await figures.database.write(
        lambda connection: connection.execute(
            insert(FIGURES),
            [{**dict.fromkeys(("figure", "dimension", "site", "value"), ""), "grain": "all", "period": "", "count": 0}],
        )
    )
    assert await figures.close(date(2008, 2, 8)) == []
