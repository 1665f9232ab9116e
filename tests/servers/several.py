"""Several Valkey servers as one bus: a primary and a replica that three Sentinels watch, or a Cluster."""

import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from shared.valkey import find_binary
from tests.servers.server import Server, ServerFailed, ServerUnavailable

NAME = "house"
DOWN_MS = 1_000
"""How long a server does not answer before the others say that it is gone."""
SETTLED_S_MAX = 75.0
"""A Sentinel that the machine held up for two seconds mistrusts its clock, and does nothing for thirty (TILT)."""
SENTINELS = 3
PRIMARIES = 3
_PORTS = range(20_000, 32_000)
_SENTINEL = f"""
sentinel monitor {NAME} 127.0.0.1 {{primary}} 2
sentinel down-after-milliseconds {NAME} {DOWN_MS}
sentinel failover-timeout {NAME} 4000
"""


class Node(Server):
    """One server on a port of the loopback address, with nothing on disk but what `configuration` makes it note."""

    def __init__(self, *options: str, configuration: str = "", mode: str = "") -> None:
        self._program = find_binary()
        super().__init__()
        self._held = [_held_port(), _held_port()]
        self.port, self._other = (held.getsockname()[1] for held in self._held)
        self._options = [option.format(other=self._other) for option in options]
        self._mode = [mode] if mode else []
        self._file = self.folder / "conf"
        self._file.write_text(configuration)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def client(self) -> redis.Redis:
        """A blocking client of this very server, that never tries twice."""
        return redis.Redis(port=self.port, protocol=2, retry=Retry(NoBackoff(), 0), decode_responses=True)

    def command(self) -> Sequence[str | Path]:
        """The server reads and writes its own configuration."""
        place = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        kept = () if self._mode else ("--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0")
        return [self._program, self._file, *self._mode, *place, *kept, *self._options]

    def close(self) -> None:
        """Kill the server, delete its folder and let go of its ports."""
        super().close()
        for held in self._held:
            held.close()

    def answers(self) -> bool:
        """Whether it answers a PING."""
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


class Several:
    """Servers as one bus. `url` is what `MAISON_REDIS_URL` takes."""

    def __init__(self, url: str, servers: Sequence[Node], watchers: Sequence[Node]) -> None:
        self.url, self._servers, self._watchers = url, servers, watchers

    def primary_of(self, key: str) -> Node:
        """The server that takes what is written to a key now."""
        for server in self._running():
            with server.client() as client, suppress(redis.RedisError):
                if client.role()[0] == "master" and self._has(client, key):
                    return server
        raise LookupError(key)

    def fail_over(self, key: str) -> None:
        """Kill the server that has a key, wait until another has it, and bring the old one back, empty."""
        _until(lambda: bool(self.primary_of(key)), f"somebody has {key}")
        lost = self.primary_of(key)
        lost.kill()
        _until(lambda: self.primary_of(key) is not lost, f"another server has {key}")
        lost.start()
        _until(lambda: self._follows(lost), "the old primary follows the new one")

    def _has(self, client: Any, key: str) -> bool:
        if self._watchers:
            # A primary that came back believes to be one for a moment: the Sentinels know better.
            with self._watchers[0].client() as watcher:
                told: Any = watcher.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
                return bool(int(told[1]) == client.connection_pool.connection_kwargs["port"])
        # Refused where another has it, and where the Cluster has not made up its mind.
        client.execute_command("TYPE", key)
        return True

    def _follows(self, server: Node) -> bool:
        with server.client() as client, suppress(redis.RedisError):
            role: Any = client.role()
            return bool(role[0] == "slave" and role[3] == "connected")
        return False

    def _running(self) -> list[Node]:
        return [server for server in self._servers if server.answers()]


@contextmanager
def running_sentinels() -> Iterator[Several]:
    """A primary, a replica and three Sentinels, gone afterwards. Raises `ServerUnavailable`."""
    _refuse_without_sentinel()
    with ExitStack() as stack:
        primary = _started(stack)
        replica = _started(stack, "--replicaof", f"127.0.0.1 {primary.port}")
        watched = _SENTINEL.format(primary=primary.port)
        sentinels = [_started(stack, configuration=watched, mode="--sentinel") for _ in range(SENTINELS)]
        bus = Several(
            f"redis+sentinel://{','.join(one.address for one in sentinels)}/{NAME}", [primary, replica], sentinels
        )
        _until(lambda: all(_knows_all(one) for one in sentinels), "the Sentinels know each other and the replica")
        yield bus


@contextmanager
def running_cluster() -> Iterator[Several]:
    """Three primaries with a replica each, gone afterwards."""
    options = ("--cluster-enabled", "yes", "--cluster-port", "{other}", "--cluster-node-timeout", str(DOWN_MS))
    with ExitStack() as stack:
        nodes = [_started(stack, *options, "--cluster-require-full-coverage", "no") for _ in range(2 * PRIMARIES)]
        primaries, replicas = nodes[:PRIMARIES], nodes[PRIMARIES:]
        with primaries[0].client() as client:
            for other in nodes[1:]:
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port, other._other)
        share = 16_384 // PRIMARIES + 1
        for number, node in enumerate(primaries):
            with node.client() as client:
                client.execute_command(
                    "CLUSTER", "ADDSLOTSRANGE", number * share, min((number + 1) * share, 16_384) - 1
                )
        _until(lambda: all(_cluster(node)["cluster_known_nodes"] == "6" for node in nodes), "all know each other")
        for node, primary in zip(replicas, primaries, strict=True):
            # Refused as long as it has only heard of the other, and not yet heard it.
            _until(partial(_made_to_follow, node, primary), "a replica knows its primary")
        bus = Several(f"redis+cluster://{','.join(node.address for node in nodes[:2])}", nodes, [])
        _until(lambda: all(_cluster(node)["cluster_state"] == "ok" for node in nodes), "the Cluster is whole")
        _until(lambda: all(bus._follows(node) for node in replicas), "each primary is followed")
        yield bus


def _held_port() -> socket.socket:
    """A port that nobody listens on, below those that the system gives to whoever calls out.

    It is ours until the socket is closed, also while no server of ours listens there: whoever looks for one here holds
    it for datagrams first, which no server needs. Else two tests at one moment would be given the same.
    """
    while True:
        place = "127.0.0.1", _PORTS.start + secrets.randbelow(len(_PORTS))
        held = socket.socket(type=socket.SOCK_DGRAM)
        with suppress(OSError), socket.socket() as probe:
            held.bind(place)
            probe.bind(place)
            return held
        held.close()


def _started(stack: ExitStack, *options: str, **what: str) -> Node:
    node = Node(*options, **what)
    stack.callback(node.close)
    node.start()
    return node


def _knows_all(sentinel: Node) -> bool:
    with sentinel.client() as client:
        told: Any = client.execute_command("SENTINEL", "MASTER", NAME)
    known = dict(zip(told[::2], told[1::2], strict=True)) if isinstance(told, list) else told
    return int(known["num-slaves"]) == 1 and int(known["num-other-sentinels"]) == SENTINELS - 1


def _made_to_follow(node: Node, primary: Node) -> bool:
    with node.client() as client, primary.client() as other:
        return bool(client.execute_command("CLUSTER", "REPLICATE", other.execute_command("CLUSTER", "MYID")))


def _cluster(node: Node) -> dict[str, str]:
    with node.client() as client:
        told: Any = client.execute_command("CLUSTER", "INFO")
    return told if isinstance(told, dict) else dict(line.split(":", 1) for line in told.split())


def _until(look: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + SETTLED_S_MAX
    while True:
        with suppress(redis.RedisError, RedisClusterException, LookupError):
            if look():
                return
        if time.monotonic() > give_up:
            raise ServerFailed(f"it never came: {what}")
        time.sleep(0.05)


def _refuse_without_sentinel() -> None:
    asked = subprocess.run(
        [find_binary(), "--sentinel", "--port", "0"], capture_output=True, timeout=60, check=False, text=True
    )
    # Without a file it refuses to be one; a server that knows nothing of Sentinels says something else.
    if "sentinel" not in (asked.stdout + asked.stderr).lower():
        raise ServerUnavailable("the server of this machine cannot be a Sentinel")
