"""Stats: hear and count exactly once, against bare XREAD."""

import time

import redis
import uvloop

from benchmarks import house
from benchmarks.entries import opening_entries, openings
from benchmarks.referral import READ, entries_of
from benchmarks.servers import folder, valkey
from benchmarks.topic import TOPIC, fill
from services.stats.queries import Asked, ask
from shared.service import Service
from shared.settings import Settings


def limit(count: int) -> float:
    """Entries a second by redis-py, 1,000 a read, without a group."""
    with valkey() as server:
        fill(server, [entry for _, entry in opening_entries(count)])
        with redis.Redis(unix_socket_path=str(server)) as client:
            started = time.perf_counter()
            heard, last_id = 0, b"0"
            while heard < count:
                entries = entries_of(client.xread({TOPIC: last_id}, count=READ))
                last_id = entries[-1][0]
                heard += len(entries)
            return count / (time.perf_counter() - started)


def ours(count: int) -> float:
    """Entries a second into the counters, on disk."""
    with folder() as home, valkey() as server:
        return count / uvloop.run(_heard_s(house.settings_of(home, server), count))


async def _heard_s(settings: Settings, count: int) -> float:
    await house.preload(settings, openings(count))
    await house.relayed_s(settings)
    service = house.stats(settings)
    return await house.taken_in_s(service, count, lambda: _is_counted(service, count // 2))


async def _is_counted(service: Service, visits: int) -> bool:
    answer = await ask(service.database, Asked("visits"))
    return bool(answer["rows"][0]["count"] == visits)
