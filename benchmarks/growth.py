"""What a visit costs once a million events lie in the logs, and what the house has then grown to.

One house of real processes: a block of visits goes in by batches while referral and stats are held still, then
each of the two is let go on its own and works through the block. So it goes with almost empty logs, and again when they
have grown. Held means stopped by SIGSTOP: nothing of the house knows of the measurement.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import redis

from benchmarks.batch import LINES, posted_rate
from benchmarks.processes import Checkpoints, checkpoints, resident_bytes
from benchmarks.servers import folder
from services.house import House, read_card, running
from shared.bus import topic_key
from shared.settings import Settings

START_EVENTS = 1_000
BLOCK = 10_000
BLOCKS = 3
CHUNK = 20_000
POLL_S = 0.005
WAIT_S_MAX = 300.0
EVENTS_A_VISIT = 3
"""In both logs together: a case opened, a visit recorded, a referral issued."""


class Rates(NamedTuple):
    """Visits a second through each stage."""

    append: float
    referral: float
    stats: float


class Grown(NamedTuple):
    """Stage by stage at first and in the end; resident memory of the four processes; bytes an entry on the bus."""

    first: Rates
    last: Rates
    memory_mb: float
    entry_bytes: float

    @property
    def worst(self) -> int:
        """The stage that suffered most."""
        return min(range(len(self.first)), key=lambda stage: self.last[stage] / self.first[stage])


def limit(count: int) -> float:
    """The rate at first, of the stage that suffers most."""
    grown = measured(count)
    return grown.first[grown.worst]


def ours(count: int) -> float:
    """The rate of the same stage with `count` events in the logs."""
    grown = measured(count)
    return grown.last[grown.worst]


def memory_mb(count: int) -> float:
    """Resident megabytes of the three services and Valkey after `count` events."""
    return measured(count).memory_mb


def entry_bytes(count: int) -> float:
    """Bytes that an entry of intake's topic costs Valkey."""
    return measured(count).entry_bytes


@lru_cache(maxsize=2)
def measured(count: int) -> Grown:
    """All of it, once for all figures that are read from it."""
    with folder() as home:
        return asyncio.run(_measured(home, count))


async def _measured(home: Path, count: int) -> Grown:
    settings = Settings(data=home, database_url="", redis_url="")
    async with running(House(settings, free_ports=True)) as house:
        with checkpoints(home, "referral") as referral, checkpoints(home, "stats") as stats:
            grown = _Growth(home, house.urls["intake"], referral, stats)
            await grown.to(START_EVENTS)
            first = await grown.rates()
            await grown.to(count)
            last = await grown.rates()
            return Grown(first, last, grown.memory_mb(), await grown.entry_bytes())


class _Growth:
    """The house while it grows."""

    def __init__(self, home: Path, url: str, referral: Checkpoints, stats: Checkpoints) -> None:
        self._home, self._url, self._referral, self._stats = home, url, referral, stats
        self._visits = 0

    async def to(self, events: int) -> None:
        """Grow until the logs hold that many events, and all of them are handled."""
        while self._visits * EVENTS_A_VISIT < events:
            missing = -(-(events - self._visits * EVENTS_A_VISIT) // EVENTS_A_VISIT)
            await self._post(min(CHUNK, -(-missing // LINES) * LINES))
            await self._until(self._is_counted)

    async def rates(self) -> Rates:
        """Medians of three blocks."""
        blocks = [await self._block() for _ in range(BLOCKS)]
        return Rates(*(median(stage) for stage in zip(*blocks, strict=True)))

    async def _block(self) -> Rates:
        self._signal(signal.SIGSTOP, "referral", "stats")
        try:
            append = await self._post(BLOCK)
            routed = await self._timed("referral", lambda: self._referral.position("intake") == 2 * self._visits)
            # Referral runs on: idle, but for its relay, whose last entries stats is waiting for.
            counted = await self._timed("stats", self._is_counted)
        finally:
            self._signal(signal.SIGCONT, "referral", "stats")
        return Rates(append, routed, counted)

    async def _timed(self, name: str, is_done: Callable[[], bool]) -> float:
        started = time.perf_counter()
        self._signal(signal.SIGCONT, name)
        await self._until(is_done)
        return BLOCK / (time.perf_counter() - started)

    async def _post(self, visits: int) -> float:
        rate = await asyncio.to_thread(posted_rate, self._url, visits)
        self._visits += visits
        return rate

    def _is_counted(self) -> bool:
        return self._stats.position("intake") == 2 * self._visits and self._stats.position("referral") == self._visits

    @staticmethod
    async def _until(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S_MAX
        while not holds():
            assert time.monotonic() < deadline, "the house does not come to an end"
            await asyncio.sleep(POLL_S)

    def _signal(self, number: signal.Signals, *names: str) -> None:
        for name in names:
            os.kill(self._card()["services"][name]["pid"], number)

    def memory_mb(self) -> float:
        card = self._card()
        pids = [part["pid"] for part in (*card["services"].values(), card["bus"])]
        return resident_bytes(pids) / 1e6

    async def entry_bytes(self) -> float:
        """Measured on a full topic: what all have read is dropped within a second, so stats is held meanwhile."""
        self._signal(signal.SIGSTOP, "stats")
        try:
            await self._post(BLOCK)
            socket = self._card()["bus"]["url"].removeprefix("unix://")
            key = topic_key("intake", 0)
            with redis.Redis(unix_socket_path=socket) as client:
                return float(client.memory_usage(key, samples=0) or 0) / int(client.xlen(key))
        finally:
            self._signal(signal.SIGCONT, "stats")

    def _card(self) -> dict[str, Any]:
        card = read_card(self._home)
        assert card is not None
        return card
