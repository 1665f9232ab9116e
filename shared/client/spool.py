"""Visits that could not be sent, one file each in a folder, until they can: written before the desk goes on.

A file's name is its visit's idempotency key, so that sending it twice records it once. Names sort by time.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.whole_files import put

REFUSED = "refused"


class Spool:
    """A folder of visits. Any number of programs may add to it; one at a time sends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, key: str, body: dict[str, Any]) -> None:
        """Keep a visit; it is on disk when this returns. The same key again replaces nothing but itself."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(self.folder / f"{key}.json", body)

    def keys(self) -> list[str]:
        """The visits that wait, oldest first."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def read(self, key: str) -> dict[str, Any]:
        """A visit that waits."""
        body: dict[str, Any] = json.loads((self.folder / f"{key}.json").read_bytes())
        return body

    def done(self, key: str) -> None:
        """The house has it."""
        (self.folder / f"{key}.json").unlink(missing_ok=True)

    def refuse(self, key: str, problem: dict[str, Any]) -> None:
        """The house will never take it as it is: keep it apart, with the reason, for somebody to look at."""
        apart = self.folder / REFUSED
        apart.mkdir(exist_ok=True, mode=0o700)
        _write(apart / f"{key}.json", {"visit": self.read(key), "problem": problem})
        self.done(key)

    @contextmanager
    def sending(self) -> Iterator[bool]:
        """Whether this program is the one that sends now."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def _write(path: Path, document: dict[str, Any]) -> None:
    put(path, json.dumps(document, ensure_ascii=False).encode())
