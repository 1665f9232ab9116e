"""A house on servers that freeze, crash and go back in time, behind lines that fail: nothing is lost."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

import httpx
import pytest

from services import SERVICES
from tests.auditing import History
from tests.servers import Valkey, fresh_database, running_postgresql
from tests.servers.server import ServerUnavailable
from tests.system.desks import Desks
from tests.system.finding_out import audited
from tests.system.lines import lines_to
from tests.system.partners import at_work
from tests.system.place import until
from tests.system.premises import Premises, open_premises
from tests.system.strikes import ON_POSTGRESQL, ON_THE_BUS, Ground, Strike

pytestmark = pytest.mark.timeout(300)

VISITS = 6
DESKS = 2
SMALL_DISK = "24m"
HOUR_S = 3_600
JUMPS_H = (48, -48, 1, -1)
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


@asynccontextmanager
async def ground_on(valkey: Valkey, folder: Path, database_url: str = "") -> AsyncIterator[Ground]:
    """A house that reaches its Valkey by lines that can be struck."""
    async with lines_to(valkey.url.removeprefix("unix://")) as lines:
        with open_premises(folder / "house", f"redis://127.0.0.1:{lines.port}", database_url) as premises:
            yield Ground(premises, valkey, lines, folder / "kept")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is soon full."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no small disk: mounting a tmpfs is not allowed here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def set_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings_from_outside: Mapping[str, str]
) -> Callable[[float], None]:
    """Sets the wall clock of whatever is started from here on, so many seconds ahead; it may be set again."""
    named = settings_from_outside.get("MAISON_TEST_FAKETIME", "")
    found = [named] if named else [str(path) for path in Path("/").glob(FAKETIME.lstrip("/"))]
    if not found:
        pytest.skip("no clock to set: libfaketime is not installed")
    ahead = tmp_path / "ahead"

    def jump(seconds: float) -> None:
        whole = tmp_path / "ahead.new"
        whole.write_text(f"{seconds:+.0f}")
        whole.rename(ahead)

    jump(0)
    monkeypatch.setenv("LD_PRELOAD", found[0])
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(ahead))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return jump


async def test_a_house_outlives_whatever_its_bus_and_its_lines_do(valkey: Valkey, tmp_path: Path) -> None:
    async with ground_on(valkey, tmp_path) as ground:
        await _survives_each(ground, ON_THE_BUS, tmp_path)


async def test_a_house_outlives_the_crash_of_its_postgresql(valkey: Valkey, tmp_path: Path) -> None:
    try:
        running = running_postgresql()
        server = running.__enter__()
    except ServerUnavailable as reason:
        pytest.skip(str(reason))
    try:
        with fresh_database(server.url) as url:
            async with ground_on(valkey, tmp_path, url) as ground:
                ground.postgresql = server
                await _survives_each(ground, ON_POSTGRESQL, tmp_path)
    finally:
        running.__exit__(None, None, None)


async def test_a_full_disk_costs_no_visit_and_no_restart(valkey: Valkey, small_disk: Path, tmp_path: Path) -> None:
    with open_premises(small_disk / "house", valkey.url) as premises:
        history = History()
        desks = Desks(premises.place.urls["intake"], history)
        await _ready(premises)
        ballast = small_disk / "ballast"

        async def is_refused() -> bool:
            return any(line.type == "info" and line.value == 507 for line in history.lines)

        async with at_work(premises.place, history), desks.open(DESKS):
            await desks.some_more(VISITS)
            _fill(ballast)
            await until(is_refused, "a desk is told that the disk is full")
            ballast.unlink()
            await desks.some_more(VISITS)
        await _nothing_lost(premises, history, "disk full", tmp_path)


async def test_a_clock_that_jumps_two_days_loses_and_doubles_nothing(
    valkey: Valkey, tmp_path: Path, set_clock: Callable[[float], None]
) -> None:
    with open_premises(tmp_path / "house", valkey.url) as premises:
        history = History()
        desks = Desks(premises.place.urls["intake"], history)
        await _ready(premises)
        async with at_work(premises.place, history), desks.open(DESKS):
            for hours in JUMPS_H:
                await desks.some_more(VISITS)
                set_clock(hours * HOUR_S)
            await desks.some_more(VISITS)
        await _nothing_lost(premises, history, "the clock", tmp_path)


async def _survives_each(ground: Ground, strikes: Mapping[str, Strike], folder: Path) -> None:
    history = History()
    desks = Desks(ground.premises.place.urls["intake"], history)
    chance = Random(1)
    await _ready(ground.premises)
    async with at_work(ground.premises.place, history), desks.open(DESKS):
        for name, strike in strikes.items():
            await desks.some_more(VISITS)
            # For a moment there may be nothing to meet: no key yet, nobody connected.
            await until(partial(strike, ground, chance), f"{name} meets something")
        await desks.some_more(VISITS)
    await _nothing_lost(ground.premises, history, ", ".join(strikes), folder)


async def _ready(premises: Premises) -> None:
    async with httpx.AsyncClient() as client:
        await premises.place.ready(client)


async def _nothing_lost(premises: Premises, history: History, name: str, folder: Path) -> None:
    findings = await audited(premises.place, history, kept_as=folder / "history.jsonl")
    assert not findings, (name, findings[:10])
    assert all(premises.status(service) is None for service in SERVICES), f"a service died of: {name}"


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue
