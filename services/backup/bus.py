"""What a bus of the operator's own still holds of the lost house, before another takes its place."""

import asyncio
from typing import Any, cast

from services.backup.manifest import Refused
from shared.bus import BUS_FAILURES, connect

KEYS = ("topic:*", "queue:*", "checkpoints:*")
SILENT_S = 2.5
"""Readers report once a second."""


async def empty(url: str) -> None:
    """Delete topics, queues and reports. Raises `Refused` where a house reports there, or the bus is away.

    A reader of the restored house would take what stands there behind its checkpoint for its own log's.
    """
    redis: Any = connect(url)
    try:
        if before := await _reports(redis):
            await asyncio.sleep(SILENT_S)
            if await _reports(redis) != before:
                raise Refused("a house reports on this bus: stop it first")
        for pattern in KEYS:
            async for key in redis.scan_iter(match=pattern, count=1_000):
                await redis.unlink(key)
    except BUS_FAILURES as error:
        raise Refused(
            f"the bus cannot be emptied ({type(error).__name__}): it may hold events that the backup does not have;"
            " start it anew, empty, and try again"
        ) from None
    finally:
        await redis.aclose()


async def _reports(redis: Any) -> dict[bytes, dict[bytes, bytes]]:
    found = [key async for key in redis.scan_iter(match="checkpoints:*", count=1_000)]
    return {key: cast("dict[bytes, bytes]", await redis.hgetall(key)) for key in found}
