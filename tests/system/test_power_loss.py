"""The power is cut while visits are recorded: what was acknowledged is on the disk, whatever else is not."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from sqlalchemy import create_engine

import shared.database
from shared.database import Database, StoreUnavailable
from shared.log import Log
from tests.logs import migrated, to_append

if TYPE_CHECKING:
    from tests.system.power import Disk, Image

AT_ONCE = 6
KEPT_SHARE = 0.3
"""Of the moments just before a write or a sync, how many are looked at."""
VISITS_A_DISK = 4
STEPS_MAX = 200
IMAGES = 200
IMAGES_OF_CONTROL = 20


class Moment(NamedTuple):
    """When the power went: what the disk held, and the last position that somebody had been told of."""

    image: "Image"
    acknowledged: int


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator["Disk"]:
    """The house's databases lie on this disk for as long as the test runs."""
    power = pytest.importorskip("tests.system.power", reason="no power to cut: apsw is not installed")
    forgetful: Disk = power.Disk()
    monkeypatch.setattr(shared.database, "create_engine", partial(create_engine, module=power.driver()))
    yield forgetful
    forgetful.close()


@pytest.mark.timeout(1200)
async def test_no_acknowledged_visit_is_lost_with_the_power(
    disk: "Disk", tmp_path: Path, settings_from_outside: Mapping[str, str]
) -> None:
    houses = int(settings_from_outside.get("MAISON_POWER_CUTS", IMAGES)) // IMAGES
    for house in range(houses):
        folder, chance = tmp_path / f"house-{house}", Random(f"power {house}")
        folder.mkdir()
        moments = await _recorded(disk, folder, IMAGES, chance)
        torn = sum(any(unsynced for _, unsynced in moment.image.files.values()) for moment in moments)
        assert torn > len(moments) / 4, "hardly ever was anything there to forget"
        for number, moment in enumerate(moments):
            left = _left_behind(moment.image, folder / f"image-{number}", chance)
            assert len(left) >= moment.acknowledged, f"{house}, {number}: {len(left)} left of {moment.acknowledged}"
            assert left == list(range(1, len(left) + 1)), f"{house}, {number}: {left}"
        shutil.rmtree(folder)


async def test_a_house_that_does_not_sync_each_commit_is_seen_to_lose(
    disk: "Disk", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: planted, `synchronous=NORMAL` must be found out, or the test above says nothing."""

    def prepare(raw: sqlite3.Connection, _writes: bool) -> None:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=NORMAL")

    monkeypatch.setattr(shared.database, "_prepare_sqlite", prepare)
    chance = Random(5)
    moments = await _recorded(disk, tmp_path, IMAGES_OF_CONTROL, chance)
    lost = [
        moment
        for number, moment in enumerate(moments)
        if len(_left_behind(moment.image, tmp_path / f"image-{number}", chance)) < moment.acknowledged
    ]
    assert lost


async def test_an_error_of_the_disk_at_any_write_or_sync_costs_nothing_that_was_acknowledged(
    disk: "Disk", tmp_path: Path
) -> None:
    """The first write or sync fails, then the second, and so on, until all went well without one."""
    struck = 0
    for number in range(1, STEPS_MAX):
        folder = tmp_path / f"error-{number}"
        folder.mkdir()
        url = migrated(f"sqlite:///{folder / 'house.sqlite3'}")
        database = Database(url, "intake")
        await database.start()
        log = Log(database, "intake")
        await log.start()
        disk.fail_at(number)
        refused, told = 0, []
        for visit in range(VISITS_A_DISK):
            try:
                told.append((await log.append(to_append(f"{visit}"))).position)
            except StoreUnavailable:
                refused += 1
        steps, disk.on_step = disk.steps, lambda: None
        # Whoever was refused tries again, and is taken.
        told.append((await log.append(to_append("again"))).position)
        await database.stop()
        found = _positions(folder / "house.sqlite3")
        assert set(told) <= set(found), (number, told, found)
        assert found == list(range(1, len(found) + 1)), (number, found)
        struck += refused
        if steps < number:
            assert struck > VISITS_A_DISK
            return
    raise AssertionError("there was always one more write to fail")


async def _recorded(disk: "Disk", folder: Path, images: int, chance: Random) -> list[Moment]:
    """Record visits, and keep what the disk would hold if the power went now, at so many moments."""
    url = migrated(f"sqlite:///{folder / 'house.sqlite3'}")
    database = Database(url, "intake")
    await database.start()
    log = Log(database, "intake")
    await log.start()
    acknowledged, moments = [0], list[Moment]()

    def now_and_then() -> None:
        if len(moments) < images and chance.random() < KEPT_SHARE:
            # What was acknowledged first: who is told meanwhile was promised nothing by this image.
            told = acknowledged[0]
            moments.append(Moment(disk.image(), told))

    async def desk(number: int) -> None:
        visits = 0
        while len(moments) < images:
            visits += 1
            appended = await log.append(to_append(f"{number}-{visits}"))
            acknowledged[0] = max(acknowledged[0], appended.position)

    disk.on_step = now_and_then
    await asyncio.gather(*(desk(number) for number in range(AT_ONCE)))
    disk.on_step = lambda: None
    await database.stop()
    disk.unsynced.clear()
    return moments


def _left_behind(image: "Image", folder: Path, chance: Random) -> list[int]:
    """The positions that a house finds which is started again, on a file that is whole."""
    folder.mkdir()
    image.write(folder, chance)
    return _positions(folder / "house.sqlite3")


def _positions(file: Path) -> list[int]:
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [position for (position,) in connection.execute("SELECT position FROM events ORDER BY position")]
    finally:
        connection.close()
