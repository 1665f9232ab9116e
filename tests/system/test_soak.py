"""Hours under fire, by chance: `make soak`. MAISON_SOAK_SEED repeats a run, MAISON_SOAK_MINUTES says how long.

Each round strikes the services, and perhaps a server or the lines to it at the same time. A run that fails names its
seed and its round. What was tried goes as JSON into the folder MAISON_SOAK_COUNTS, if it is named.
"""

import asyncio
import json
import logging
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.auditing import History
from tests.servers import Postgresql, ServerUnavailable, Valkey, fresh_database
from tests.system.desks import Desks
from tests.system.finding_out import audited
from tests.system.lines import lines_to
from tests.system.partners import at_work
from tests.system.premises import open_premises
from tests.system.strikes import ON_POSTGRESQL, ON_SERVICES, ON_THE_BUS, Ground, Strike

MINUTES = 30.0

_log = logging.getLogger(__name__)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[tuple[str, Postgresql | None]]:
    """(URL, server) of a store that may be killed; no URL for SQLite."""
    if request.param == "sqlite":
        yield "", None
        return
    try:
        server = Postgresql()
    except ServerUnavailable as reason:
        pytest.skip(str(reason))
    try:
        server.start()
        with fresh_database(server.url) as url:
            yield url, server
    finally:
        server.close()


@pytest.mark.soak
@pytest.mark.timeout(24 * 3600)
async def test_a_house_under_fire_for_hours_loses_nothing(
    store: tuple[str, Postgresql | None],
    valkey: Valkey,
    tmp_path: Path,
    settings_from_outside: Mapping[str, str],
) -> None:
    database_url, server = store
    seed = settings_from_outside.get("MAISON_SOAK_SEED") or str(random.SystemRandom().getrandbits(32))
    chance = random.Random(seed)
    tried, survived = Counter[str](), Counter[str]()
    at_random = {**ON_THE_BUS, **(ON_POSTGRESQL if server else {})}
    name = "PostgreSQL" if server else "SQLite"
    async with lines_to(valkey.url.removeprefix("unix://")) as lines:
        with open_premises(tmp_path / "house", f"redis://127.0.0.1:{lines.port}", database_url) as premises:
            ground = Ground(premises, valkey, lines, tmp_path / "kept", server)
            async with httpx.AsyncClient() as client:
                await premises.place.ready(client)
            history = History()
            desks = Desks(premises.place.urls["intake"], history, seed=chance.getrandbits(32))
            give_up = time.monotonic() + 60 * float(settings_from_outside.get("MAISON_SOAK_MINUTES", MINUTES))
            number = 0
            async with premises.kept_up():
                while time.monotonic() < give_up:
                    chosen = _chosen(chance, at_random)
                    _log.warning("seed %s, round %d on %s: %s", seed, number, name, list(chosen))
                    async with at_work(premises.place, history), desks.open():
                        met = await asyncio.gather(*(strike(ground, chance) for strike in chosen.values()))
                    struck = [strike for strike, has_met in zip(chosen, met, strict=True) if has_met]
                    tried.update(struck)
                    _tell(settings_from_outside.get("MAISON_SOAK_COUNTS"), name, desks.acknowledged, tried, survived)
                    findings = await audited(premises.place, history, kept_as=tmp_path / "history.jsonl")
                    assert not findings, (seed, number, list(chosen), findings[:10])
                    survived.update(struck)
                    _tell(settings_from_outside.get("MAISON_SOAK_COUNTS"), name, desks.acknowledged, tried, survived)
                    number += 1


def _chosen(chance: random.Random, others: Mapping[str, Strike]) -> dict[str, Strike]:
    """One thing that befalls the services, and up to one that befalls what they stand on."""
    names = [chance.choice(sorted(ON_SERVICES)), *chance.sample(sorted(others), chance.randint(0, 1))]
    return {name: {**ON_SERVICES, **others}[name] for name in names}


def _tell(folder: str | None, store: str, visits: int, tried: Counter[str], survived: Counter[str]) -> None:
    if folder:
        told = {"runs": 1, "visits": visits, "struck": tried, "survived": survived}
        (Path(folder) / f"{store}.json").write_text(json.dumps(told))
