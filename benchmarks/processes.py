"""Services as processes of their own, and what can be seen of them without asking them.

A checkpoint is read from the service's SQLite file, read only: the service does nothing for it, and its commit is
seen when it is on disk. The house itself never opens another service's file; here both end with the folder.
"""

import os
import signal
import socket
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.servers import python

READY_S_MAX = 60.0
POLL_S = 0.02


class Running(NamedTuple):
    """A service that runs."""

    url: str
    pid: int


@contextmanager
def service(name: str, home: Path, server: Path) -> Iterator[Running]:
    """`python -m services.NAME` in this folder on this bus, ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {
        "MAISON_DATA": str(home),
        "MAISON_DATABASE_URL": "",
        "MAISON_REDIS_URL": f"unix://{server}",
        f"MAISON_{name.upper()}_PORT": str(port),
    }
    with python("-m", f"services.{name}", **environment) as process:
        deadline = time.monotonic() + READY_S_MAX
        while not _is_ready(url):
            assert process.poll() is None, f"{name} did not start"
            assert time.monotonic() < deadline, f"{name} is not ready"
            time.sleep(POLL_S)
        yield Running(url, process.pid)


@contextmanager
def held(*pids: int) -> Iterator[None]:
    """Stop these processes for a while; they know nothing of it."""
    _signal(signal.SIGSTOP, pids)
    try:
        yield
    finally:
        _signal(signal.SIGCONT, pids)


def _signal(number: signal.Signals, pids: Sequence[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


class Checkpoints:
    """The checkpoints in one service's file, as far as they are committed."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)

    def position(self, topic: str) -> int:
        """How many events of a topic the service has finished."""
        row = self._connection.execute("SELECT sum(position) FROM checkpoints WHERE topic = ?", (topic,)).fetchone()
        return int(row[0] or 0)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


@contextmanager
def checkpoints(home: Path, name: str) -> Iterator[Checkpoints]:
    """The checkpoints of one service of the house in this folder."""
    with closing(Checkpoints(home / f"{name}.sqlite3")) as found:
        yield found


def resident_bytes(pids: list[int]) -> int:
    """Resident memory of these processes together; a page that several share is counted once (Linux: PSS)."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024
    return total
