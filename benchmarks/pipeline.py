"""Routed and counted: referral and stats, a process each, working a full topic of visits together."""

import time

import uvloop

from benchmarks import house
from benchmarks.entries import visits
from benchmarks.peer import DRAIN_S_MAX, POLL_S
from benchmarks.processes import Checkpoints, checkpoints, held, service
from benchmarks.servers import folder, valkey


def rate(count: int) -> float:
    """Visits a second that were heard, routed, appended, published, counted; and their referrals counted as well.

    Both stand ready at the topic and are stopped while it is filled.
    """
    with folder() as home, valkey() as server:
        settings = house.settings_of(home, server)
        uvloop.run(house.preload(settings, visits(count)))
        with service("referral", home, server) as referral, service("stats", home, server) as stats:
            with held(referral.pid, stats.pid):
                uvloop.run(house.relayed_s(settings))
            started = time.perf_counter()
            with checkpoints(home, "stats") as found:
                _wait(found, count)
            return count / (time.perf_counter() - started)


def _wait(found: Checkpoints, count: int) -> None:
    deadline = time.monotonic() + DRAIN_S_MAX
    while (counted := min(found.position("intake"), found.position("referral"))) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{counted} of {count} visits counted")
        time.sleep(POLL_S)
