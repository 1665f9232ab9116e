"""The vault on each store: what is held, who may see it, what is left when somebody is forgotten."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel

from services.intake.eliminations import Eliminations, VisaMissing
from services.intake.searching import search
from services.intake.vault import Erased, NoMasterKey, PersonUnknown, RotationRefused, audit
from services.intake.vault.master import make_master_key
from services.intake.vault.openings import note_seen
from services.intake.vault.tables import DATA_KEYS, DATA_TABLES, KEY_TABLES, SHREDDED
from services.intake.vault.vault import NEWEST, VERSIONS
from shared.events.intake import PersonAttached, PersonErased
from shared.ids import new_id
from shared.log import KeyReused
from shared.settings import Settings
from tests.logs import by_hand, envelopes
from tests.vaults import ZOE, Clock, Desk, files_holding, opened_desk, opened_vault, settings_of

ROOT = Path(__file__).parents[2]
SECRETS = ("Canari", "canari", "74 31", "Inventée")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return settings_of(database_url, tmp_path / "data")


def by_copy(source: Path, target: Path) -> None:
    """A consistent copy of a database that is in use."""
    with closing(sqlite3.connect(source)) as used, closing(sqlite3.connect(target)) as copy:
        used.backup(copy)


async def wrapped_keys(desk: Desk) -> dict[str, bytes]:
    rows = await desk.vault._keys_database.read(lambda connection: connection.execute(select(DATA_KEYS)).all())
    return {owner: bytes(wrapped) for owner, _master, wrapped in rows}


@pytest.mark.parametrize("name", ["vault", "keys"])
async def test_the_migrations_make_the_tables_that_the_code_reads(settings: Settings, name: str) -> None:
    async with opened_vault(settings):
        pass
    names = {str(model.__tablename__) for model in (DATA_TABLES if name == "vault" else KEY_TABLES)}
    with by_hand(settings.database(name), name).connect() as connection:
        if connection.dialect.name != "sqlite":
            connection.dialect.default_schema_name = name
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda _o, table, kind, *_: kind != "table" or table in names,
            },
        )
        assert compare_metadata(context, SQLModel.metadata) == []
    assert NEWEST[name] == max(path.name for path in VERSIONS[name].glob("0*.py")).partition("_")[0]


async def test_an_opening_holds_for_one_account_and_a_while_and_its_reason_goes_with_the_key(
    settings: Settings,
) -> None:
    clock = Clock()
    async with opened_desk(settings, clock) as desk:
        case_id, why = await desk.open_case(), "Canari est au guichet."
        mine, other = (replace(desk.access("open-sealed"), name=name) for name in ("mine", "other"))
        opening_id = await desk.vault.open_case(case_id, why, mine, clock() + timedelta(minutes=30))
        assert await desk.vault.use_opening([case_id], mine)
        assert not await desk.vault.use_opening([case_id], other)
        assert not await desk.vault.use_opening(["another case"], mine)
        (told,) = await desk.vault.openings(desk.access())
        assert (told.opening_id, told.reason, told.seen_by) == (opening_id, why, None)
        for is_first in (True, False):
            seen = await desk.vault.database.write(lambda connection: note_seen(connection, opening_id, other))
            assert seen is is_first
        await desk.vault.open_case(case_id, why, other, clock())
        # What nobody has seen comes first.
        assert [one.seen_by for one in await desk.vault.openings(desk.access())] == [None, "other"]
        clock.now += timedelta(minutes=31)
        assert not await desk.vault.use_opening([case_id], replace(mine, at=clock()))
        records = await desk.vault.database.read(lambda connection: audit.records(connection, case_id))
        assert [record["what"] for record in records] == ["open-sealed"] * 3
        await desk.vault.shred([case_id], clock())
        assert {one.reason for one in await desk.vault.openings(desk.access())} == {None}
        clock.now += timedelta(days=366)
        while await desk.vault.purge_records(clock()):
            pass
        assert await desk.vault.openings(desk.access()) == []


async def test_who_was_attached_is_known_by_the_vault_and_not_by_the_log(settings: Settings) -> None:
    async with opened_desk(settings) as desk:
        case_id = await desk.open_case()
        person_id = await desk.attach(case_id=case_id)
        assert await desk.vault.identity(person_id, desk.access()) == ZOE.known()
        assert await desk.people.person_of(case_id) == person_id
        told = [
            envelope for partition in range(desk.log.partitions) for envelope in await envelopes(desk.log, partition)
        ]
        assert PersonAttached(case_id, person_id) in [envelope.event for envelope in told]
        assert not [word for word in SECRETS if word in repr(told)]
    assert not [file for word in SECRETS for file in files_holding(settings.data, word.encode())]


async def test_nothing_is_read_that_is_not_on_record(settings: Settings) -> None:
    async with opened_desk(settings) as desk:
        person_id = await desk.attach()
        before = await desk.vault.database.read(audit.check)
        await desk.vault.identity(person_id, desk.access("disclosure"), ["phone"], partner="p07")
        after = await desk.vault.database.read(audit.check)
        assert (after.sequence, after.fault) == (before.sequence + 1, None)
        record = (await desk.vault.database.read(lambda connection: audit.records(connection, person_id)))[-1]
        assert (record["what"], record["fields"], record["partner"]) == ("disclosure", ["phone"], "p07")
        with pytest.raises(PersonUnknown):
            await desk.vault.identity("nobody", desk.access())
        assert (await desk.vault.database.read(audit.check)).sequence == after.sequence


async def test_the_audit_trail_refuses_changes_and_shows_those_that_were_forced(settings: Settings) -> None:
    async with opened_desk(settings) as desk:
        person_id = await desk.attach()
        for _ in range(3):
            await desk.vault.identity(person_id, desk.access())
        engine = by_hand(settings.database("vault"), "vault")
        for statement in ("UPDATE vault_audit SET entry = '{}'", "DELETE FROM vault_audit"):
            with engine.connect() as connection, pytest.raises(DatabaseError, match="append-only"):
                connection.execute(text(statement))
        with engine.connect() as connection, connection.begin():
            on_sqlite = connection.dialect.name == "sqlite"
            guard = "audit_no_delete" if on_sqlite else "audit_no_change ON vault_audit"
            connection.execute(text(f"DROP TRIGGER {guard}"))
            connection.execute(text("DELETE FROM vault_audit WHERE sequence = 2"))
        assert (await desk.vault.database.read(audit.check)).fault == 2


async def test_a_record_is_kept_for_a_year_and_the_chain_goes_on(settings: Settings) -> None:
    clock = Clock()
    async with opened_desk(settings, clock) as desk:
        person_id = await desk.attach()
        for _ in range(2):
            await desk.vault.identity(person_id, desk.access())
        clock.now += timedelta(days=365)
        await desk.vault.identity(person_id, desk.access())
        await desk.people.settle()
        assert (await desk.vault.database.read(audit.check)).purged_to == 0
        clock.now += timedelta(seconds=1)
        await desk.people.settle()
        trail = await desk.vault.database.read(audit.check)
        assert (trail.sequence, trail.purged_to, trail.fault) == (3, 2, None)
        assert len(await desk.vault.database.read(lambda connection: audit.records(connection, person_id))) == 1
        with by_hand(settings.database("vault"), "vault").connect() as connection, pytest.raises(DatabaseError):
            connection.execute(text("DELETE FROM vault_audit"))


async def test_a_forgotten_person_is_gone_from_the_pages_and_from_a_restored_backup(
    settings: Settings, tmp_path: Path
) -> None:
    async with opened_desk(settings) as desk:
        case_id = await desk.open_case()
        person_id = await desk.attach(case_id=case_id)
        other = await desk.attach(replace(ZOE, given_name="Personne"))
        await desk.vault.add_note(case_id, "une note inventée", desk.access(), None)
        keys = await wrapped_keys(desk)
        if desk.vault.database.is_sqlite:
            assert files_holding(settings.data, keys[person_id])
            by_copy(settings.data / "vault.sqlite3", tmp_path / "backup.sqlite3")
        await desk.people.erase(person_id, "decision", desk.access("erasure"))
        for owner in (person_id, case_id):
            with pytest.raises(Erased):
                await desk.vault.keys.key(owner)
            # Without its key, no copy of the rows can be read; and the key is on no page any more.
            assert not files_holding(settings.data, keys[owner])
        with pytest.raises(Erased):
            await desk.people.known(person_id)
        with pytest.raises(Erased):
            await desk.vault.add_note(case_id, "noch eine", desk.access(), None)
        assert await desk.vault.notes([case_id], desk.access(), 10) == []
        assert (await desk.vault.identity(other, desk.access()))["given_name"] == "Personne"
        assert (await desk.vault.database.read(audit.check)).fault is None
        told = [envelope.event for p in range(desk.log.partitions) for envelope in await envelopes(desk.log, p)]
        assert told.count(PersonErased(person_id, "decision")) == 1
    if (tmp_path / "backup.sqlite3").exists():
        for left in settings.data.glob("vault.sqlite3*"):
            left.unlink()
        shutil.copy(tmp_path / "backup.sqlite3", settings.data / "vault.sqlite3")
        with closing(sqlite3.connect(settings.data / "vault.sqlite3")) as restored:
            held = restored.execute("SELECT count(*) FROM vault_fields WHERE person_id = ?", [person_id]).fetchone()
        assert held == (7,)
        async with opened_desk(settings) as desk:
            with pytest.raises(Erased):
                await desk.people.known(person_id)
            assert not await desk.vault.holds(person_id)


async def test_a_restored_backup_of_the_keys_is_shredded_again(settings: Settings, tmp_path: Path) -> None:
    if settings.database_url:
        pytest.skip("files are copied here; on PostgreSQL the same start does the same")
    async with opened_desk(settings) as desk:
        person_id = await desk.attach()
        key = (await wrapped_keys(desk))[person_id]
    shutil.copytree(settings.data, tmp_path / "backup")
    async with opened_desk(settings) as desk:
        await desk.people.erase(person_id, "decision", desk.access())
    for name in ("keys.sqlite3", "vault.sqlite3"):
        shutil.copy(tmp_path / "backup" / name, settings.data / name)
    assert files_holding(settings.data, key)
    async with opened_desk(settings) as desk:
        with pytest.raises(Erased):
            await desk.people.known(person_id)
    assert not files_holding(settings.data, key)


async def test_the_master_key_is_turned_and_nothing_is_lost(settings: Settings) -> None:
    async with opened_desk(settings) as desk:
        person_id, head = await desk.attach(), await desk.log.heads()
        file = settings.data / "vault.key"
        before, wrapped = file.read_text(), await wrapped_keys(desk)
        assert file.stat().st_mode & 0o777 == 0o600
        assert await desk.vault.keys.rotate() == len(wrapped)
        assert not set(file.read_text().split()) & set(before.split())
        assert not [key for key in wrapped.values() if files_holding(settings.data, key)]
        assert await desk.log.heads() == head
        assert await desk.vault.identity(person_id, desk.access()) == ZOE.known()
    async with opened_desk(settings) as desk:
        assert await desk.vault.identity(person_id, desk.access()) == ZOE.known()
        file.write_text(before)
    with pytest.raises(NoMasterKey, match="not at hand"):
        async with opened_desk(settings):
            pass
    file.unlink()
    with pytest.raises(NoMasterKey, match=r"put .*vault\.key back"):
        async with opened_desk(settings):
            pass


async def test_a_master_key_that_is_a_secret_is_turned_by_its_operator(database_url: str, tmp_path: Path) -> None:
    old, new = make_master_key(), make_master_key()
    async with opened_desk(settings_of(database_url, tmp_path, old)) as desk:
        person_id = await desk.attach()
        with pytest.raises(RotationRefused, match="before the old one"):
            await desk.vault.keys.rotate()
        assert not (tmp_path / "vault.key").exists()
    async with opened_desk(settings_of(database_url, tmp_path, f"{new}\n{old}")) as desk:
        assert await desk.vault.keys.rotate() == 2
    async with opened_desk(settings_of(database_url, tmp_path, new)) as desk:
        assert await desk.vault.identity(person_id, desk.access()) == ZOE.known()


async def test_somebody_is_found_by_name_however_it_is_written(settings: Settings) -> None:
    async with opened_desk(settings) as desk:
        zoe = await desk.attach()
        await desk.attach(replace(ZOE, given_name="Ali", family_name="Personne", phone=None))
        for name in ("zoé CANARI", "canari-inventee zoe", "Zoe Kanari", "inventée", "CanariInventee"):
            found = (await search(desk.people, name, desk.access("search"))).matches
            assert [match.person_id for match in found] == [zoe], name
            assert found[0].phone_ending == "431"
        exact = await search(desk.people, "Zoe Canari", desk.access("search"))
        assert exact.matches[0].likely_duplicate
        assert "431" in str(exact.warning)
        assert not (await search(desk.people, "Zoe Kanari", desk.access("search"))).warning
        assert not (await search(desk.people, "Zoé Personne", desk.access("search"))).matches


async def test_a_note_that_is_sent_again_is_written_once(settings: Settings) -> None:
    async with opened_desk(settings) as desk:
        case_id = await desk.open_case()
        first, was_there = await desk.vault.add_note(case_id, "une note", desk.access(), "key")
        assert not was_there
        assert await desk.vault.add_note(case_id, "une note", desk.access(), "key") == (first, True)
        with pytest.raises(KeyReused):
            await desk.vault.add_note(case_id, "une autre", desk.access(), "key")
        assert await desk.vault.notes([case_id], desk.access(), 10) == [first]


async def test_of_two_replicas_that_correct_at_once_one_is_told_that_it_came_too_late(settings: Settings) -> None:
    async with opened_desk(settings) as desk, opened_vault(settings) as replica:
        person_id = await desk.attach()
        for version in range(1, 6):
            corrections = (
                vault.correct(person_id, replace(ZOE, given_name=name), version, desk.access("correction"))
                for vault, name in ((desk.vault, "Ada"), (replica, "Eve"))
            )
            assert set(await asyncio.gather(*corrections)) == {version + 1, None}


async def test_two_years_of_silence_restrict_and_a_visa_forgets(settings: Settings) -> None:
    clock = Clock()
    async with opened_desk(settings, clock) as desk:
        case_id = await desk.open_case()
        silent, back = await desk.attach(), await desk.attach(case_id=case_id)
        eliminations = Eliminations(desk.people)
        clock.now += timedelta(days=730)
        assert await eliminations.due() == []
        clock.now += timedelta(days=1)
        assert {one.owner for one in await eliminations.due()} == {silent, back}
        assert not (await search(desk.people, "Zoé", desk.access("search"))).matches
        listed = await eliminations.draw_up(desk.access(), new_id())
        with pytest.raises(VisaMissing):
            await eliminations.carry_out(listed.list_id, desk.access())
        await eliminations.sign(listed.list_id, "AD21/2010-007", clock.now.date(), desk.access())
        await desk.visit(case_id)
        done = await eliminations.carry_out(listed.list_id, desk.access())
        assert {one.owner: one.left_out for one in done.entries} == {silent: False, back: True}
        with pytest.raises(Erased):
            await desk.people.known(silent)
        assert not await desk.people.is_restricted(await desk.people.known(back))
        assert await eliminations.due() == []
        assert (await eliminations.carry_out(listed.list_id, desk.access())) == done


async def test_notes_on_a_case_about_nobody_have_their_two_years_too(settings: Settings) -> None:
    clock = Clock()
    async with opened_desk(settings, clock) as desk:
        silent, back = await desk.open_case(), await desk.open_case()
        for case_id in (silent, back):
            await desk.vault.add_note(case_id, "une note inventée", desk.access(), None)
        key = (await wrapped_keys(desk))[silent]
        clock.now += timedelta(days=731)
        eliminations = Eliminations(desk.people)
        listed = await eliminations.draw_up(desk.access(), new_id())
        assert {(one.owner, one.kind) for one in listed.entries} == {(silent, "case"), (back, "case")}
        await eliminations.sign(listed.list_id, "AD21/8", clock.now.date(), desk.access())
        await desk.visit(back)
        await eliminations.carry_out(listed.list_id, desk.access())
        assert await desk.vault.notes([silent], desk.access(), 10) == []
        assert len(await desk.vault.notes([back], desk.access(), 10)) == 1
        assert not files_holding(settings.data, key)
        with pytest.raises(Erased):
            await desk.vault.add_note(silent, "encore", desk.access(), None)
        assert await eliminations.due() == []
        # Keys from a backup: what the list says was forgotten is forgotten again.
        await desk.vault._keys_database.write(lambda connection: connection.execute(delete(SHREDDED)))
        await desk.people.settle()
        assert await desk.vault.keys.erased([silent, back]) == {silent}


DIES = """
import asyncio, sys
from pathlib import Path
from shared.failpoints import arm
from tests.vaults import opened_desk, settings_of

async def main():
    async with opened_desk(settings_of({url!r}, Path({data!r}))) as desk:
        {before}
        arm({point!r})
        {step}

asyncio.run(main())
"""


def dies(settings: Settings, point: str, step: str, before: str = "pass") -> None:
    """Run a step in a process of its own that is killed at a crash point."""
    url = settings.database_url or "sqlite://"
    program = DIES.format(url=url, data=str(settings.data), point=point, step=step, before=before)
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr


async def people_attached(desk: Desk) -> list[str]:
    told = [envelope.event for p in range(desk.log.partitions) for envelope in await envelopes(desk.log, p)]
    return [event.person_id for event in told if isinstance(event, PersonAttached)]


async def test_a_crash_before_the_log_says_so_leaves_what_nobody_sees_and_then_nothing(settings: Settings) -> None:
    dies(settings, "vault.before-append", "await desk.attach()")
    clock = Clock()
    async with opened_desk(settings, clock) as desk:
        assert await people_attached(desk) == []
        (held,) = await desk.vault.unconfirmed()
        with pytest.raises(PersonUnknown):
            await desk.people.known(held.person_id)
        assert not (await search(desk.people, "Zoé Canari", desk.access("search"))).matches
        clock.now += timedelta(hours=1, seconds=1)
        await desk.people.settle()
        assert not await desk.vault.holds(held.person_id)
        assert held.person_id not in await wrapped_keys(desk)


async def test_a_crash_after_the_log_says_so_loses_nobody(settings: Settings) -> None:
    dies(settings, "vault.before-confirm", "await desk.attach()")
    async with opened_desk(settings) as desk:
        (person_id,) = await people_attached(desk)
        assert await desk.vault.unconfirmed() == []
        assert await desk.vault.identity(person_id, desk.access()) == ZOE.known()
        assert (await search(desk.people, "Zoé Canari", desk.access("search"))).matches


async def test_a_crash_between_the_decision_and_the_shredder_is_finished_by_the_next_start(settings: Settings) -> None:
    erase = "await desk.people.erase(person_id, 'decision', desk.access())"
    dies(settings, "vault.before-shred", erase, before="person_id = await desk.attach()")
    async with opened_desk(settings) as desk:
        (person_id,) = await people_attached(desk)
        with pytest.raises(Erased):
            await desk.people.known(person_id)
        assert not await desk.vault.holds(person_id)
        assert person_id not in await wrapped_keys(desk)
