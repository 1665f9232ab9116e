"""The bus is several servers, and the one that has the topics is killed under load: nothing is lost, nothing twice."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from services.verify import verify
from shared.bus import topic_key
from tests.auditing import History
from tests.servers import ServerUnavailable
from tests.servers.several import Several, running_cluster, running_sentinels
from tests.system.desks import Desks
from tests.system.finding_out import audited
from tests.system.open_house import open_house
from tests.system.partners import at_work

KINDS: dict[str, Callable[[], AbstractContextManager[Several]]] = {
    "Sentinel": running_sentinels,
    "Cluster": running_cluster,
}


@pytest.fixture(params=KINDS)
def bus(request: pytest.FixtureRequest) -> Iterator[Several]:
    """Each kind of several servers."""
    try:
        with KINDS[request.param]() as running:
            yield running
    except ServerUnavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.timeout(300)  # up to ten processes, where two processors may be all there is
async def test_a_house_stays_exact_while_the_server_of_its_topics_is_killed(bus: Several, tmp_path: Path) -> None:
    history = History()
    async with open_house(tmp_path / "house", bus.url) as house:
        desks = Desks(house.place.urls["intake"], history)
        async with at_work(house.place, history), desks.open(3):
            await desks.some_more(20)
            for topic in ("intake", "referral"):
                await asyncio.to_thread(bus.fail_over, topic_key(topic, 0))
                await desks.some_more(20)
        assert not await audited(house.place, history, kept_as=tmp_path / "history.jsonl")
        document = await verify(house.house.settings)
        assert document["ok"], [check for check in document["checks"] if not check["ok"]]
