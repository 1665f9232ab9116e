"""Valkey for tests: real, with an append-only file, to be killed, emptied and brought back."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.valkey import find_binary
from tests.servers.server import Server


class Valkey(Server):
    """Valkey with a file, which the house's own does without: so a test chooses between losing and keeping.

    `options` are further arguments, such as `"--maxmemory", "4mb"`.
    """

    def __init__(self, *options: str) -> None:
        self._program, self._options = find_binary(), options
        super().__init__()
        self._socket, self._data = self.folder / "s", self.folder / "data"
        self._data.mkdir()

    @property
    def url(self) -> str:
        """`unix:///...`, as `MAISON_REDIS_URL` takes it; the same after every restart."""
        return f"unix://{self._socket}"

    def url_of(self, service: str) -> str:
        """The address as one service calls it: the same for all, where the server knows no users."""
        return self.url

    def restart(self, *, empty: bool = False) -> None:
        """Start again on what it kept; `empty` on nothing, as if another server were put in its place."""
        self.stop()
        if empty:
            shutil.rmtree(self._data)
            self._data.mkdir()
        self.start()

    def flush(self) -> None:
        """Delete every key."""
        with self.client() as client:
            client.flushall()

    def client(self) -> redis.Redis:
        """A blocking client that answers in bytes and never tries twice; to be used in a `with`."""
        return redis.Redis.from_url(self.url, protocol=2, retry=Retry(NoBackoff(), 0))

    def command(self) -> Sequence[str | Path]:
        """Only the socket, no port: nothing to collide with."""
        place = ("--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._data))
        durable = ("--save", "", "--appendonly", "yes", "--appendfsync", "everysec")
        return [self._program, *place, *durable, *self._options]

    def answers(self) -> bool:
        """Whether it answers a PING, which it refuses while it reads its file."""
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


@contextmanager
def running_valkey(*options: str) -> Iterator[Valkey]:
    """A fresh Valkey, gone afterwards."""
    server = Valkey(*options)
    try:
        server.start()
        yield server
    finally:
        server.close()
