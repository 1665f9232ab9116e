"""The three services as processes that a test starts, arms with a crash point, and kills one by one."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from services import SERVICES
from services.house import House
from services.nursery import Nursery
from shared.failpoints import VARIABLE
from shared.settings import Settings
from shared.tasks import end
from tests.system.place import Place, until

KILLED = -int(signal.SIGKILL)
RESTART_S = 0.2


class Premises:
    """A house without its supervisor: who has died stays dead until the test starts it again."""

    def __init__(self, data: Path, redis_url: str, database_url: str = "") -> None:
        data.mkdir(parents=True, exist_ok=True)
        (data / "house.key").write_text(secrets.token_urlsafe())
        house = House(Settings(data=data, redis_url=redis_url, database_url=database_url), free_ports=True)
        self.place = Place(data, house.urls, redis_url, database_url)
        self._environment = {
            **os.environ,
            "MAISON_DATA": str(data),
            "MAISON_REDIS_URL": redis_url,
            "MAISON_DATABASE_URL": database_url,
            **{f"MAISON_{name.upper()}_PORT": str(port) for name, port in house.ports.items()},
        }
        self._nursery = Nursery()
        self._pids: dict[str, int] = {}

    def start(self, service: str, crash_at: str = "") -> None:
        """Start a service; `crash_at` = "name:hit" has it killed there."""
        assert service not in self._pids or self.status(service) is not None
        self._pids[service] = self._nursery.fork(service, {**self._environment, VARIABLE: crash_at})

    def status(self, service: str) -> int | None:
        """How the process ended: -9 when it was killed; None while it runs."""
        return self._nursery.poll(self._pids[service])

    async def death(self, service: str, cause: str) -> int:
        """Wait until a service has died; its status."""

        async def died() -> bool:
            return self.status(service) is not None

        await until(died, f"{service} dies: {cause}")
        status = self.status(service)
        assert status is not None
        return status

    async def kill(self, service: str) -> None:
        """Kill a service at once, and wait until it is gone."""
        os.kill(self._pids[service], signal.SIGKILL)
        await self.death(service, "it was killed")

    @asynccontextmanager
    async def kept_up(self) -> AsyncIterator[None]:
        """Whoever ends by itself, because it finds no store, is started again: as by a house's supervisor."""

        async def keep_up() -> None:
            while True:
                for service in SERVICES:
                    if (self.status(service) or 0) > 0:
                        self.start(service)
                await asyncio.sleep(RESTART_S)

        keeping = asyncio.create_task(keep_up())
        try:
            yield
        finally:
            await end(keeping)

    def signal(self, service: str, number: signal.Signals) -> None:
        """Send a signal to a service, if it runs."""
        if self.status(service) is None:
            os.kill(self._pids[service], number)

    def close(self) -> None:
        """End whatever runs."""
        for service, pid in self._pids.items():
            if self.status(service) is None:
                os.kill(pid, signal.SIGKILL)
        self._nursery.close()


@contextmanager
def open_premises(data: Path, redis_url: str, database_url: str = "") -> Iterator[Premises]:
    """All three services, started; killed at the end."""
    premises = Premises(data, redis_url, database_url)
    try:
        for service in SERVICES:
            premises.start(service)
        yield premises
    finally:
        premises.close()
