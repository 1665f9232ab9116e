"""What is published of a closed period stays, betrays nobody, and is restated beside itself, on both stores."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, text

from services.stats.counting import FIGURES, additions, counter
from services.stats.projections import Tally
from services.stats.publishing import PUBLICATIONS, Publisher, moved_months
from shared.catalogue import Secrecy, load_catalogue
from shared.database import Database
from shared.envelope import Envelope, encode
from shared.events import Event
from shared.events.intake import RequestMade, VisitCorrected, VisitRecorded, VisitVoided
from tests.logs import founded

CATALOGUE = load_catalogue(Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml")
SITE = CATALOGUE.default_site.code


class Figures:
    """Counters written by hand, and a calendar that turns when told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.today = datetime(2008, 1, 1, 12, tzinfo=UTC)
        self.decide(11)

    def decide(self, k: int, **tables: int) -> None:
        """Open the house again with another threshold."""
        secrecy = Secrecy.model_validate({"k": k, "tables": tables})
        catalogue = CATALOGUE.model_copy(update={"secrecy": secrecy})
        self.publisher = Publisher(self.database, catalogue, now=lambda: self.today)

    async def count(self, day: str, **requests: int) -> None:
        """So many more requests by category on a day."""
        tallies = {Tally("requests", "category", category, SITE, day): count for category, count in requests.items()}
        await self._add({**tallies, Tally("requests", "total", "", SITE, day): sum(requests.values())})

    async def _add(self, tallies: dict[Tally, int]) -> None:
        sql = (
            "INSERT INTO figures (figure, dimension, grain, site, period, value, count)"
            " VALUES (:f, :d, :g, :s, :p, :v, :c) ON CONFLICT (figure, dimension, grain, site, period, value)"
            " DO UPDATE SET count = figures.count + excluded.count"
        )
        rows = [dict(zip("fdgspvc", row, strict=True)) for row in additions(tallies)]
        await self.database.write(lambda connection: connection.execute(text(sql), rows))

    async def count_visits(self, day: str, total: int, **languages: int) -> None:
        """So many more visits, of some of which the language was said."""
        tallies = {Tally("visits", "language", code, SITE, day): count for code, count in languages.items()}
        await self._add({**tallies, Tally("visits", "total", "", SITE, day): total})

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
    database = Database(founded(database_url, "stats"), "stats")
    await database.start()
    yield Figures(database)
    await database.stop()


async def test_a_rare_language_is_withheld_and_the_visits_are_not(figures: Figures) -> None:
    await figures.count_visits("2008-01-10", 100, ar=30, so=2)
    await figures.close(date(2008, 2, 9))
    assert await figures.shown("month", "language") == {("2008-01", "ar"): 30, ("2008-01", "so"): None}
    # Most people's language was not said: what is left over says nothing of the rare one.
    assert await figures.shown("month", "total") == {("2008-01", ""): 100}


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


def visits_of(first: int, last: int) -> list[VisitRecorded]:
    asked = (RequestMade("r", "social_rights", answered=True),)
    return [VisitRecorded(f"v{n}", f"c{n}", SITE, "phone", asked) for n in range(first, last)]


async def heard(figures: Figures, events: Sequence[Event], day: str) -> None:
    at = f"{day}T10:00:00.000+01:00"
    place = ("intake:0:1", "intake")
    told = [
        Envelope("1.0", *place, one.event_type, "case", at, at, "0000000001", 1, msgspec.Raw(encode(one)))
        for one in events
    ]
    effects = counter(FIGURES.name, lambda: None)(told)
    await figures.database.write(effects.apply)


async def test_voids_and_corrections_of_a_closed_month_are_restated_like_late_visits(figures: Figures) -> None:
    thursday, friday = "2008-01-10T10:00:00.000+01:00", "2008-02-08T10:00:00.000+01:00"
    await heard(figures, visits_of(0, 100), "2008-01-10")
    assert await figures.close(date(2008, 2, 9)) == ["2008-01"]
    await heard(figures, [VisitVoided(one, thursday, "test") for one in visits_of(0, 5)], "2008-02-12")
    # Five less would point at five: it waits until more has changed.
    assert await figures.close(date(2008, 2, 13)) == []
    await heard(figures, [VisitVoided(one, thursday, "test") for one in visits_of(5, 25)], "2008-02-14")
    assert await figures.close(date(2008, 2, 15)) == ["2008-01"]
    moved = [VisitCorrected(one, thursday, one, friday, 1) for one in visits_of(25, 55)]
    await heard(figures, moved, "2008-02-18")
    assert await figures.close(date(2008, 3, 10)) == ["2008-01", "2008-02"]
    january = [(await figures.shown("month", "total", revision))["2008-01", ""] for revision in (1, 2, 3)]
    assert january == [100, 75, 45]
    assert (await figures.shown("month", "total"))["2008-02", ""] == 30


async def test_a_language_and_a_site_that_were_wrong_are_restated_as_what_they_are(figures: Figures) -> None:
    thursday = "2008-01-10T10:00:00.000+01:00"
    said = [msgspec.structs.replace(one, language="ar") for one in visits_of(0, 100)]
    await heard(figures, said, "2008-01-10")
    assert await figures.close(date(2008, 2, 9)) == ["2008-01"]
    right = [msgspec.structs.replace(one, language="tr") for one in said[:40]]
    told = [VisitCorrected(*pair) for pair in zip(said, repeat(thursday), right, repeat(thursday), repeat(1))]
    await heard(figures, told, "2008-02-12")
    assert await figures.close(date(2008, 2, 13)) == ["2008-01"]
    assert await figures.shown("month", "language") == {("2008-01", "ar"): 100}
    assert await figures.shown("month", "language", revision=2) == {("2008-01", "ar"): 60, ("2008-01", "tr"): 40}
    elsewhere = [msgspec.structs.replace(one, site="elsewhere") for one in right]
    told = [VisitCorrected(*pair) for pair in zip(right, repeat(thursday), elsewhere, repeat(thursday), repeat(2))]
    await heard(figures, told, "2008-02-14")
    assert await figures.close(date(2008, 2, 15)) == ["2008-01"]
    newest = await figures.shown("month", "total", revision=3) or await figures.shown("month", "total", revision=2)
    assert newest == {("2008-01", ""): 60}


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


async def months(figures: Figures) -> None:
    """January and February alike: a category of each size."""
    for month in ("01", "02"):
        await figures.count(f"2008-{month}-10", housing=40, health=30, legal=25, elderly=8, training=7)


async def test_another_threshold_holds_for_what_is_published_from_then_on(figures: Figures) -> None:
    await months(figures)
    await figures.close(date(2008, 2, 8))
    january = await figures.shown("month")
    figures.decide(5)
    assert await figures.close(date(2008, 3, 8)) == ["2008-02"]
    shown = await figures.shown("month")
    assert shown == january | {("2008-02", code): count for code, count in MONTH.items()}
    assert {code for (month, code), count in january.items() if count is None} == {"elderly", "training"}


MONTH = {"housing": 40, "health": 30, "legal": 25, "elderly": 8, "training": 7}


async def test_a_period_is_restated_under_the_threshold_that_it_was_published_under(figures: Figures) -> None:
    await months(figures)
    await figures.close(date(2008, 2, 8))
    figures.decide(5)
    await figures.count("2008-01-10", housing=6)
    assert await figures.close(date(2008, 2, 9)) == []
    await figures.count("2008-01-10", housing=6)
    assert await figures.close(date(2008, 2, 10)) == ["2008-01"]
    again = await figures.shown("month", revision=2)
    assert again["2008-01", "housing"] == 52
    assert (again["2008-01", "elderly"], again["2008-01", "training"]) == (None, None)


async def test_a_stricter_threshold_leaves_what_is_out_as_it_is(figures: Figures) -> None:
    figures.decide(5)
    await months(figures)
    await figures.close(date(2008, 2, 8))
    figures.decide(26)
    assert await figures.close(date(2008, 3, 8)) == ["2008-02"]
    shown = await figures.shown("month")
    assert {code: count for (month, code), count in shown.items() if month == "2008-01"} == MONTH
    assert {code for (month, code), count in shown.items() if month == "2008-02" and count is None} >= {
        "legal", "elderly", "training",
    }  # fmt: skip


async def test_a_table_may_have_a_threshold_of_its_own(figures: Figures) -> None:
    figures.decide(11, requests=26)
    await months(figures)
    await figures.close(date(2008, 2, 8))
    shown = await figures.shown("month")
    assert {code for (_month, code), count in shown.items() if count is None} >= {"legal", "elderly", "training"}


async def actions(figures: Figures, *days: str) -> None:
    """A workshop with twenty people on each day."""
    for day in days:
        held = (("actions", 1), ("attendances", 20))
        ways = (("total", ""), ("kind", "workshop"), ("category", "early_childhood"))
        await figures._add({Tally(figure, by, code, SITE, day): n for figure, n in held for by, code in ways})


async def test_a_figure_that_few_things_happen_to_holds_no_other_back(figures: Figures) -> None:
    await months(figures)
    await actions(figures, "2008-01-15")
    assert await figures.close(date(2008, 2, 8)) == ["2008-01"]
    await figures.count("2008-01-10", housing=30)
    await actions(figures, "2008-01-16")
    # One action more is never told; the requests, and who was there, are.
    assert await figures.close(date(2008, 2, 9)) == ["2008-01"]
    assert (await figures.shown("month", revision=2))["2008-01", "housing"] == 70
    columns = PUBLICATIONS.c
    query = select(columns.figure, columns.revision).where(columns.grain == "month").distinct()
    found = await figures.database.read(lambda connection: connection.execute(query).all())
    revisions = {(figure, revision) for figure, revision in found}
    assert revisions == {("actions", 1), *((each, n) for each in ("requests", "attendances") for n in (1, 2))}


async def test_a_figure_that_is_published_from_now_on_is_published_of_what_closed_before(figures: Figures) -> None:
    await months(figures)
    await figures.close(date(2008, 3, 8))
    before = await figures.shown("month")
    await actions(figures, *(f"2008-01-{day}" for day in range(10, 25)))
    assert await figures.close(date(2008, 3, 9)) == ["2008-01"]
    assert (await figures.shown("month", "kind"))["2008-01", "workshop"] in (15, 300)
    assert before.items() <= (await figures.shown("month")).items()


async def test_a_year_is_published_although_nothing_of_it_happened_in_december(figures: Figures) -> None:
    for month in range(1, 13):
        await figures.count(f"2008-{month:02}-10", housing=30, health=40)
    await actions(figures, *(f"2008-05-{day}" for day in range(10, 25)))
    await figures.close(date(2009, 1, 8))
    assert ("2008", "workshop") in await figures.shown("year", "kind")
    assert await figures.close(date(2009, 1, 9)) == []


async def test_only_months_that_moved_are_looked_through_again(figures: Figures) -> None:
    async def moved(newest: str = "2008-03") -> frozenset[str]:
        return await figures.database.read(partial(moved_months, newest))

    await a_january(figures)
    await figures.count("2008-02-12", housing=30)
    await figures.count("2008-03-12", housing=30)
    assert await moved() == {"2008-01", "2008-02", "2008-03"}
    assert await moved("2008-02") == {"2008-01", "2008-02"}
    await figures.close(date(2008, 4, 8))
    assert await moved() == frozenset()
    # One of them more is too few to be told of: the month is looked through until there are enough.
    await figures.count("2008-01-10", housing=1)
    assert await figures.close(date(2008, 4, 9)) == []
    assert await moved() == {"2008-01"}
    await figures.count("2008-01-10", housing=20)
    assert await figures.close(date(2008, 4, 10)) == ["2008-01"]
    assert await moved() == frozenset()
    # What never was is out all the same, and has no row any more to show it.
    await figures.database.write(
        lambda connection: connection.execute(text("DELETE FROM figures WHERE period = '2008-02'"))
    )
    assert await moved() == {"2008-02"}


async def test_two_replicas_publish_a_month_once(figures: Figures) -> None:
    await a_january(figures)
    figures.today = datetime(2008, 2, 8, 12, tzinfo=UTC) + timedelta(hours=1)
    rows = await figures.database.read(lambda connection: figures.publisher._due("2008-01", figures.today, connection))
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
