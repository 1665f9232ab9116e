"""A whole house under test: its supervisor, its processes, and who of them was started anew."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services import SERVICES
from services.house import House, read_card, running
from shared.settings import Settings
from tests.system.place import Place, until

BUS = "valkey"


class OpenHouse:
    """A running house; `pids` says which process is which part now."""

    def __init__(self, house: House, redis_url: str) -> None:
        data = house.settings.data
        card = read_card(data)
        assert card is not None
        self.house = house
        self.place = Place(data, house.urls, redis_url or card["bus"]["url"], house.settings.database_url)

    @property
    def pids(self) -> dict[str, int | None]:
        """By part; None while a part is down."""
        card = read_card(self.place.data)
        assert card is not None
        services: dict[str, int | None] = {name: card["services"][name]["pid"] for name in SERVICES}
        return {**services, BUS: card["bus"]["pid"]}

    def signal(self, part: str, number: signal.Signals) -> int:
        """Send a signal to a part; its pid."""
        pid = self.pids[part]
        assert pid is not None
        os.kill(pid, number)
        return pid

    async def kill(self, part: str) -> None:
        """Kill a part at once, and wait until the house has started it again."""
        old = self.signal(part, signal.SIGKILL)

        async def is_new() -> bool:
            return self.pids[part] not in (None, old)

        await until(is_new, f"{part} is started again")
        if part in SERVICES:
            async with httpx.AsyncClient() as client:
                await self.place.ready(client, part)


@asynccontextmanager
async def open_house(data: Path, redis_url: str = "", database_url: str = "") -> AsyncIterator[OpenHouse]:
    """A house, open for as long as the block lasts."""
    settings = Settings(data=data, redis_url=redis_url, database_url=database_url)
    async with running(House(settings, free_ports=True)) as house:
        yield OpenHouse(house, redis_url)
