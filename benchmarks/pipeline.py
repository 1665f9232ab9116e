"""Routed and counted: referral and stats, a process each, working a full topic of visits together."""

import time

import uvloop

from benchmarks import house
from benchmarks.entries import visits
from benchmarks.peer import DRAIN_S_MAX, POLL_S, WARM_UP_SHARE
from benchmarks.processes import Checkpoints, checkpoints, service
from benchmarks.servers import folder, valkey


def rate(count: int) -> float:
    """Visits a second that were heard, routed, appended, published, counted; and their referrals counted as well.

    As with the peers, the first tenth is the start and does not count.
    """
    with folder() as home, valkey() as server:
        settings = house.settings_of(home, server)
        uvloop.run(house.preload(settings, visits(count)))
        uvloop.run(house.relayed_s(settings))
        routes, counts = service("referral", home, server), service("stats", home, server)
        with counts, routes, checkpoints(home, "stats") as found:
            began_at, before = _when_counted(found, max(1, round(count * WARM_UP_SHARE)))
            ended_at, counted = _when_counted(found, count)
            return (counted - before) / (ended_at - began_at)


def _when_counted(found: Checkpoints, count: int) -> tuple[float, int]:
    """When that many visits, and their referrals, were counted."""
    deadline = time.monotonic() + DRAIN_S_MAX
    while True:
        counted = min(found.position("intake"), found.position("referral"))
        if counted >= count:
            return time.perf_counter(), counted
        if time.monotonic() > deadline:
            raise TimeoutError(f"{counted} of {count} visits counted")
        time.sleep(POLL_S)
