"""Hours under fire, by chance: `pytest -m soak`. MAISON_SOAK_SEED repeats a run, MAISON_SOAK_ROUNDS says how long.

Each round strikes a service, and perhaps the bus at the same time. A run that fails names its seed and its round.
"""

import asyncio
import logging
import random
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from services import SERVICES
from shared.failpoints import FAILPOINTS
from tests.auditing import History
from tests.servers import Valkey
from tests.system.desks import Desks
from tests.system.finding_out import audited
from tests.system.partners import at_work
from tests.system.premises import Premises, open_premises

ROUNDS = 100
PAUSE_S_MAX = 3.0
HITS_MAX = 5
DEATH_S_MAX = 5.0

_log = logging.getLogger(__name__)


@pytest.mark.soak
@pytest.mark.timeout(6 * 3600)
async def test_a_house_under_fire_for_hours_loses_nothing(
    database_url: str, valkey: Valkey, tmp_path: Path, settings_from_outside: Mapping[str, str]
) -> None:
    seed = settings_from_outside.get("MAISON_SOAK_SEED") or str(random.SystemRandom().getrandbits(32))
    chance = random.Random(seed)
    to_services, to_bus = [_kill, _crash, _pause], [_flush, _delete, _swap]
    on_postgresql = database_url if database_url.startswith("postgresql") else ""
    with open_premises(tmp_path / "house", valkey.url, on_postgresql) as premises:
        history = History()
        desks = Desks(premises.place.urls["intake"], history, seed=chance.getrandbits(32))
        for number in range(int(settings_from_outside.get("MAISON_SOAK_ROUNDS", ROUNDS))):
            chosen = [chance.choice(to_services), *chance.sample(to_bus, chance.randint(0, 1))]
            _log.warning("seed %s, round %d: %s", seed, number, [fault.__name__ for fault in chosen])
            async with at_work(premises.place, history), desks.open():
                await asyncio.gather(*(fault(premises, valkey, chance) for fault in chosen))
            findings = await audited(premises.place, history, kept_as=tmp_path / "history.jsonl")
            assert not findings, (seed, number, findings[:10])


async def _kill(premises: Premises, _valkey: Valkey, chance: random.Random) -> None:
    for service in chance.sample(SERVICES, chance.randint(1, len(SERVICES))):
        if premises.status(service) is None:
            await premises.kill(service)
        premises.start(service)
        await asyncio.sleep(chance.random())


async def _crash(premises: Premises, _valkey: Valkey, chance: random.Random) -> None:
    """Die at some point, if it is passed at all within a while."""
    service = chance.choice(SERVICES)
    await premises.kill(service)
    premises.start(service, f"{chance.choice(FAILPOINTS)}:{chance.randint(1, HITS_MAX)}")
    await asyncio.sleep(DEATH_S_MAX)
    if premises.status(service) is None:
        await premises.kill(service)
    premises.start(service)


async def _pause(premises: Premises, _valkey: Valkey, chance: random.Random) -> None:
    service = chance.choice(SERVICES)
    premises.signal(service, signal.SIGSTOP)
    await asyncio.sleep(chance.uniform(0.1, PAUSE_S_MAX))
    premises.signal(service, signal.SIGCONT)


async def _flush(_premises: Premises, valkey: Valkey, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 3)):
        await asyncio.to_thread(valkey.flush)
        await asyncio.sleep(chance.random())


async def _delete(_premises: Premises, valkey: Valkey, chance: random.Random) -> None:
    def delete() -> None:
        with valkey.client() as bus:
            keys = sorted(bus.keys("*"))
            for key in chance.sample(keys, min(len(keys), 3)):
                bus.delete(key)

    await asyncio.to_thread(delete)


async def _swap(_premises: Premises, valkey: Valkey, chance: random.Random) -> None:
    await asyncio.to_thread(valkey.kill)
    await asyncio.sleep(chance.uniform(0, PAUSE_S_MAX))
    await asyncio.to_thread(valkey.restart, empty=chance.random() < 0.5)
