"""A server process in a throwaway folder, gone when the tests are gone.

A small shell process guards each server. When the tests end, in whatever way (even by `kill -9`), its input
ends, and it kills the server and deletes the folder.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

READY_S_MAX = 60.0
# A UNIX socket's path may not exceed 103 bytes (macOS), and a server adds a name to its folder's.
FOLDER_LENGTH_MAX = 60
MEMORY_BYTES_MIN = 8 << 30

# Each line read is the pid to kill, or empty. The end of the input is the end of the tests.
_GUARD = """
trap '' HUP INT TERM
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
    kill -"$2" "$pid"
    tries=0
    while kill -0 "$pid" && [ "$tries" -lt 50 ]; do tries=$((tries + 1)); sleep 0.1; done
fi
rm -rf "$1"
"""


class ServerUnavailable(RuntimeError):
    """This machine has no such server."""


class ServerFailed(RuntimeError):
    """The server did not start; its last words."""


class Server:
    """Subclasses say what to run and how to see that it answers."""

    stop_signal = signal.SIGTERM
    kill_signal = signal.SIGKILL

    def __init__(self) -> None:
        self.folder = _short_folder()
        self._log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self.folder), str(int(self.kill_signal))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start the server and return when it answers. Raises `ServerFailed`."""
        self._begin(self.command())
        assert self._process is not None
        deadline = time.monotonic() + READY_S_MAX
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(self._last_words())
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop the server cleanly, if it runs."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """Stop the server at once, as a crash would, if it runs. What it acknowledged is on disk."""
        self._end(self.kill_signal)

    def restart(self) -> None:
        """Stop the server cleanly, unless it was killed before, and start it on what it kept."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Kill the server and delete its folder."""
        self.kill()
        self._guard.communicate()

    def command(self) -> Sequence[str | Path]:
        """The server's program and arguments."""
        raise NotImplementedError

    def identity(self) -> Mapping[str, Any]:
        """As whom to run, in the words of `subprocess.Popen`; as ourselves unless said otherwise."""
        return {}

    def answers(self) -> bool:
        """Whether the server takes requests."""
        raise NotImplementedError

    def run(self, command: Sequence[str | Path]) -> None:
        """Run to its end what the server needs before it can start. Raises `ServerFailed`."""
        self._begin(command)
        assert self._process is not None
        failed = self._process.wait() != 0
        self._forget()
        if failed:
            raise ServerFailed(self._last_words())

    def _begin(self, command: Sequence[str | Path]) -> None:
        assert self._process is None, "the server is running already"
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C in the terminal is for the tests; they stop the server in their own time.
                start_new_session=True,
                **self.identity(),
            )
        self._tell_guard(str(self._process.pid))

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2_000:]

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(READY_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def _forget(self) -> None:
        self._process = None
        self._tell_guard("")

    def _tell_guard(self, pid: str) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{pid}\n".encode())
        self._guard.stdin.flush()


def _short_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="maison-", dir=_in_memory()))
    # Root's servers may have to run as somebody else, who must be able to come this far.
    is_open = os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in folder.parents)
    if is_open and len(str(folder)) <= FOLDER_LENGTH_MAX:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="maison-", dir="/tmp"))


def _in_memory() -> Path | None:
    """A file system in memory, where there is plenty of it: else much of the tests' time is waiting for the disk.

    The servers are as durable there as they are delivered: they outlive their own crash, and nobody cuts the power.
    """
    place = Path("/dev/shm")
    is_plenty = place.is_dir() and shutil.disk_usage(place).free > MEMORY_BYTES_MIN
    # Programs may have to be copied there, for whom the server runs as.
    return place if is_plenty and not os.statvfs(place).f_flag & os.ST_NOEXEC else None
