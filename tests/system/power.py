"""A disk that forgets what was not synced, under the house's own database: what a power cut would leave behind.

SQLite is asked to write through a layer of ours (a VFS of apsw's). It hands everything on, and remembers of each
write since the file's last sync what stood there before. An image of the files, with some of those writes undone,
is what a machine finds that lost its power at that moment.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import apsw

VFS_NAME = "forgetful"


class Unsynced(NamedTuple):
    """One write that the disk may yet forget: what stood at `offset` before, and how long the file was."""

    offset: int
    before: bytes
    length: int


class Image(NamedTuple):
    """The files at one moment, by name: their contents as the program sees them, and what may be forgotten of them."""

    files: dict[str, tuple[bytes, list[Unsynced]]]

    def write(self, folder: Path, chance: Random) -> None:
        """Put down what a power cut leaves: of what was not synced some is kept, and some is not."""
        for name, (contents, unsynced) in self.files.items():
            if not name.endswith("-shm"):
                (folder / name).write_bytes(_forgotten(contents, unsynced, chance))


def _forgotten(contents: bytes, unsynced: Sequence[Unsynced], chance: Random) -> bytes:
    left = bytearray(contents)
    share = chance.choice((0.0, 0.3, 1.0))
    for write in reversed(unsynced):
        if chance.random() >= share:
            left[write.offset : write.offset + len(write.before)] = write.before
            if share == 0.0:
                # Nothing was kept: the file is as long as it was.
                del left[write.length :]
    return bytes(left)


class Disk:
    """Files below one folder. `on_step` is called before each write and each sync."""

    def __init__(self) -> None:
        self.unsynced: dict[Path, list[Unsynced]] = {}
        self.on_step: Callable[[], None] = lambda: None
        self.steps = 0
        self._vfs = _Forgetful(self)

    def fail_at(self, number: int) -> None:
        """The write or sync of this number fails, counted from now; `steps` says how many there have been."""
        self.steps = 0

        def step() -> None:
            self.steps += 1
            if self.steps == number:
                raise apsw.IOError("disk I/O error")

        self.on_step = step

    def image(self) -> Image:
        """What there is now."""
        return Image({path.name: (path.read_bytes(), list(unsynced)) for path, unsynced in self.unsynced.items()})

    def close(self) -> None:
        """Have SQLite forget the layer."""
        self._vfs.unregister()


class _Forgetful(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(VFS_NAME, base="")

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802 - SQLite's word
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's word
        self._disk.unsynced.pop(Path(filename), None)
        super().xDelete(filename, syncdir)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: Any) -> None:
        self._disk = disk
        self._path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "temporary")
        disk.unsynced.setdefault(self._path, [])
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's word
        self._disk.on_step()
        length = super().xFileSize()
        known = max(0, min(len(data), length - offset))
        before = super().xRead(known, offset) if known else b""
        self._remember(Unsynced(offset, before, length))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's word
        length = super().xFileSize()
        if length > size:
            self._remember(Unsynced(size, super().xRead(length - size, size), length))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's word
        self._disk.on_step()
        super().xSync(flags)
        self._disk.unsynced[self._path] = []

    def _remember(self, write: Unsynced) -> None:
        self._disk.unsynced.setdefault(self._path, []).append(write)


class Error(Exception):
    """What the driver below raises, by the name that SQLAlchemy knows."""


class OperationalError(Error):
    """The disk would not."""


class IntegrityError(Error):
    """A rule of the schema was broken."""


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except apsw.ConstraintError as error:
        raise IntegrityError(str(error)) from error
    except apsw.Error as error:
        raise OperationalError(str(error)) from error


class _Cursor:
    """apsw's cursor in the words of Python's database interface."""

    def __init__(self, connection: "_Connection") -> None:
        self._cursor = connection.raw.cursor()
        self._connection = connection
        self.description: Any = None
        self.rowcount = -1
        self.arraysize = 1
        self.lastrowid: int | None = None
        self._rows: list[Any] = []

    def execute(self, sql: str, parameters: Any = ()) -> "_Cursor":
        before = self._connection.raw.total_changes()
        with _in_words():
            self._cursor.execute(sql, tuple(parameters))
            self.description = _description(self._cursor)
            self._rows = list(self._cursor)
        self.rowcount = self._connection.raw.total_changes() - before
        return self

    def executemany(self, sql: str, rows: Sequence[Any]) -> "_Cursor":
        for row in rows:
            self.execute(sql, row)
        return self

    def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())

    def close(self) -> None:
        self._cursor.close()


def _description(cursor: Any) -> Any:
    try:
        return [(name, None, None, None, None, None, None) for name, _ in cursor.getdescription()]
    except apsw.ExecutionCompleteError:
        return None


class _Connection:
    """apsw's connection in the words of Python's database interface."""

    isolation_level: Any = None
    row_factory: Any = None

    def __init__(self, path: str) -> None:
        self.raw = apsw.Connection(path, vfs=VFS_NAME)

    def cursor(self, *_: Any) -> _Cursor:
        return _Cursor(self)

    def execute(self, sql: str, parameters: Any = ()) -> _Cursor:
        return self.cursor().execute(sql, parameters)

    def create_function(self, *_: Any, **__: Any) -> None:
        """The house calls no function of its own in SQL."""

    def commit(self) -> None:
        if self.raw.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        if self.raw.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        self.raw.close()


def driver() -> Any:
    """What SQLAlchemy takes for a database driver: SQLite on a disk that forgets."""
    others = ("DatabaseError", "ProgrammingError", "InterfaceError", "InternalError", "DataError", "NotSupportedError")
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    return SimpleNamespace(
        paramstyle="qmark",
        sqlite_version_info=version,
        sqlite_version=apsw.sqlite_lib_version(),
        connect=lambda path, **_: _Connection(path),
        Error=Error,
        OperationalError=OperationalError,
        IntegrityError=IntegrityError,
        **dict.fromkeys(others, Error),
    )
