"""`maison restore`: an empty place is filled from a backup; the first start afterwards finds a house."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from services.backup import bus, postgresql, sqlite
from services.backup.making import FORGOTTEN, KEYS_FOLDER, MASTER_FILE, SIGNING_FILES
from services.backup.manifest import NAME, Manifest, Refused
from services.backup.schemas import refuse_newer
from services.locking import RESTORING, take_lock
from shared.settings import Settings
from shared.whole_files import sync

BROUGHT = (MASTER_FILE, *SIGNING_FILES, "house.key", "house.lock")
"""What an operator may have put into the empty place before."""
Forgotten = Sequence[tuple[str, str]]
"""Owners whose key was deleted, and when."""


def restore(
    settings: Settings,
    source: Path,
    keys: Path | None = None,
    forgotten: Iterable[Path] = (),
    *,
    without_keys: bool = False,
) -> Manifest:
    """Put a backup in place and empty the bus. Raises `Refused`; then the place is as empty as before.

    `forgotten`: lists of a later time, or backups that have one; whoever stands there is not brought back.
    """
    source = source.absolute()
    manifest = _whole(source)
    folders = [(manifest, source)]
    if not without_keys:
        folders.append(_keys(manifest, (keys or source / KEYS_FOLDER).absolute()))
    by_owner = dict(sorted(one for path in forgotten for one in _forgotten_in(path.absolute())))
    if by_owner and without_keys:
        raise Refused("without keys nobody can be read: there is nobody to forget")
    if (manifest.store == "postgresql") != bool(settings.database_url):
        raise Refused(f"this is a backup of {manifest.store}; MAISON_DATABASE_URL says otherwise")
    data = settings.data.absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = take_lock(data)
    if lock is None:
        raise Refused(f"a house runs in {data}: stop it, or name another folder in MAISON_DATA")
    with lock:
        _refuse_unless_empty(settings, data)
        if settings.redis_url:
            asyncio.run(bus.empty(settings.redis_url))
        if settings.database_url:
            postgresql.put_back(settings, folders, list(by_owner.items()))
            _put_files(folders, data, [MASTER_FILE, *SIGNING_FILES])
        else:
            _fill(folders, data, list(by_owner.items()))
    return manifest


def _whole(folder: Path) -> Manifest:
    manifest = Manifest.read(folder)
    refuse_newer(manifest)
    manifest.check(folder)
    return manifest


def _keys(manifest: Manifest, folder: Path) -> tuple[Manifest, Path]:
    if not (folder / NAME).exists():
        raise Refused(f"the keys are not in {folder}: say where with --keys, or --no-keys to restore nobody's identity")
    keys = _whole(folder)
    if "keys" not in keys.schemas or keys.store != manifest.store:
        raise Refused(f"{folder} holds no keys for this backup")
    return keys, folder


def _forgotten_in(path: Path) -> Forgotten:
    if path.is_dir():
        path = next((path / name for name in (FORGOTTEN, sqlite.file_name("keys")) if (path / name).exists()), path)
    try:
        if path.suffix == ".sqlite3":
            return sqlite.forgotten_in(path)
        return [(str(one["owner"]), str(one["at"])) for one in json.loads(path.read_bytes())]
    except (OSError, ValueError, LookupError, TypeError, sqlite3.Error) as error:
        raise Refused(f"{path} is no list of the forgotten: {error}") from None


def _refuse_unless_empty(settings: Settings, data: Path) -> None:
    if settings.database_url:
        postgresql.refuse_unless_empty(settings)
        return
    if (data / RESTORING).exists():
        # A restore that was killed: what stands here is its own.
        for part in sqlite.PARTS:
            (data / sqlite.file_name(part)).unlink(missing_ok=True)
        shutil.rmtree(data / RESTORING)
    if found := [path.name for path in data.iterdir() if path.name not in BROUGHT]:
        raise Refused(f"{data} is not empty: {', '.join(sorted(found)[:5])}; name an empty folder in MAISON_DATA")


def _fill(folders: Sequence[tuple[Manifest, Path]], data: Path, forgotten: Forgotten) -> None:
    aside = data / RESTORING
    aside.mkdir(mode=0o700)
    # As long as this folder is there, no house starts here.
    sync(data)
    names = _put_files(folders, aside, [sqlite.file_name(part) for part in sqlite.PARTS])
    names += _put_files(folders, aside, [name for name in (MASTER_FILE, *SIGNING_FILES) if not (data / name).exists()])
    if forgotten:
        _forget(aside / sqlite.file_name("keys"), forgotten)
    manifest = folders[0][0]
    if any(sqlite.heads(aside / sqlite.file_name(log)) != manifest.barrier[log] for log in sqlite.LOGS):
        shutil.rmtree(aside)
        raise Refused("the logs do not end where the backup says")
    for name in names:
        sync(aside / name)
        (aside / name).replace(data / name)
    sync(data)
    aside.rmdir()
    sync(data)


def _put_files(folders: Sequence[tuple[Manifest, Path]], into: Path, names: Sequence[str]) -> list[str]:
    put = []
    for manifest, folder in folders:
        for name in names:
            if name in manifest.files and not (into / name).exists():
                shutil.copyfile(folder / name, into / name)
                (into / name).chmod(0o600)
                put.append(name)
    return put


def _forget(keys: Path, forgotten: Forgotten) -> None:
    """Delete the keys of those who were forgotten later; the first start says so in the log."""
    with closing(sqlite3.connect(keys, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM data_keys WHERE owner = ?", [(owner,) for owner, _ in forgotten])
        connection.executemany(
            "INSERT INTO shredded_keys (owner, at, wiped) VALUES (?, ?, 0) ON CONFLICT (owner) DO UPDATE SET wiped = 0",
            forgotten,
        )
        connection.execute("COMMIT")
        connection.execute("VACUUM")
        # The file is moved by its own name only: nothing may be left in the files beside it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
