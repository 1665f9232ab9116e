"""SQLite: each file is copied by the service that has it open, or by us where no house runs.

The order of the copies keeps each reader at or behind the logs that it reads: stats, then referral, then intake.
The circle (intake hears referral as well) is cut by having intake take in nothing meanwhile. The vault comes after
the log that names its people, and the keys last: whoever is named is held, and what is held has its key.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import httpx

from services.backup.manifest import Barrier, Refused, Taken
from services.house import read_card
from services.locking import take_lock
from shared.settings import Settings

LOGS = ("intake", "referral")
PARTS = ("stats", "referral", "intake", "vault", "keys")
"""In the order of their copies."""
COPY_S_MAX = 600.0
_REBUILDING = "%_rebuilding"
_FORGOTTEN = "SELECT owner, at FROM shredded_keys ORDER BY owner"


def file_name(part: str) -> str:
    """The file of a database, in a house and in a backup."""
    return f"{part}.sqlite3"


def take(settings: Settings, folder: Path, keys: Path | None) -> Taken:
    """Copy every database into `folder`, that of the keys into `keys`. Raises `Refused`."""
    with _copier(settings) as copier:
        copier.copy("stats", folder)
        with copier.held("intake"):
            copier.copy("referral", folder)
            copier.copy("intake", folder)
        copier.copy("vault", folder)
        if keys:
            copier.copy("keys", keys)
        forgotten = copier.forgotten()
    places = {part: (keys if part == "keys" else folder) for part in PARTS}
    files = {part: place / file_name(part) for part, place in places.items() if place}
    barrier = {log: heads(files[log]) for log in LOGS}
    _check_readers(files, barrier)
    return Taken("sqlite", {part: schema(file) for part, file in files.items()}, barrier, {}, forgotten)


def heads(file: Path) -> dict[str, int]:
    """The head of each partition of a log that nobody has open."""
    with _reading(file) as connection:
        rows = connection.execute("SELECT partition, head FROM partitions ORDER BY partition")
        return {str(partition): head for partition, head in rows}


def schema(file: Path) -> str:
    """The newest migration that a database has seen."""
    with _reading(file) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def forgotten_in(file: Path) -> list[tuple[str, str]]:
    """Who was forgotten, and when, by a database of keys that nobody has open."""
    with _reading(file) as connection:
        return [(owner, at) for owner, at in connection.execute(_FORGOTTEN)]


def _check_readers(files: dict[str, Path], barrier: Barrier) -> None:
    for part in ("stats", "referral", "intake"):
        query = "SELECT topic, partition, position FROM checkpoints WHERE reader NOT LIKE ?"
        with _reading(files[part]) as connection:
            for topic, partition, position in connection.execute(query, [_REBUILDING]):
                if position > barrier[topic][str(partition)]:
                    # A service that died and came back lets go of what it was asked to hold.
                    raise Refused(f"{part} read {topic} further while it was being copied: try again")


class _Copier(Protocol):
    def copy(self, part: str, folder: Path) -> None:
        """Put a copy of a database into a folder."""

    def held(self, service: str, /) -> AbstractContextManager[None]:
        """Have a service hear nothing for as long as the block lasts."""

    def forgotten(self) -> list[tuple[str, str]]:
        """Who was forgotten, and when."""


@contextmanager
def _copier(settings: Settings) -> Iterator[_Copier]:
    data = settings.data.absolute()
    if not (data / file_name("intake")).exists():
        raise Refused(f"no house has run in {data} yet: there is nothing to back up")
    if lock := take_lock(data):
        with lock:
            yield _AtRest(data)
        return
    card = read_card(data)
    if card is None:
        raise Refused(f"the house in {data} is just starting or stopping: try again in a moment")
    urls = {name: str(service["url"]) for name, service in card["services"].items()}
    headers = {"X-House-Key": settings.house_key or ""}
    with httpx.Client(timeout=COPY_S_MAX, headers=headers, trust_env=False) as client:
        yield _AtWork(client, urls)


class _AtWork:
    """A running house: its services copy for us."""

    def __init__(self, client: httpx.Client, urls: dict[str, str]) -> None:
        self._client, self._urls = client, urls

    def copy(self, part: str, folder: Path) -> None:
        target = {"target": str(folder / file_name(part))}
        if part in self._urls:
            self._ask("POST", part, "copy", target)
        else:
            self._ask("POST", "intake", "vault/copy", {"part": part, **target})

    @contextmanager
    def held(self, service: str) -> Iterator[None]:
        try:
            with self._client.stream("GET", f"{self._urls[service]}/internal/hold") as held:
                if held.status_code != httpx.codes.OK:
                    raise Refused(f"{service} does not hold still: status {held.status_code}")
                # Whoever lets go of the iterator lets go of the service.
                lines = held.iter_raw()
                next(lines)
                yield
        except (httpx.HTTPError, StopIteration) as error:
            raise Refused(f"{service} does not answer: {type(error).__name__}") from None

    def forgotten(self) -> list[tuple[str, str]]:
        told = self._ask("GET", "intake", "vault/forgotten", {}).json()
        return [(one["owner"], one["at"]) for one in told]

    def _ask(self, method: str, service: str, what: str, parameters: dict[str, str]) -> httpx.Response:
        try:
            answer = self._client.request(method, f"{self._urls[service]}/internal/{what}", params=parameters)
        except httpx.HTTPError as error:
            raise Refused(f"{service} does not answer: {type(error).__name__}") from None
        if answer.status_code != httpx.codes.OK:
            raise Refused(f"{service} makes no copy: {answer.json().get('detail', answer.status_code)}")
        return answer


class _AtRest:
    """A house that does not run, and does not start as long as we hold its lock."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def copy(self, part: str, folder: Path) -> None:
        to = folder / file_name(part)
        with closing(sqlite3.connect(self._data / to.name)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)

    def held(self, _service: str) -> AbstractContextManager[None]:
        return nullcontext()

    def forgotten(self) -> list[tuple[str, str]]:
        with closing(sqlite3.connect(self._data / file_name("keys"))) as source:
            return [(owner, at) for owner, at in source.execute(_FORGOTTEN)]


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    # Immutable: nobody writes, and no file is to appear beside it.
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        yield connection
