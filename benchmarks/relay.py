"""Relay: log to topic by compare-and-append, against XADD packed by hand on a bare socket, AOF everysec."""

import time

import uvloop

from benchmarks.entries import visit_entries, visits
from benchmarks.house import preload, relayed_s, settings_of
from benchmarks.servers import folder, valkey
from benchmarks.topic import fill


def limit(count: int) -> float:
    """Entries a second into the topic, from memory, by 500."""
    entries = [entry for _, entry in visit_entries(count)]
    with valkey() as server:
        started = time.perf_counter()
        fill(server, entries)
        return count / (time.perf_counter() - started)


def ours(count: int) -> float:
    """Events a second from a log on disk into its topic, by a relay that has just started."""
    with folder() as home, valkey() as server:
        settings = settings_of(home, server)
        uvloop.run(preload(settings, visits(count)))
        return count / uvloop.run(relayed_s(settings))
