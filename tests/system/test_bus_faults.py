"""The bus is emptied, robbed, killed and exchanged under load; services are stopped and killed. Nobody notices."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
import redis.asyncio as redis

from services import SERVICES
from tests.auditing import History
from tests.servers import Valkey
from tests.system.desks import Desks
from tests.system.finding_out import audited
from tests.system.open_house import BUS, OpenHouse, open_house
from tests.system.partners import at_work

# Nothing here is timed: this is for a machine that does much else besides.
pytestmark = pytest.mark.timeout(300)

VISITS = 30
PAUSED_S = 2.0
Fault = Callable[[], Awaitable[None]]


async def test_a_house_whose_bus_is_emptied_robbed_and_killed_heals_by_itself(tmp_path: Path) -> None:
    async with open_house(tmp_path / "house") as house:

        async def flush_all() -> None:
            async with redis.Redis.from_url(house.place.redis_url, protocol=2) as bus:
                await bus.flushall()

        async def delete_a_topic() -> None:
            async with redis.Redis.from_url(house.place.redis_url, protocol=2) as bus:
                await bus.delete("topic:intake:0")

        async def delete_a_queue() -> None:
            async with redis.Redis.from_url(house.place.redis_url, protocol=2) as bus:
                queues = [key async for key in bus.scan_iter("queue:*")]
                assert queues, "no queue is there to delete"
                await bus.delete(max(queues))

        async def kill_the_bus() -> None:
            await house.kill(BUS)

        desks = Desks(house.place.urls["intake"], History())
        for fault in (flush_all, delete_a_topic, delete_a_queue, kill_the_bus):
            await _survives(house, desks, fault.__name__, fault, tmp_path)


async def test_a_house_is_handed_an_empty_bus_and_fills_it(valkey: Valkey, tmp_path: Path) -> None:
    async with open_house(tmp_path / "house", valkey.url) as house:

        async def swap_the_bus() -> None:
            await asyncio.to_thread(valkey.restart, empty=True)

        async def kill_the_bus_for_a_while() -> None:
            await asyncio.to_thread(valkey.kill)
            await asyncio.sleep(PAUSED_S / 2)
            await asyncio.to_thread(valkey.start)

        desks = Desks(house.place.urls["intake"], History())
        for fault in (swap_the_bus, kill_the_bus_for_a_while):
            await _survives(house, desks, fault.__name__, fault, tmp_path)


async def test_a_house_whose_services_pause_or_die_loses_nothing(tmp_path: Path) -> None:
    async with open_house(tmp_path / "house") as house:

        def pause(service: str) -> Fault:
            async def fault() -> None:
                house.signal(service, signal.SIGSTOP)
                await asyncio.sleep(PAUSED_S)
                house.signal(service, signal.SIGCONT)

            return fault

        def kill(service: str) -> Fault:
            return lambda: house.kill(service)

        desks = Desks(house.place.urls["intake"], History())
        for service in SERVICES:
            await _survives(house, desks, f"pause {service}", pause(service), tmp_path)
            await _survives(house, desks, f"kill {service}", kill(service), tmp_path, killed=service)


async def _survives(house: OpenHouse, desks: Desks, name: str, fault: Fault, folder: Path, *, killed: str = "") -> None:
    """Visits are recorded before, during and after a fault; then all is there, and nobody else has died."""
    before = house.pids
    async with at_work(house.place, desks.history), desks.open():
        await desks.some_more(VISITS)
        await fault()
        await desks.some_more(VISITS)
    findings = await audited(house.place, desks.history, kept_as=folder / "history.jsonl")
    assert not findings, (name, findings[:10])
    assert _services(house.pids, killed) == _services(before, killed), name


def _services(pids: Mapping[str, int | None], killed: str) -> dict[str, int | None]:
    return {name: pids[name] for name in SERVICES if name != killed}
