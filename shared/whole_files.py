"""Files that are there whole or not at all, whoever looks and whenever the power fails."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe

OURS_ALONE = 0o600


def put(path: Path, content: bytes, mode: int = OURS_ALONE) -> None:
    """Put the content in the file's place. Who reads the one before goes on reading that one, whole.

    It is on disk when this returns. Raises `OSError`; then the file is as it was.
    """
    beside = _beside(path, content, mode)
    try:
        beside.replace(path)
    except OSError:
        beside.unlink()
        raise
    sync(path.parent)


def make_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """What the file holds, made now if there is none. Of any number who make it at once, all are told the same."""
    with suppress(FileNotFoundError):
        return path.read_bytes()
    content = make()
    beside = _beside(path, content, OURS_ALONE)
    try:
        # A link is made once, and never to a file that somebody is still writing.
        os.link(beside, path)
    except FileExistsError:
        return path.read_bytes()
    finally:
        beside.unlink()
    sync(path.parent)
    return content


def _beside(path: Path, content: bytes, mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{token_urlsafe(8)}.new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            # Whatever the process's mask says: who has to read it can.
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    return beside


def sync(path: Path) -> None:
    """Have a file or folder reach the disk: a new name is there only when its folder is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
