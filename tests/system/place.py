"""Where a house under test is, and how it is looked at while it runs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

from services import SERVICES

WAIT_S_MAX = 60.0
OPEN_S_MAX = 90.0
"""A house opens in a few seconds, unless the machine does much else besides."""
LOOK_EVERY_S = 0.1
Found = TypeVar("Found")


@dataclass(frozen=True)
class Place:
    """Addresses of one house. `database_url` is empty for SQLite files in `data`."""

    data: Path
    urls: Mapping[str, str]
    redis_url: str
    database_url: str = ""

    @property
    def key(self) -> dict[str, str]:
        """What the house's own questions are asked with."""
        return {"X-House-Key": (self.data / "house.key").read_text()}

    async def ask(self, client: httpx.AsyncClient, service: str, what: str, **parameters: Any) -> Any:
        """One of the house's own questions."""
        answer = await client.get(f"{self.urls[service]}/internal/{what}", params=parameters, headers=self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def tell(self, client: httpx.AsyncClient, service: str, what: str, **parameters: Any) -> Any:
        """One of the house's own orders."""
        answer = await client.post(f"{self.urls[service]}/internal/{what}", params=parameters, headers=self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ready(self, client: httpx.AsyncClient, *services: str) -> None:
        """Wait until these services, or all, are ready."""
        for service in services or SERVICES:
            await until(partial(self._is_ready, client, service), f"{service} is ready", OPEN_S_MAX)

    async def _is_ready(self, client: httpx.AsyncClient, service: str) -> bool:
        try:
            return (await client.get(f"{self.urls[service]}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False


async def until(look: Callable[[], Awaitable[Found]], what: str, wait_s: float = WAIT_S_MAX) -> Found:
    """What `look` answers, as soon as it is true. The bound is there for what never comes, not to time anything."""
    give_up = time.monotonic() + wait_s
    while not (found := await look()):
        assert time.monotonic() < give_up, f"it never came: {what}"
        await asyncio.sleep(LOOK_EVERY_S)
    return found
