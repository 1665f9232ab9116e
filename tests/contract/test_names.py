"""What codes are called in what the city gets: as in today's house file, and never nothing, on both stores."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from services.stats.names import Named, changed_at, keep_names, known_names, name_codes, names_of
from services.stats.published import edition
from shared.database import Database
from tests.logs import founded
from tests.published import CATALOGUE

WORDS = {"channel": {"phone": "Par téléphone"}}
MONDAY, TUESDAY = datetime(2008, 3, 10, 9, tzinfo=UTC), datetime(2008, 3, 11, 9, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(founded(database_url, "stats"), "stats")
    await opened.start()
    yield opened
    await opened.stop()


async def keep(database: Database, names: dict[tuple[str, str], Named], now: datetime) -> None:
    await database.write(lambda connection: keep_names(connection, names, now))


async def test_the_names_of_the_house_file_are_kept_in_its_order(database: Database) -> None:
    await keep(database, names_of(CATALOGUE, WORDS), MONDAY)
    names = await database.read(known_names)
    assert names["category", "financial"] == Named("Difficultés financières", 2)
    assert names["channel", "phone"] == Named("Par téléphone", 1)
    assert names["partner", "p01"].label == CATALOGUE.partner("p01").name


async def test_what_is_called_as_before_has_not_changed(database: Database) -> None:
    for now in (MONDAY, TUESDAY):
        await keep(database, names_of(CATALOGUE, WORDS), now)
    assert await database.read(changed_at) == "2008-03-10T09:00:00.000Z"


async def test_another_name_is_told_as_a_change_of_every_file_that_has_it(database: Database) -> None:
    await keep(database, names_of(CATALOGUE, WORDS), MONDAY)
    before = await database.read(edition)
    await keep(database, names_of(CATALOGUE, {"channel": {"phone": "Au téléphone"}}), TUESDAY)
    assert (await database.read(known_names))["channel", "phone"].label == "Au téléphone"
    assert (before.changed_at, (await database.read(edition)).changed_at) == (
        "2008-03-10T09:00:00.000Z", "2008-03-11T09:00:00.000Z",
    )  # fmt: skip


async def test_a_code_that_is_gone_keeps_its_name_and_one_without_a_name_is_its_own(database: Database) -> None:
    await keep(database, names_of(CATALOGUE, WORDS), MONDAY)
    await keep(database, names_of(CATALOGUE, {}), TUESDAY)
    codes = [("channel", "phone"), ("channel", "pigeon")]
    await database.write(lambda connection: name_codes(connection, codes, TUESDAY))
    names = await database.read(known_names)
    assert [names[code].label for code in codes] == ["Par téléphone", "pigeon"]
