"""The drill: a house is backed up while it works, works on, is lost, and comes back elsewhere."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from services import SERVICES
from services.backup import Refused, back_up, restore
from services.verify import verify
from shared.settings import Settings
from tests.auditing import History
from tests.auditing.history import RECORD
from tests.servers import Valkey, fresh_database
from tests.system.desks import Desks
from tests.system.finding_out import drained
from tests.system.open_house import OpenHouse, open_house
from tests.system.partners import at_work
from tests.system.place import Place


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Two databases, one to be lost and one to come back on; empty for SQLite."""
    if request.param == "sqlite":
        yield "", ""
        return
    with ExitStack() as stack:
        maintenance = request.getfixturevalue("postgresql")
        first, second = (stack.enter_context(fresh_database(maintenance)) for _ in range(2))
        yield first, second


@pytest.mark.timeout(300)  # two houses, one after the other, where two processors may be all there is
async def test_a_house_lost_after_a_backup_comes_back_with_every_visit_acknowledged_before(
    stores: tuple[str, str], valkey: Valkey, tmp_path: Path
) -> None:
    history, target = History(), tmp_path / "backup"
    async with open_house(tmp_path / "lost", valkey.url, stores[0]) as lost:
        desks = Desks(lost.place.urls["intake"], history)
        async with at_work(lost.place, history), desks.open(3):
            await desks.some_more(30)
            before = acknowledged(history)
            made = await asyncio.to_thread(back_up, lost.house.settings, target)
            # The bus has heard of these; the backup has not.
            await desks.some_more(20)
        after = acknowledged(history) - before
        async with httpx.AsyncClient(timeout=60) as client:
            # Nobody is held any longer than the copies took.
            await drained(lost.place, client)
        elsewhere = Settings(data=tmp_path / "found", database_url=stores[1], redis_url=valkey.url)
        with pytest.raises(Refused, match="a house"):
            await asyncio.to_thread(restore, elsewhere, target)
        for service in SERVICES:
            lost.signal(service, signal.SIGKILL)
    await asyncio.to_thread(restore, elsewhere, target)
    async with open_house(tmp_path / "found", valkey.url, stores[1]) as found, httpx.AsyncClient(timeout=60) as client:
        place = found.place
        await drained(place, client)
        there = {visit for visit in before | after if await is_there(client, place, visit)}
        assert before <= there, "acknowledged before the backup began, and lost"
        assert after - there, "nothing was recorded after the backup: it shows nothing"
        await goes_on(client, place, found, len(there))
        heads = await place.ask(client, "intake", "status")
        assert sum(heads["heads"].values()) > sum(made.barrier["intake"].values())


async def goes_on(client: httpx.AsyncClient, place: Place, house: OpenHouse, visits: int) -> None:
    """The figures count what is there, new visits are recorded, reach their partners, and all agrees."""
    total = await client.get(f"{place.urls['stats']}/stats/visits")
    assert total.json()["rows"][0]["count"] == visits
    # A house that came back is a new history: it owes nothing to those who were told of what was lost.
    history = History()
    await Desks(place.urls["intake"], history, seed=2).record_some(10)
    await drained(place, client)
    document = await verify(house.house.settings)
    assert document["ok"], [check for check in document["checks"] if not check["ok"]]


def acknowledged(history: History) -> set[str]:
    """The visits that desks were told of."""
    return {line.value["visit_id"] for line in history.lines if (line.f, line.type) == (RECORD, "ok")}


async def is_there(client: httpx.AsyncClient, place: Place, visit_id: str) -> bool:
    """Whether the house knows a visit."""
    return (await client.get(f"{place.urls['intake']}/visits/{visit_id}")).status_code == 200
