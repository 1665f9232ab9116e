"""Where services are born: a process that has loaded everything, and forks each service when the house asks.

Loading the libraries takes far longer than starting a service. Done once instead of three times, the house opens
sooner, and a service that died is back in a fraction of a second. `multiprocessing` has such a server, but its
children load the main program of whoever started it; ours know nothing of it.

House and nursery speak in JSON lines over a socket: `{"fork", "environment"}` is answered by `{"pid"}`; the end
of a child is told by `{"pid", "status"}` without being asked. When the socket closes, all of them end.
"""

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from services import SERVICES
from shared import failpoints

REAP_EVERY_S = 0.05
LOST = -int(signal.SIGKILL)
"""The status of a child whose nursery has died: it has ended itself."""


class Nursery:
    """The house's side. Starts the process; `fork` and `poll` may be called from any one thread at a time."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.nursery", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parent.parent,
                stdin=subprocess.DEVNULL,
                # Ctrl-C is for the house alone, which then stops its services in the right order.
                start_new_session=True,
            )
        self._socket = ours
        self._unread = b""
        self._born: list[int] = []
        self._ended: dict[int, int] = {}

    def fork(self, name: str, environment: Mapping[str, str]) -> int:
        """The pid of a new process that is the service `name`. Raises `OSError` when the nursery is dead."""
        self._socket.sendall(json.dumps({"fork": name, "environment": dict(environment)}).encode() + b"\n")
        while not self._born:
            if not self._listen():
                raise ConnectionResetError("the nursery has died")
        return self._born.pop()

    def poll(self, pid: int) -> int | None:
        """The exit status of a child; None while it runs."""
        with contextlib.suppress(OSError):
            while _has_news(self._socket, 0) and self._listen():
                pass
        return self._ended.get(pid, None if self.is_alive() else LOST)

    def _listen(self) -> bool:
        """Take in what the nursery says, waiting for it. False when it says no more."""
        heard = self._socket.recv(65_536)
        *lines, self._unread = (self._unread + heard).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "status" in told:
                self._ended[told["pid"]] = told["status"]
            else:
                self._born.append(told["pid"])
        return bool(heard)

    def is_alive(self) -> bool:
        """Whether it can still fork."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it, and whatever it still has."""
        self._socket.close()
        self._process.wait()


def _serve_births(connection: socket.socket) -> None:
    """The nursery's side: fork when asked, tell who has ended, end when the house does."""
    _load()
    lifeline, held = os.pipe()
    children: set[int] = set()
    lines = connection.makefile("rb")
    while True:
        for pid, status in _reap():
            children.discard(pid)
            _tell(connection, {"pid": pid, "status": os.waitstatus_to_exitcode(status)})
        if not _has_news(connection, REAP_EVERY_S):
            continue
        line = lines.readline()
        if not line:
            break
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            lines.close()
            connection.close()
            os.close(held)
            _become(asked["fork"], asked["environment"], lifeline)
        children.add(pid)
        _tell(connection, {"pid": pid})
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _load() -> None:
    """Everything that the services need, once. Collecting garbage meanwhile would find none."""
    gc.disable()
    for name in SERVICES:
        import_module(f"services.{name}.app")
    import_module("services.serving")
    gc.enable()
    gc.collect()
    # Shared pages stay shared when the collector does not touch them.
    gc.freeze()


def _become(name: str, environment: Mapping[str, str], lifeline: int) -> None:
    status = 1
    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(environment)
        failpoints.arm(environment.get(failpoints.VARIABLE, ""))
        threading.Thread(target=_end_with_the_nursery, args=(lifeline,), daemon=True).start()
        import_module("services.serving").run_service(name)
        status = 0
    except Exception:
        # Said here, or never: the process ends below before anybody else could.
        traceback.print_exc()
    finally:
        # Never back into the nursery's own loop, whatever happened.
        sys.stderr.flush()
        os._exit(status)


def _end_with_the_nursery(lifeline: int) -> None:
    """Nobody is left behind when the nursery dies: two writers on one folder are one too many."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _reap() -> list[tuple[int, int]]:
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append(found)
    return ended


def _has_news(connection: socket.socket, wait_s: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(wait_s))


def _tell(connection: socket.socket, told: Mapping[str, int]) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    _serve_births(socket.socket(fileno=int(sys.argv[1])))
