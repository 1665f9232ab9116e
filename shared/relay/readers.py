"""Who reads a topic, and how far each has come: said by the readers on the bus, once a second."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from redis.asyncio import Redis

from shared.bus import checkpoints_key

# A full server takes this as well: it is how it gets rid of what it is full of.
_REPORT = "#!lua flags=allow-oom\nreturn redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])"

SILENCE_S_MAX = 600
"""A reader that has said nothing for this long no longer holds the topic back. When it returns, it is rebuilt."""


async def report(redis: Redis, source: str, partition: int, reader: str, position: int, now_s: float) -> None:
    """Say that `reader` has finished everything up to `position`."""
    text = f"{position} {now_s:.0f}"
    told: Any = redis.eval(_REPORT, 1, checkpoints_key(source, partition), reader, text)
    await told


async def lowest(redis: Redis, source: str, partition: int, now_s: Callable[[], float]) -> int | None:
    """The lowest checkpoint that is reported; None when nobody reads."""
    reports: Mapping[bytes, bytes] = await cast("Any", redis).hgetall(checkpoints_key(source, partition))
    positions = []
    for text in reports.values():
        position, said_at = text.decode().split()
        if now_s() - int(said_at) < SILENCE_S_MAX:
            positions.append(int(position))
    return min(positions, default=None)
