"""Referral: hear, route, append and publish exactly once, against bare XREADGROUP and XACK."""

import time
from typing import Any

import redis
import uvloop

from benchmarks import house
from benchmarks.entries import opening_entries, openings
from benchmarks.servers import folder, valkey
from benchmarks.topic import TOPIC, fill
from shared.bus import queue_key, topic_key
from shared.service import Service
from shared.settings import Settings

READ = 1000
GROUP = "bench"


def limit(count: int) -> float:
    """Entries a second by redis-py, 1,000 a read, acknowledged by one XACK a read."""
    with valkey() as server:
        fill(server, [entry for _, entry in opening_entries(count)])
        with redis.Redis(unix_socket_path=str(server)) as client:
            client.xgroup_create(TOPIC, GROUP, id="0")
            started = time.perf_counter()
            heard = 0
            while heard < count:
                entries = entries_of(client.xreadgroup(GROUP, "reader", {TOPIC: ">"}, count=READ))
                client.xack(TOPIC, GROUP, *[entry_id for entry_id, _ in entries])
                heard += len(entries)
            return count / (time.perf_counter() - started)


def entries_of(reply: Any) -> list[Any]:
    """The entries in a reply about one topic; RESP3 gives a dict of nested lists, RESP2 a list of pairs."""
    if isinstance(reply, dict):
        return [entry for part in reply[TOPIC.encode()] for entry in part]
    return list(reply[0][1])


def ours(count: int) -> float:
    """Entries a second through the service, until its own topic and all its queues hold what it said."""
    with folder() as home, valkey() as server:
        return count / uvloop.run(_heard_s(house.settings_of(home, server), count))


async def _heard_s(settings: Settings, count: int) -> float:
    await house.preload(settings, openings(count))
    await house.relayed_s(settings)
    service = house.referral(settings)
    return await house.taken_in_s(service, count, lambda: _is_published(service, count // 2))


async def _is_published(service: Service, referrals: int) -> bool:
    """Whether the topic ends at the head of the log, and each queue at its newest entry there."""
    assert service.log is not None
    if not await house.ends_at(service.redis, topic_key("referral", 0), referrals):
        return False
    for tag in await service.log.tags():
        if not await house.ends_at(service.redis, queue_key(tag), await service.log.nth_newest(tag, 0)):
            return False
    return True
