"""The relay: what a log holds appears on its topic, and on its partners' queues, in order and once.

It is woken by each commit of its own process; looking again every second is the net under that, and finds what
other processes wrote and what a server has lost.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf

from redis.asyncio import Redis

from shared.bus import BUS_FAILURES, queue_key, topic_key
from shared.clock import utc_now
from shared.database import StoreUnavailable
from shared.log import Entry, Log
from shared.relay.copy import BusRefused, TopicCopy
from shared.relay.readers import lowest
from shared.tasks import end

LOOK_EVERY_S = 1.0
RETRY_AFTER_S = 0.5
WELL_AFTER_S = 30.0
"""Trouble that comes back sooner than this is the same trouble, and is not told again."""
WINDOW_MAX = 250_000
"""Entries that a topic holds at most, over all partitions of a log, behind what its slowest reader has finished.

A house that is loaded faster than it counts would fill the bus otherwise, and queues and other topics would wait too.
"""
QUEUE_KEPT = 1_000
"""Entries of each queue that stay on the bus; what is older is read from the log."""

_log = logging.getLogger(__name__)


class Relay:
    """Copies one log to the bus. `queues`: tags of this log are partners, each with a queue of its own."""

    def __init__(self, log: Log, redis: Redis, *, queues: bool = False) -> None:
        self._events, self._redis = log, redis
        self._topics: list[_Topic] = []
        self._queues: dict[str, TopicCopy] = {}
        self.with_queues = queues
        self._news: dict[int, asyncio.Event] = {}
        self._tagged: set[str] = set()
        # The partition that each tag lives in, as far as it was heard of.
        self._homes: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to relay. The log must have been started."""
        for partition in range(self._events.partitions):
            self._news[partition] = asyncio.Event()
            topic = _Topic(self._events, self._redis, partition)
            self._topics.append(topic)
            self._tasks.append(asyncio.create_task(self._keep(topic.advance, topic.tend, self._news[partition])))
        if self.with_queues:
            self._news[-1] = asyncio.Event()
            self._tagged.update(await self._events.tags())
            self._tasks.append(asyncio.create_task(self._keep(self._advance_queues, self._tend_queues, self._news[-1])))
        self._events.on_append(self._wake)

    async def stop(self) -> None:
        """Stop; what is not relayed yet is relayed at the next start."""
        await end(*self._tasks)

    @property
    def positions(self) -> dict[int, int]:
        """The position that each partition's topic was last known to end at."""
        return {topic.partition: topic.ends_at for topic in self._topics}

    def _wake(self, entries: dict[int, list[Entry]]) -> None:
        for partition, new in entries.items():
            if new:
                self._news[partition].set()
                if self.with_queues:
                    tags = {entry.tag for entry in new if entry.tag}
                    self._tagged |= tags
                    self._homes.update(dict.fromkeys(tags, partition))
        if self._tagged and self.with_queues:
            self._news[-1].set()

    async def _keep(
        self, advance: Callable[[], Awaitable[None]], tend: Callable[[], Awaitable[None]], news: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        tend_at = loop.time()
        trouble = _Trouble(loop.time)
        while True:
            try:
                news.clear()
                if loop.time() >= tend_at:
                    # Before the advance: a full server refuses entries until what is done was dropped.
                    tend_at = loop.time() + LOOK_EVERY_S
                    await tend()
                await advance()
                trouble.none()
                # Not `wait_for`: before Python 3.12 it can swallow the cancellation of a stop.
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(tend_at - loop.time(), 0.01)):
                        await news.wait()
            except (*BUS_FAILURES, BusRefused, StoreUnavailable) as error:
                trouble.of(error)
                await asyncio.sleep(RETRY_AFTER_S)
            except Exception:
                # A relay that died of a surprise would leave the house deaf without anybody noticing.
                _log.exception("relay failed, tries again")
                await asyncio.sleep(RETRY_AFTER_S)

    async def _advance_queues(self) -> None:
        while self._tagged:
            tags, self._tagged = self._tagged, set()
            try:
                await asyncio.gather(*(self._fill(self._queue(tag)) for tag in tags))
            except BaseException:
                self._tagged |= tags
                raise

    async def _tend_queues(self) -> None:
        for tag in await self._events.tags():
            queue = self._queue(tag)
            await queue.look()
            start = await self._events.nth_newest(tag, QUEUE_KEPT)
            newest = await self._events.nth_newest(tag, 0)
            if queue.ends_at != newest:
                # What was lost, or what another process wrote and did not live to relay.
                self._tagged.add(tag)
            # A queue that ends beyond the log tells of a log that is no more (a restored backup): it starts again.
            if queue.ends_at > newest:
                await queue.restart(start)
            elif start:
                await queue.trim(start)

    def _queue(self, tag: str) -> TopicCopy:
        if tag not in self._queues:

            async def read(after: int, limit: int) -> list[Entry]:
                return await self._events.read_tagged(tag, after, limit, self._homes.get(tag))

            async def start() -> int:
                return await self._events.nth_newest(tag, QUEUE_KEPT)

            self._queues[tag] = TopicCopy(self._redis, queue_key(tag), read, start, "queue.before-publish")
        return self._queues[tag]

    @staticmethod
    async def _fill(copy: TopicCopy) -> None:
        while await copy.advance():
            pass


class _Topic:
    """One partition on the bus: a window from the lowest checkpoint of its readers to the head of the log."""

    def __init__(self, log: Log, redis: Redis, partition: int) -> None:
        self._log, self._redis, self.partition = log, redis, partition
        self._lowest = 0

        async def read(after: int, limit: int) -> list[Entry]:
            return await log.read_after(partition, after, limit)

        self._copy = TopicCopy(redis, topic_key(log.source, partition), read, self._start, "relay.before-publish")

    @property
    def ends_at(self) -> int:
        """The position that the topic was last known to end at."""
        return self._copy.ends_at

    async def advance(self) -> None:
        while await self._copy.advance():
            pass

    async def tend(self) -> None:
        """Fill what is missing, rebuild for a reader that stands before the window, drop what all have done."""
        await self._copy.look()
        position = await lowest(self._redis, self._log.source, self.partition, _now_s)
        if position is None:
            self._copy.no_further_than = inf
            return
        self._lowest = position
        self._copy.no_further_than = position + WINDOW_MAX // self._log.partitions
        head = (await self._log.heads())[self.partition]
        # A topic that ends beyond the log tells of a log that is no more (a restored backup): it starts again.
        if self._copy.ends_at > head or position < await self._copy.begins_after():
            await self._copy.restart(min(position, head))
        else:
            await self._copy.trim(position)

    async def _start(self) -> int:
        # A wiped bus has forgotten its readers as well: the last that they said is still true of them.
        position = await lowest(self._redis, self._log.source, self.partition, _now_s)
        return self._lowest if position is None else position


class _Trouble:
    """Tells the log when the bus will not have what there is, and when it has it again: once each."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since: float | None = None
        self._last = 0.0

    def of(self, error: Exception) -> None:
        """It happened again."""
        self._last = self._now()
        if self._since is None:
            self._since = self._last
            _log.warning("relay waits: %s", type(error).__name__)

    def none(self) -> None:
        """All that there is was copied."""
        if self._since is not None and self._now() - self._last > WELL_AFTER_S:
            _log.warning("relay goes on, after %.0f s", self._last - self._since)
            self._since = None


def _now_s() -> float:
    return utc_now().timestamp()
