"""`maison backup`: folders written aside, under another name, and given their own when they are whole."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from services.backup import postgresql, sqlite
from services.backup.manifest import FORMAT, Manifest, Refused, Taken, described
from shared.clock import utc_now
from shared.envelope import timestamp
from shared.ids import new_id
from shared.settings import Settings
from shared.whole_files import sync

KEYS_FOLDER = "keys"
FORGOTTEN = "forgotten.json"
MASTER_FILE = "vault.key"
SIGNING_FILES = ("audit.key", "links.key")
"""They sign the audit trail and the links of partners, and open nothing."""


def back_up(settings: Settings, target: Path, keys: Path | None = None, *, without_keys: bool = False) -> Manifest:
    """Back the house up into `target`; the keys go into `keys`, by default a folder inside it.

    Every visit that was acknowledged before the call is in it. Raises `Refused`; then `target` is not there.
    """
    began_at, backup_id = timestamp(utc_now()), new_id()
    with ExitStack() as put_in_place:
        folder = put_in_place.enter_context(_aside(target.absolute()))
        keys_folder = None if without_keys or keys else _new(folder / KEYS_FOLDER)
        if keys:
            # Put in place before the rest: without that nobody takes them for a backup.
            keys_folder = put_in_place.enter_context(_aside(keys.absolute()))
        taken = _take(settings, folder, keys_folder)
        if keys_folder:
            _manifest(backup_id, began_at, taken, keys_folder, ["keys"]).write(keys_folder)
        manifest = _manifest(backup_id, began_at, taken, folder, [part for part in taken.schemas if part != "keys"])
        manifest.write(folder)
    return manifest


def _take(settings: Settings, folder: Path, keys: Path | None) -> Taken:
    masters = _masters(settings)
    try:
        taken: Taken = (postgresql if settings.database_url else sqlite).take(settings, folder, keys)
    except sqlite3.Error as error:
        raise Refused(f"SQLite refuses: {error}") from None
    if keys:
        # Before and after: of a key that was turned meanwhile, the old one may open what was copied, or the new one.
        _add_masters([*_masters(settings), *masters], keys)
    _add_files(settings, folder, keys, taken.forgotten)
    return taken


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """A folder that is given its own name, in one step, when the block ends well; else nothing is left of it."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused(f"{target} is there already: name a folder that is not")
    folder = target.with_name(f".{target.name}.part")
    # Of an attempt that was killed.
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield _new(folder)
        folder.replace(target)
        sync(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise Refused(f"{folder} cannot be made: {error.strerror}") from None
    return folder


def _add_files(settings: Settings, folder: Path, keys: Path | None, forgotten: list[tuple[str, str]]) -> None:
    told = [{"owner": owner, "at": at} for owner, at in forgotten]
    (folder / FORGOTTEN).write_text(json.dumps(told, indent=1) + "\n")
    for name in SIGNING_FILES:
        if (settings.data / name).exists():
            shutil.copyfile(settings.data / name, folder / name)
    for path in (*folder.iterdir(), *(keys.iterdir() if keys else ())):
        if path.is_file():
            path.chmod(0o600)


def _masters(settings: Settings) -> list[str]:
    """The master keys in the data folder, one a line. One that is a secret is its operator's to keep."""
    path = settings.data / MASTER_FILE
    return path.read_text().split() if path.exists() else []


def _add_masters(masters: list[str], folder: Path) -> None:
    if masters:
        (folder / MASTER_FILE).write_text("".join(f"{line}\n" for line in dict.fromkeys(masters)))


def _manifest(backup_id: str, began_at: str, taken: Taken, folder: Path, parts: Sequence[str]) -> Manifest:
    schemas, files = {part: taken.schemas[part] for part in parts}, described(folder, taken.tables)
    return Manifest(FORMAT, backup_id, taken.store, began_at, timestamp(utc_now()), schemas, taken.barrier, files)
