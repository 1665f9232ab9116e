"""One topic kept as a true copy of one slice of a log."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.bus import DATA_FIELD, position_of
from shared.failpoints import failpoint
from shared.log import Entry
from shared.relay.calls import Calls, ClusterCalls, Reply, Said, ScriptUnknown, calls, script

_FIELD = DATA_FIELD.encode()
ENTRIES_MAX = 250
"""Entries in one call of the script. The server runs nothing else meanwhile: a millisecond.

Two calls fit into a socket's buffers: one lies ready there when the server is done with the other.
"""
CALLS_MAX = 2
"""Calls on their way at once: the server begins with the next while we hear of the last."""

Read = Callable[[int, int], Awaitable[list[Entry]]]
"""(after, limit) -> the slice's entries after a position, in order."""

Start = Callable[[], Awaitable[int]]
"""The position after which an emptied topic is filled again."""


class BusRefused(Exception):
    """The server will not take more (out of memory, read only ...). What it took is in order and without a hole."""


class TopicCopy:
    """Copies entries to `key` in order. The topic's own last ID is the bookmark; nothing else is remembered for good.

    Any number of copies may run at once, in any processes: the script lets exactly one of them add each entry.
    """

    def __init__(self, redis: Redis, key: str, read: Read, start: Start, crash_point: str) -> None:
        self.key = key
        self._redis, self._read, self._start = redis, read, start
        self._crash_point = crash_point
        # Where the topic ends, by its own last word; None = not asked yet.
        self._ends_at: int | None = None
        # Where to go on in the log. Differs from `_ends_at` only when an emptied topic starts again in the middle.
        self._after = 0
        self.no_further_than = inf
        """The position behind which nothing is copied for the time being: readers are far behind."""

    @property
    def ends_at(self) -> int:
        """The position that the topic was last known to end at."""
        return self._ends_at or 0

    async def look(self) -> bool:
        """Ask the server where the topic ends. True when that is not where we left it."""
        actual = await last_position(self._redis, self.key)
        if actual == self._ends_at:
            return False
        await self._go_to(actual)
        return True

    async def advance(self) -> bool:
        """Copy what there is to read. False = the topic holds all of it; True = there may be more to do.

        Raises `BusRefused`, or what the client raises when the server cannot be reached.
        """
        if self._ends_at is None:
            # A server that is new to the script would refuse the first calls.
            await self._redis.script_load(script().source)
            await self.look()
        entries = await self._more(self._after)
        if not entries:
            return False
        try:
            async with calls(self._redis, self.key) as called:
                return await self._copy(called, entries)
        except ScriptUnknown:
            return True

    async def _copy(self, called: Calls | ClusterCalls, entries: list[Entry]) -> bool:
        # `expected`: where the topic ends once the calls on their way are carried out, each in its turn.
        expected, after = self._ends_at or 0, self._after
        # What each of them follows in the log.
        sent: deque[int] = deque()
        while entries or sent:
            if entries and len(sent) < CALLS_MAX:
                failpoint(self._crash_point)
                sent.append(after)
                sending, after = called.send(expected, "append", entries), entries[-1].position
                expected = after
                if len(entries) < ENTRIES_MAX:
                    await sending
                    entries = []
                else:
                    # Read while this is sent, and while the server adds.
                    entries, _ = await asyncio.gather(self._more(after), sending)
            else:
                added = await self._hear(await called.answer(), sent.popleft())
                failpoint("relay.after-publish")
                if not added:
                    # What was sent behind it expects another end than there is: the script refuses it.
                    return True
        return False

    async def _more(self, after: int) -> list[Entry]:
        return await self._read(after, ENTRIES_MAX) if after < self.no_further_than else []

    async def restart(self, after: int) -> None:
        """Build the topic again from a position on, for a reader that stands before what it holds.

        Readers further on do not notice: they ask for what lies behind their own position.
        """
        await self.look()
        await self._replace(self.ends_at, after)

    async def _replace(self, expected: int, after: int) -> None:
        failpoint("relay.before-restart")
        entries = await self._read(after, ENTRIES_MAX)
        while True:
            try:
                async with calls(self._redis, self.key) as called:
                    await called.send(expected, "restart", entries)
                    await self._hear(await called.answer(), after)
                    return
            except ScriptUnknown:
                continue

    async def _is_ours(self, last: int) -> bool:
        try:
            newest = (await self._redis.xinfo_stream(self.key))["last-entry"]
        except ResponseError:
            return True
        if newest is None or position_of(newest[0]) != last:
            # Trimmed to nothing, or moved on meanwhile: there is nothing to compare.
            return True
        ours = next(iter(await self._read(last - 1, 1)), None)
        return ours is not None and (ours.position, ours.body) == (last, newest[1].get(_FIELD))

    async def trim(self, through: int) -> None:
        """Drop what every reader has finished."""
        failpoint("relay.before-trim")
        await self._redis.xtrim(self.key, minid=f"{through + 1}-0", approximate=False)

    async def begins_after(self) -> int:
        """The position after which the topic holds everything."""
        first = await cast("Any", self._redis).xrange(self.key, count=1)
        return position_of(first[0][0]) - 1 if first else self._after

    async def _hear(self, said: Said, after: int) -> bool:
        """True = they stand on the topic; False = it ended elsewhere, and nothing was added. Raises `BusRefused`."""
        if said.reply == Reply.ELSEWHERE:
            await self._go_to(said.last)
            return False
        self._ends_at, self._after = said.last, said.last or after
        if said.reply == Reply.REFUSED:
            raise BusRefused(said.error.decode())
        return True

    async def _go_to(self, actual: int) -> None:
        if actual and not await self._is_ours(actual):
            # The topic of a log that is no more: ours was brought back from a backup, and went on otherwise.
            await self._replace(actual, await self._start())
            return
        # An empty topic says nothing of where to begin; an entry's position does.
        after = actual or await self._start()
        # Both or neither: cut off in between, it would go on behind entries that the topic does not hold.
        self._ends_at, self._after = actual, after


async def last_position(redis: Redis, key: str) -> int:
    """The position of the last entry that a topic ever held; 0 when it does not exist."""
    try:
        info = await redis.xinfo_stream(key)
    except ResponseError:
        return 0
    return position_of(str(info["last-generated-id"], "ascii"))
