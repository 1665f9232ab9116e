"""What a folder of a backup says of itself: written last, so a folder with a manifest is whole."""

import json
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Literal, NamedTuple, Self

import msgspec

from shared.whole_files import sync

FORMAT = 1
NAME = "manifest.json"

Store = Literal["sqlite", "postgresql"]
Barrier = Mapping[str, Mapping[str, int]]
"""By log, the head of each partition (its number as text): everything up to there is in the backup."""


class Refused(RuntimeError):
    """This cannot be backed up or restored, and nothing was changed; the reason."""


class Table(msgspec.Struct, frozen=True):
    """A table of PostgreSQL that lies in a file of its own."""

    schema: str
    name: str
    columns: tuple[str, ...]


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file beside the manifest. `table`: whose rows they are, as COPY writes them."""

    bytes: int
    sha256: str
    table: Table | None = None


class Manifest(msgspec.Struct, frozen=True):
    """One folder. `schemas` = the newest migration that each database had seen; `made_at` in UTC."""

    format: int
    backup_id: str
    store: Store
    began_at: str
    made_at: str
    schemas: Mapping[str, str]
    barrier: Barrier
    files: Mapping[str, File]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises `Refused` where there is none, or one of a later form."""
        try:
            document = json.loads((folder / NAME).read_bytes())
        except FileNotFoundError:
            raise Refused(f"{folder} is no backup: it has no {NAME}") from None
        except (OSError, ValueError) as error:
            raise Refused(f"{folder / NAME} cannot be read: {error}") from None
        if isinstance(document, dict) and document.get("format", 0) > FORMAT:
            raise Refused(f"{folder} was made by a newer release: its form is {document['format']}, ours is {FORMAT}")
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            raise Refused(f"{folder / NAME} is not in order: {error}") from None

    def write(self, folder: Path) -> None:
        """Put everything in `folder` on the disk, and this last."""
        for name in self.files:
            sync(folder / name)
        path = folder / NAME
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
        path.chmod(0o600)
        sync(path)
        sync(folder)

    def check(self, folder: Path) -> None:
        """Hold every file against its hash. Raises `Refused`."""
        for name, file in self.files.items():
            path = folder / name
            if Path(name).name != name:
                raise Refused(f"{folder / NAME} names {name!r}, which is not beside it")
            if not path.is_file() or path.stat().st_size != file.bytes or digest(path) != file.sha256:
                raise Refused(f"{path} is not as it was backed up: it is missing, cut or changed")


class Taken(NamedTuple):
    """What a store has written into the folders of a backup, and what it says of it. `tables`: by file."""

    store: Store
    schemas: Mapping[str, str]
    barrier: Barrier
    tables: Mapping[str, Table]
    forgotten: list[tuple[str, str]]


def described(folder: Path, tables: Mapping[str, Table] | None = None) -> dict[str, File]:
    """Every file of a folder that is being made, by name, with the table that it holds."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != NAME:
            found[path.name] = File(path.stat().st_size, digest(path), (tables or {}).get(path.name))
    return found


def digest(path: Path) -> str:
    """SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
