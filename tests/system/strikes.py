"""What strikes the processes of a house, its servers and the lines between: each says whether it met something."""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from services import SERVICES
from shared.failpoints import FAILPOINTS
from tests.servers import Valkey
from tests.servers.server import Server
from tests.system.lines import BACK, BOTH_WAYS, THERE, Lines
from tests.system.premises import Premises

PAUSE_S_MAX = 3.0
HITS_MAX = 5
DEATH_S_MAX = 5.0
DELAY_S_MAX = 0.3
WAYS = (BOTH_WAYS, THERE, BACK)


@dataclass
class Ground:
    """A house and what it stands on. `kept` is a folder for what a server held some time ago."""

    premises: Premises
    valkey: Valkey
    lines: Lines
    kept: Path
    postgresql: Server | None = None


Strike = Callable[[Ground, Random], Awaitable[bool]]


async def kill(ground: Ground, chance: Random) -> bool:
    """SIGKILL of some services, and a new start of each."""
    for service in chance.sample(SERVICES, chance.randint(1, len(SERVICES))):
        if ground.premises.status(service) is None:
            await ground.premises.kill(service)
        ground.premises.start(service)
        await asyncio.sleep(chance.random())
    return True


async def crash(ground: Ground, chance: Random) -> bool:
    """Death at some crash point, if it is passed at all within a while."""
    service = chance.choice(SERVICES)
    if ground.premises.status(service) is None:
        await ground.premises.kill(service)
    ground.premises.start(service, f"{chance.choice(FAILPOINTS)}:{chance.randint(1, HITS_MAX)}")
    await asyncio.sleep(DEATH_S_MAX)
    has_died = ground.premises.status(service) is not None
    if not has_died:
        await ground.premises.kill(service)
    ground.premises.start(service)
    return has_died


async def freeze_a_service(ground: Ground, chance: Random) -> bool:
    """SIGSTOP of a service for a while."""
    service = chance.choice(SERVICES)
    ground.premises.signal(service, signal.SIGSTOP)
    await asyncio.sleep(chance.uniform(0.1, PAUSE_S_MAX))
    ground.premises.signal(service, signal.SIGCONT)
    return True


async def freeze_the_bus(ground: Ground, chance: Random) -> bool:
    """SIGSTOP of Valkey for a while: it takes connections and says nothing."""
    return await _freeze(ground.valkey, chance)


async def freeze_the_store(ground: Ground, chance: Random) -> bool:
    """SIGSTOP of the PostgreSQL server's first process: nobody new is let in."""
    return ground.postgresql is not None and await _freeze(ground.postgresql, chance)


async def _freeze(server: Server, chance: Random) -> bool:
    os.kill(server.pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(chance.uniform(0.5, PAUSE_S_MAX))
    finally:
        os.kill(server.pid, signal.SIGCONT)
    return True


async def kill_the_store(ground: Ground, chance: Random) -> bool:
    """PostgreSQL crashes, and comes back by its log."""
    if ground.postgresql is None:
        return False
    await asyncio.to_thread(ground.postgresql.kill)
    await asyncio.sleep(chance.uniform(0, PAUSE_S_MAX / 2))
    await asyncio.to_thread(ground.postgresql.start)
    return True


async def wipe_the_bus(ground: Ground, chance: Random) -> bool:
    """FLUSHALL, once or several times."""
    for _ in range(chance.randint(1, 3)):
        await asyncio.to_thread(ground.valkey.flush)
        await asyncio.sleep(chance.random())
    return True


async def delete_keys(ground: Ground, chance: Random) -> bool:
    """Some keys are gone."""

    def delete() -> int:
        with ground.valkey.client() as bus:
            keys = sorted(bus.keys("*"))
            return sum(bus.delete(key) for key in chance.sample(keys, min(len(keys), 3)))

    return await asyncio.to_thread(delete) > 0


async def restart_the_bus(ground: Ground, chance: Random) -> bool:
    """Valkey dies and comes back, with what it kept or as an empty one in its place."""
    await asyncio.to_thread(ground.valkey.kill)
    await asyncio.sleep(chance.uniform(0, PAUSE_S_MAX))
    await asyncio.to_thread(ground.valkey.restart, empty=chance.random() < 0.5)
    return True


async def roll_the_bus_back(ground: Ground, chance: Random) -> bool:
    """Valkey comes back with what it held some seconds ago: an older replica was promoted."""
    data = ground.valkey.folder / "data"
    await asyncio.to_thread(shutil.copytree, data, ground.kept, dirs_exist_ok=False)
    await asyncio.sleep(chance.uniform(1.0, PAUSE_S_MAX))
    await asyncio.to_thread(ground.valkey.kill)
    await asyncio.to_thread(shutil.rmtree, data)
    # What it kept may lie on another disk.
    await asyncio.to_thread(shutil.move, ground.kept, data)
    await asyncio.to_thread(ground.valkey.start)
    return True


async def fill_the_bus(ground: Ground, chance: Random) -> bool:
    """Valkey takes nothing more for a while."""

    def limit(maxmemory: str) -> None:
        with ground.valkey.client() as bus:
            bus.config_set("maxmemory", maxmemory)

    await asyncio.to_thread(limit, "1")
    await asyncio.sleep(chance.uniform(0.5, PAUSE_S_MAX))
    await asyncio.to_thread(limit, "0")
    return True


async def cut_the_lines(ground: Ground, chance: Random) -> bool:
    """Every connection is reset, several times."""
    before = ground.lines.struck
    for _ in range(chance.randint(1, 5)):
        ground.lines.cut()
        await asyncio.sleep(chance.uniform(0, 0.5))
    return ground.lines.struck > before


async def silence_the_lines(ground: Ground, chance: Random) -> bool:
    """Half-open: what is sent one way, or both ways, is lost."""
    before = ground.lines.struck
    ground.lines.go_silent(chance.choice(WAYS))
    # A reader asks once a second: shorter, and perhaps nothing was said that could be lost.
    await asyncio.sleep(chance.uniform(1.5, PAUSE_S_MAX))
    ground.lines.heal()
    return ground.lines.struck > before


async def slow_the_lines(ground: Ground, chance: Random) -> bool:
    """Every piece takes longer."""
    before = ground.lines.struck
    ground.lines.slow_down(chance.uniform(0.05, DELAY_S_MAX))
    await asyncio.sleep(chance.uniform(1.0, PAUSE_S_MAX))
    ground.lines.heal()
    return ground.lines.struck > before


ON_THE_BUS: Mapping[str, Strike] = {
    "Valkey frozen": freeze_the_bus,
    "Valkey wiped": wipe_the_bus,
    "keys deleted": delete_keys,
    "Valkey restarted or swapped": restart_the_bus,
    "Valkey rolled back": roll_the_bus_back,
    "Valkey full": fill_the_bus,
    "lines to Valkey cut": cut_the_lines,
    "lines to Valkey half-open": silence_the_lines,
    "lines to Valkey slow": slow_the_lines,
}
ON_SERVICES: Mapping[str, Strike] = {
    "services killed": kill,
    "death at a crash point": crash,
    "service frozen": freeze_a_service,
}
ON_POSTGRESQL: Mapping[str, Strike] = {
    "PostgreSQL killed": kill_the_store,
    "PostgreSQL frozen": freeze_the_store,
}
STRIKES: Mapping[str, Strike] = {**ON_SERVICES, **ON_THE_BUS, **ON_POSTGRESQL}
