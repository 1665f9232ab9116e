"""The taskiq side of the comparison; taskiq's worker imports it, hence it is built while it is imported.

`python -m benchmarks.taskiq_worker COUNT` fills the queue.
"""

import asyncio
import sys

import redis.asyncio as redis
from taskiq_redis import RedisStreamBroker

from benchmarks.entries import visit_entries
from benchmarks.peer import FIGURES, route, server

# From the first entry on: the queue is full before the worker makes its group.
broker = RedisStreamBroker(f"unix://{server()}", consumer_id="0")

_client = redis.Redis(unix_socket_path=server())


@broker.task("handle")
async def handle(entry: str) -> None:
    """Route one visit, hand it over and count it, in one round trip."""
    queue, category = route(entry)
    async with _client.pipeline() as pipeline:
        pipeline.xadd(queue, {"__data__": entry})
        pipeline.hincrby(FIGURES, category, 1)
        await pipeline.execute()


async def fill(count: int) -> None:
    """Put `count` visits on the queue, a task each."""
    for _, entry in visit_entries(count):
        await handle.kiq(entry.decode())


if __name__ == "__main__":
    asyncio.run(fill(int(sys.argv[1])))
