"""The work that Celery and taskiq are given: a task an event, decoded, routed, handed over and counted.

Nothing is written to SQL, nothing is deduplicated: less than the house does for the same event.
"""

import os
import time

import redis

from benchmarks.entries import CATEGORIES
from benchmarks.servers import python, valkey
from shared import envelope
from shared.events.intake import VisitRecorded

SERVER = "BENCH_SERVER"
FIGURES = "figures"
FILL_S_MAX = 120.0
DRAIN_S_MAX = 120.0
POLL_S = 0.01
WARM_UP_SHARE = 0.1

_PARTNERS = {category: f"p{number:02}" for number, category in enumerate(CATEGORIES, start=1)}


def server() -> str:
    """The UNIX socket of the server that this worker works on."""
    return os.environ[SERVER]


def route(entry: str) -> tuple[str, str]:
    """(queue, category): where the visit's request goes, and under what it is counted."""
    visit = envelope.decode(entry).event
    assert isinstance(visit, VisitRecorded)
    category = visit.requests[0].category
    return f"queue:{_PARTNERS[category]}", category


def drained_rate(module: str, worker: tuple[str, ...], count: int) -> float:
    """Tasks a second while `worker` empties the queue that `module` filled; its start does not count."""
    with valkey() as path:
        environment = {SERVER: str(path)}
        with python("-m", module, str(count), **environment) as filling:
            filling.communicate(timeout=FILL_S_MAX)
            assert filling.returncode == 0, f"{module} could not fill its queue"
        with python(*worker, **environment), redis.Redis(unix_socket_path=str(path)) as client:
            return _rate(client, count)


def _rate(client: redis.Redis, count: int) -> float:
    deadline = time.monotonic() + DRAIN_S_MAX
    began_at, done_before = _when_done(client, max(1, round(count * WARM_UP_SHARE)), deadline)
    ended_at, done = _when_done(client, count, deadline)
    handed_over = sum(client.xlen(f"queue:{partner}") for partner in _PARTNERS.values())
    assert done == handed_over == count, f"{done} counted, {handed_over} handed over, of {count}"
    return (done - done_before) / (ended_at - began_at)


def _when_done(client: redis.Redis, count: int, deadline: float) -> tuple[float, int]:
    while True:
        done = sum(map(int, client.hvals(FIGURES)))
        if done >= count:
            return time.perf_counter(), done
        if time.monotonic() > deadline:
            raise TimeoutError(f"{done} of {count} tasks done")
        time.sleep(POLL_S)
