"""A bus that knows its users: Valkey, or the Redis of the distribution, with the rules of `shared.bus_users`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.bus_users import USERS, acl_file
from tests.servers.valkey import Valkey

KINDS = ("valkey", "redis-server")
PASSWORDS = {user: f"{user}-" + "0123456789abcdef" * 2 for user in USERS}
_ADMIN = "admin"


class Guarded(Valkey):
    """A server that lets in only those whom the file names, and an administrator of the tests."""

    def __init__(self, program: str | None) -> None:
        super().__init__()
        self._program = program or self._program
        users = f"user {_ADMIN} on >{_ADMIN} ~* &* +@all\n" + acl_file(PASSWORDS)
        (self.folder / "users").write_text(users)
        # Else DEBUG is refused to everybody, and nothing is learnt of the rules.
        self._options = ("--aclfile", str(self.folder / "users"), "--enable-debug-command", "yes")

    @property
    def url(self) -> str:
        return f"unix://{_ADMIN}:{_ADMIN}@{self._socket}"

    def url_of(self, service: str) -> str:
        return f"unix://{service}:{PASSWORDS[service]}@{self._socket}"

    @property
    def url_of_nobody(self) -> str:
        """The address without a name."""
        return f"unix://{self._socket}"

    def client_of(self, user: str) -> redis.Redis:
        """A blocking client of one user; to be used in a `with`."""
        return redis.Redis.from_url(self.url_of(user), protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=60)

    def ask(self, *words: str) -> Any:
        """What the server answers its administrator."""
        with self.client() as client:
            return client.execute_command(*words)

    def refused(self) -> set[str]:
        """What was refused to anybody since the last time we asked, by the server's own record."""
        entries: Any = self.ask("ACL", "LOG", "100")
        self.ask("ACL", "LOG", "RESET")
        # A flat list: a name, its value, the next name ...
        return {entry[entry.index(b"object") + 1].decode() for entry in entries}


@contextmanager
def running_guarded(kind: str) -> Iterator[Guarded]:
    """One of the two kinds, gone afterwards. Skips the test where the distribution's Redis is not installed."""
    program = shutil.which("redis-server") if kind == "redis-server" else None
    if kind == "redis-server" and program is None:
        pytest.skip("no redis-server is installed here (Debian: apt-get install redis-server)")
    server = Guarded(program)
    try:
        server.start()
        yield server
    finally:
        server.close()
