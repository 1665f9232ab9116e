"""Copies of the files of running services, made by the services themselves."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx

from services.verify.stores import CannotVerify, SqliteStore, Stopped, sqlite_store

COPY_S_MAX = 600.0
TRIES_S_MAX = 20.0
"""A service that died a moment ago is started again by the house."""
PAUSE_S = 0.2


class Copies:
    """Asks the services of one house. The folder is private; each copy is deleted when it has been read."""

    def __init__(self, card: dict[str, Any], key: str, folder: Path, stop: Event) -> None:
        self._urls = {name: str(part["url"]) for name, part in card["services"].items()}
        self._key, self._folder, self._stop = key, folder, stop
        self._count = 0

    @contextmanager
    def open(self, service: str) -> Iterator[SqliteStore]:
        """A service's database as it is now. Raises `CannotVerify`."""
        copy = self._copy(service)
        try:
            with sqlite_store(copy, self._stop) as store:
                yield store
        finally:
            copy.unlink(missing_ok=True)

    def _copy(self, service: str) -> Path:
        until = time.monotonic() + TRIES_S_MAX
        while True:
            # A new name at each try: a copy that broke off may have left its beginning.
            self._count += 1
            target = self._folder / f"{self._count}-{service}.sqlite3"
            try:
                answer = httpx.post(
                    f"{self._urls[service]}/internal/copy",
                    params={"target": str(target)},
                    headers={"X-House-Key": self._key},
                    timeout=COPY_S_MAX,
                    # A proxy of the environment is for the world outside.
                    trust_env=False,
                )
            except httpx.HTTPError as error:
                if time.monotonic() > until:
                    raise CannotVerify(f"{service} does not answer: {type(error).__name__}") from error
                time.sleep(PAUSE_S)
            else:
                if answer.is_success:
                    return target
                raise CannotVerify(f"{service} makes no copy of its file: status {answer.status_code}")
            if self._stop.is_set():
                raise Stopped
