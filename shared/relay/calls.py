"""Calls of the relay's script `append.lua`, several on their way at once, on one connection and answered in order.

The client's own call waits for each answer, and handles a thousand arguments one by one: that takes longer than the
server takes to add them.
"""

from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple, Self

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import NoScriptError

from shared.log import Entry

_FILE = Path(__file__).parent / "append.lua"


class Reply(IntEnum):
    """What the script says first."""

    ELSEWHERE = 0
    ADDED = 1
    REFUSED = 2


class Said(NamedTuple):
    """An answer of the script: where the topic ends now, and what the server said if it refused an entry."""

    reply: Reply
    last: int
    error: bytes = b""


class Script(NamedTuple):
    """The script, and the name that the server knows it by."""

    source: bytes
    digest: str


@cache
def script() -> Script:
    """Read once, at the first call."""
    source = _FILE.read_bytes()
    return Script(source, sha1(source, usedforsecurity=False).hexdigest())


class ScriptUnknown(Exception):
    """The server had not seen the script, or has forgotten it. It knows it now: call again."""


def calls(redis: Redis, key: str) -> "Calls | ClusterCalls":
    """Calls of the script on this topic. A Cluster's are one after the other: who has the topic may change."""
    client: Any = redis
    return ClusterCalls(client, key) if isinstance(client, RedisCluster) else Calls(redis, key)


class Calls:
    """A connection of `redis` while calls are on their way on it. Whoever leaves before the last answer hangs up."""

    def __init__(self, redis: Redis, key: str) -> None:
        self._redis, self._key = redis, key
        self._pool: Any = redis.connection_pool
        self._unanswered = 0

    async def __aenter__(self) -> Self:
        self._connection = await self._pool.get_connection()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._unanswered:
            await self._connection.disconnect(nowait=True)
        await self._pool.release(self._connection)

    async def send(self, expected: int, mode: str, entries: Sequence[Entry]) -> None:
        """Call the script; its answer comes by `answer`, after those of the calls before."""
        head = b"".join(self._connection.pack_command("EVALSHA", script().digest, 1, self._key, expected, mode))
        self._unanswered += 1
        await self._connection.send_packed_command(_with_entries(head, entries), check_health=False)

    async def answer(self) -> Said:
        """The answer to the first call that has none yet. Raises `ScriptUnknown`, or what the client raises."""
        try:
            reply, last, *error = await self._connection.read_response()
        except NoScriptError:
            await self._redis.script_load(script().source)
            raise ScriptUnknown from None
        self._unanswered -= 1
        return Said(Reply(reply), last, *error)


class ClusterCalls:
    """The same on a Cluster, whose own client finds the server that has the topic now."""

    def __init__(self, cluster: Any, key: str) -> None:
        self._cluster, self._key = cluster, key
        self._waiting: deque[tuple[int | bytes | str, ...]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._waiting.clear()

    async def send(self, expected: int, mode: str, entries: Sequence[Entry]) -> None:
        """Keep a call until its answer is asked for."""
        fields = (part for position, _tag, body in entries for part in (position, body))
        self._waiting.append((expected, mode, *fields))

    async def answer(self) -> Said:
        """Carry the next call out. Raises as `Calls` does."""
        try:
            reply, last, *error = await self._cluster.evalsha(script().digest, 1, self._key, *self._waiting.popleft())
        except NoScriptError:
            # Every server keeps its own scripts, and one that takes over has none.
            await self._cluster.script_load(script().source)
            raise ScriptUnknown from None
        return Said(Reply(reply), last, *error)


def _with_entries(head: bytes, entries: Sequence[Entry]) -> list[bytes]:
    """A packed command and more arguments behind it: position and document of each entry."""
    count, _, rest = head[1:].partition(b"\r\n")
    parts = [b"*%d\r\n" % (int(count) + 2 * len(entries)), rest]
    for position, _tag, body in entries:
        place = b"%d" % position
        parts.append(b"$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(place), place, len(body), body))
    return [b"".join(parts)]
