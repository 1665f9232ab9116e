"""Topics to write tests about: a client, a running relay, what stands on the bus."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from redis.asyncio import Redis

from shared.bus import DATA_FIELD, connect, position_of
from shared.clock import utc_now
from shared.log import Log
from shared.relay import Relay
from shared.relay.readers import report
from tests.logs import entries
from tests.servers import Valkey

Client: TypeAlias = Redis
Standing = list[tuple[int, bytes]]
"""What a topic holds: positions and documents."""


@asynccontextmanager
async def connected(valkey: Valkey) -> AsyncIterator[Client]:
    """A client as the services have it."""
    redis = connect(valkey.url)
    try:
        yield redis
    finally:
        await redis.aclose()


@asynccontextmanager
async def relaying(log: Log, valkey: Valkey, *, queues: bool = False) -> AsyncIterator[Client]:
    """A relay at work on a connection of its own; yields another, to look with."""
    async with connected(valkey) as own, connected(valkey) as redis:
        relay = Relay(log, own, queues=queues)
        await relay.start()
        try:
            yield redis
        finally:
            await relay.stop()


async def standing(redis: Client, key: str) -> Standing:
    """What a topic or queue holds, in order."""
    held: Standing = []
    found: Any = await redis.xrange(key)
    for entry_id, fields in found:
        assert entry_id == b"%d-0" % position_of(entry_id)
        assert list(fields) == [DATA_FIELD.encode()]
        held.append((position_of(entry_id), fields[DATA_FIELD.encode()]))
    return held


async def recorded(log: Log, partition: int = 0, after: int = 0) -> Standing:
    """What a topic should hold: the log behind a position."""
    return [(entry.position, entry.body) for entry in await entries(log, partition) if entry.position > after]


async def says(redis: Client, reader: str, position: int, partition: int = 0) -> None:
    """A reader of intake's topic tells how far it has come."""
    await report(redis, "intake", partition, reader, position, utc_now().timestamp())


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    """Come back when it is so. The test's own time limit is the only one."""
    while not await reached():  # noqa: ASYNC110 - what is waited for happens in other processes
        await asyncio.sleep(0.01)


async def until_complete(redis: Client, log: Log, key: str = "topic:intake:0", partition: int = 0) -> None:
    """Come back when the topic's last entry is the log's."""

    async def complete() -> bool:
        head = (await log.heads())[partition]
        newest: Any = await redis.xrevrange(key, count=1)
        return head == (position_of(newest[0][0]) if newest else 0)

    await until(complete)
