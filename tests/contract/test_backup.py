"""A house put aside and brought back on either store: what comes back, who does not, and what is refused."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.__main__ import app
from services.backup import Refused, back_up, postgresql, restore, sqlite
from services.backup.manifest import Taken
from services.backup.schemas import PARTS, versions
from services.house import House, HouseFailed
from services.intake.vault import Access, Erased
from services.intake.vault.master import make_master_key
from services.locking import RESTORING, take_lock
from shared.envelope import decode
from shared.events.intake import PersonErased
from shared.migrations import migrate
from shared.settings import Settings
from tests.logs import founded
from tests.servers import fresh_database
from tests.vaults import NOW, ZOE, files_holding, opened_desk, settings_of

READING = Access("read", "tester", "nobody", NOW)


def of_today(settings: Settings) -> Settings:
    """The same settings, once their five databases are there."""
    for part in PARTS:
        founded(settings.database(part), part)
    return settings


def of_long_ago(settings: Settings) -> Settings:
    """The same, as they first were."""
    for part in PARTS:
        first = min(path.name for path in versions(part).glob("0*.py")).partition("_")[0]
        migrate(settings.database(part), part, versions(part), first)
    return settings


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Settings:
    """An empty house at rest."""
    return of_today(settings_of(database_url, tmp_path / "house"))


@pytest.fixture
def elsewhere(house: Settings, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """An empty place on the same kind of store; on PostgreSQL with its tables, as `maison migrate` leaves it."""
    if not house.database_url:
        yield Settings(data=tmp_path / "elsewhere")
        return
    with fresh_database(*map(request.getfixturevalue, ("postgresql", "founded_database"))) as url:
        yield Settings(data=tmp_path / "elsewhere", database_url=url)


async def test_a_person_comes_back_with_the_keys(house: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    async with opened_desk(house) as desk:
        zoe = await desk.attach()
    made = back_up(house, tmp_path / "backup")
    assert sum(made.barrier["intake"].values()) == 3
    restore(elsewhere, tmp_path / "backup")
    async with opened_desk(elsewhere) as desk:
        assert (await desk.vault.identity(zoe, READING))["given_name"] == ZOE.given_name
        assert len(await desk.people.cases_of(zoe)) == 1


async def test_a_master_key_that_is_turned_while_a_backup_is_made_opens_it_all_the_same(
    house: Settings, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened_desk(house) as desk:
        zoe = await desk.attach()
    store = postgresql if house.database_url else sqlite
    take = store.take

    def turned_behind(*asked: Any) -> Taken:
        taken: Taken = take(*asked)
        (house.data / "vault.key").write_text(make_master_key() + "\n")
        return taken

    monkeypatch.setattr(store, "take", turned_behind)
    back_up(house, tmp_path / "backup")
    restore(elsewhere, tmp_path / "backup")
    async with opened_desk(elsewhere) as desk:
        assert await desk.vault.identity(zoe, READING)


async def test_without_its_keys_a_backup_says_nothing_of_anybody(
    house: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    async with opened_desk(house) as desk:
        zoe = await desk.attach()
    back_up(house, tmp_path / "backup", tmp_path / "safe")
    assert not (tmp_path / "backup/keys").exists()
    assert not files_holding(tmp_path / "backup", b"data_keys (")
    with pytest.raises(Refused, match="say where with --keys"):
        restore(elsewhere, tmp_path / "backup")
    restore(elsewhere, tmp_path / "backup", without_keys=True)
    async with opened_desk(elsewhere) as desk:
        assert await desk.vault.holds(zoe)
        assert not await desk.vault.keys.open([zoe])


@pytest.mark.parametrize("known", ["not known", "a later backup", "the lost keys"])
async def test_who_was_forgotten_after_the_backup_stays_so_if_a_later_list_is_known(
    known: str, house: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    async with opened_desk(house) as desk:
        zoe, other = await desk.attach(), await desk.attach()
    back_up(house, tmp_path / "backup")
    async with opened_desk(house) as desk:
        await desk.people.erase(zoe, "decision", desk.access("erasure"))
    back_up(house, tmp_path / "later", without_keys=True)
    # On PostgreSQL the keys are no file.
    lost = tmp_path / "later/forgotten.json" if house.database_url else house.data
    lists: dict[str, list[Path]] = {"a later backup": [tmp_path / "later"], "the lost keys": [lost]}
    restore(elsewhere, tmp_path / "backup", forgotten=lists.get(known, []))
    async with opened_desk(elsewhere) as desk:
        await desk.people.start()
        await desk.people.stop()
        if known == "not known":
            assert await desk.vault.identity(zoe, READING)
            return
        with pytest.raises(Erased):
            await desk.vault.identity(zoe, READING)
        assert not await desk.vault.holds(zoe)
        assert await desk.vault.identity(other, READING)
        said = [decode(entry.body).event for entry in await desk.log.read_tagged("erased-people")]
        assert said == [PersonErased(zoe, "decision")]


async def test_who_was_forgotten_before_the_backup_never_comes_back(
    house: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    async with opened_desk(house) as desk:
        zoe = await desk.attach()
        await desk.people.erase(zoe, "decision", desk.access("erasure"))
    back_up(house, tmp_path / "backup")
    restore(elsewhere, tmp_path / "backup")
    async with opened_desk(elsewhere) as desk:
        with pytest.raises(Erased):
            await desk.vault.identity(zoe, READING)


@pytest.mark.parametrize("damage", ["changed", "cut", "missing", "unfinished"])
def test_a_backup_that_is_not_as_it_was_made_is_refused(
    damage: str, house: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    made = back_up(house, tmp_path / "backup")
    hurt = tmp_path / "backup" / max(made.files, key=lambda name: made.files[name].bytes)
    match damage:
        case "changed":
            body = bytearray(hurt.read_bytes())
            body[-1] ^= 1
            hurt.write_bytes(body)
        case "cut":
            hurt.write_bytes(hurt.read_bytes()[:-1])
        case "missing":
            hurt.unlink()
        case _:
            (tmp_path / "backup/manifest.json").unlink()
    with pytest.raises(Refused):
        restore(elsewhere, tmp_path / "backup")
    assert not list(elsewhere.data.glob("*.sqlite3"))


def test_a_backup_of_a_newer_release_is_refused(house: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    back_up(house, tmp_path / "backup")
    manifest = tmp_path / "backup/manifest.json"
    told = manifest.read_text()
    manifest.write_text(told.replace('"intake": "0', '"intake": "9'))
    with pytest.raises(Refused, match="install a newer one"):
        restore(elsewhere, tmp_path / "backup")
    manifest.write_text(told.replace('"format": 1', '"format": 2'))
    with pytest.raises(Refused, match="made by a newer release"):
        restore(elsewhere, tmp_path / "backup")


async def test_a_backup_of_an_older_release_is_brought_to_todays_tables_by_the_first_start(
    empty_database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    old = of_long_ago(settings_of(empty_database_url, tmp_path / "old"))
    made = back_up(old, tmp_path / "backup")
    new = Settings(data=tmp_path / "new")
    with ExitStack() as stack:
        if old.database_url:
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgresql")))
            new = Settings(data=tmp_path / "new", database_url=url)
        restore(new, tmp_path / "backup")
        async with opened_desk(of_today(new)) as desk:
            await desk.attach()
        assert back_up(new, tmp_path / "today").schemas["intake"] > made.schemas["intake"]


async def test_a_place_that_holds_a_house_is_refused(house: Settings, tmp_path: Path) -> None:
    async with opened_desk(house) as desk:
        await desk.open_case()
    back_up(house, tmp_path / "backup")
    with pytest.raises(Refused, match="not empty"):
        restore(house, tmp_path / "backup")


def test_a_place_where_a_house_runs_is_refused(house: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    back_up(house, tmp_path / "backup")
    elsewhere.data.mkdir()
    lock = take_lock(elsewhere.data)
    assert lock
    with lock, pytest.raises(Refused, match="a house runs in"):
        restore(elsewhere, tmp_path / "backup")


def test_a_backup_is_not_written_over_another_but_over_one_that_was_killed(house: Settings, tmp_path: Path) -> None:
    (tmp_path / ".backup.part/keys").mkdir(parents=True)
    (tmp_path / ".backup.part/intake.sqlite3").write_bytes(b"half")
    back_up(house, tmp_path / "backup")
    assert [path.name for path in tmp_path.glob(".backup*")] == []
    with pytest.raises(Refused, match="is there already"):
        back_up(house, tmp_path / "backup")


async def test_a_restore_that_was_killed_lets_no_house_start_and_is_done_again(tmp_path: Path) -> None:
    house, elsewhere = of_today(Settings(data=tmp_path / "house")), Settings(data=tmp_path / "elsewhere")
    back_up(house, tmp_path / "backup")
    (elsewhere.data / RESTORING).mkdir(parents=True)
    (elsewhere.data / "stats.sqlite3").write_bytes(b"half")
    with pytest.raises(HouseFailed, match="broken off"):
        await House(elsewhere, free_ports=True).start()
    restore(elsewhere, tmp_path / "backup")
    assert not (elsewhere.data / RESTORING).exists()
    assert (elsewhere.data / "stats.sqlite3").stat().st_mode & 0o777 == 0o600


async def test_a_restore_that_fails_leaves_the_place_as_empty_as_before(
    house: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    async with opened_desk(house) as desk:
        await desk.open_case()
    back_up(house, tmp_path / "backup")
    manifest = tmp_path / "backup/manifest.json"
    told = manifest.read_text()
    # The one partition that the case went to holds two events.
    manifest.write_text(re.sub(r'("\d+"): 2\b', r"\1: 3", told))
    with pytest.raises(Refused, match="do not end where"):
        restore(elsewhere, tmp_path / "backup")
    manifest.write_text(told)
    restore(elsewhere, tmp_path / "backup")


async def test_the_commands_say_what_they_did_and_where_it_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = of_today(Settings(data=tmp_path / "house"))
    async with opened_desk(house) as desk:
        await desk.open_case()

    def maison(data: str, *words: str) -> Result:
        return CliRunner().invoke(app, words, env={"MAISON_DATA": str(tmp_path / data)})

    monkeypatch.chdir(tmp_path)
    done = maison("house", "backup", "aside")
    assert (done.exit_code, done.stdout) == (0, "aside: intake 2 events, referral 0 events\n")
    assert "aside/keys opens it" in done.stderr
    again = maison("house", "backup", "aside")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "is there already" in again.stderr
    assert maison("nowhere", "backup", "nothing").exit_code == 2
    back = maison("elsewhere", "restore", "aside", "--forgotten", "aside")
    assert (back.exit_code, back.stderr) == (0, "")
    assert "`maison verify`" in back.stdout
