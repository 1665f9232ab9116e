"""One command keeps a house alive: what dies is started again, a second house is refused, the end is clean."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from services import SERVICES
from services.house import House, HouseOccupied, read_card
from shared.settings import Settings
from tests.auditing import History
from tests.system.desks import Desks
from tests.system.finding_out import audited
from tests.system.open_house import open_house
from tests.system.place import Place, until

ROOT = Path(__file__).parents[2]


async def test_a_second_house_on_the_same_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async with open_house(tmp_path / "house") as house:
        before = house.pids
        with pytest.raises(HouseOccupied, match="a house runs in"):
            await House(Settings(data=tmp_path / "house"), free_ports=True).start()
        refused = _command(tmp_path / "house", house.house.ports)
        assert refused.wait(timeout=60) == 2
        async with httpx.AsyncClient() as client:
            await house.place.ready(client)
        assert house.pids == before


async def test_data_survive_the_restart_of_the_whole_house(tmp_path: Path) -> None:
    history = History()
    for _ in range(2):
        async with open_house(tmp_path / "house") as house:
            desks = Desks(house.place.urls["intake"], history, seed=len(history.lines))
            await desks.record_some(20)
            assert await audited(house.place, history) == []
        assert read_card(tmp_path / "house") is None


async def test_sigterm_ends_every_process_and_leaves_none_behind(tmp_path: Path) -> None:
    with _running(tmp_path / "house") as (command, place):
        pids = await _open(place)
        command.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(command.wait, 60) == 0
        assert [pid for pid in pids if _exists(pid)] == []
        assert read_card(place.data) is None


async def test_a_house_that_is_killed_takes_its_services_along_and_opens_again(tmp_path: Path) -> None:
    history = History()
    with _running(tmp_path / "house") as (command, place):
        pids = await _open(place)
        desks = Desks(place.urls["intake"], history)
        await desks.record_some(20)
        command.kill()
        await asyncio.to_thread(command.wait, 60)
    async with open_house(tmp_path / "house") as house:
        # Two writers on one file are one too many.
        await until(lambda: _all_gone(pids), "the processes of the killed house are gone")
        desks = Desks(house.place.urls["intake"], history, seed=2)
        await desks.record_some(20)
        assert await audited(house.place, history) == []


@contextmanager
def _running(data: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Place]]:
    """`python -m services run`, as somebody at a terminal would."""
    ports = House(Settings(data=data), free_ports=True).ports
    command = _command(data, ports)
    try:
        yield command, Place(data, {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}, "")
    finally:
        command.kill()
        command.wait()


def _command(data: Path, ports: dict[str, int]) -> "subprocess.Popen[bytes]":
    settings = {"MAISON_DATA": str(data), **{f"MAISON_{name.upper()}_PORT": str(port) for name, port in ports.items()}}
    return subprocess.Popen(
        [sys.executable, "-m", "services", "run"],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def _open(place: Place) -> list[int]:
    """Wait until the house is open; the processes that it consists of."""
    async with httpx.AsyncClient() as client:
        await place.ready(client)
    card = read_card(place.data)
    assert card is not None
    pids = [card["services"][name]["pid"] for name in SERVICES]
    return [*pids, card["bus"]["pid"]]


async def _all_gone(pids: list[int]) -> bool:
    return not any(_exists(pid) for pid in pids)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return _runs(pid)


def _runs(pid: int) -> bool:
    # A dead child of a dead parent waits for the system to clear it away; it runs no more.
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return not shown.stdout.strip().startswith(("Z", "X")) and bool(shown.stdout.strip())
