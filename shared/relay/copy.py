"""One topic kept as a true copy of one slice of a log."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.bus import position_of
from shared.failpoints import failpoint
from shared.log import Entry

ENTRIES_MAX = 500
"""Entries in one call of the script. The server runs nothing else meanwhile: a few milliseconds."""

Read = Callable[[int, int], Awaitable[list[Entry]]]
"""(after, limit) -> the slice's entries after a position, in order."""

Start = Callable[[], Awaitable[int]]
"""The position after which an emptied topic is filled again."""

_SCRIPT = (Path(__file__).parent / "append.lua").read_bytes


NOTHING_AHEAD: tuple[int, list[Entry]] = (0, [])


class Reply(IntEnum):
    """What the script says first."""

    ELSEWHERE = 0
    ADDED = 1
    REFUSED = 2


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
        self._script = redis.register_script(_SCRIPT())
        # Where the topic ends, by its own last word; None = not asked yet.
        self._ends_at: int | None = None
        # Where to go on in the log. Differs from `_ends_at` only when an emptied topic starts again in the middle.
        self._after = 0
        self._ahead = NOTHING_AHEAD

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
        """Copy one batch. False = the topic holds all that there was to read; True = there may be more to do.

        Raises `BusRefused`, or what the client raises when the server cannot be reached.
        """
        if self._ends_at is None:
            await self.look()
        entries = await self._next()
        if not entries:
            return False
        failpoint(self._crash_point)
        # The server adds these while the next ones are read.
        added, self._ahead = await asyncio.gather(self._send("append", entries, self._after), self._read_ahead(entries))
        failpoint("relay.after-publish")
        return not added or len(entries) == ENTRIES_MAX

    async def _next(self) -> list[Entry]:
        after, entries = self._ahead
        # Events do not change: what was read ahead is good, if it is still what comes next.
        if entries and after == self._after:
            return entries
        return await self._read(self._after, ENTRIES_MAX)

    async def _read_ahead(self, entries: list[Entry]) -> tuple[int, list[Entry]]:
        if len(entries) < ENTRIES_MAX:
            return NOTHING_AHEAD
        after = entries[-1].position
        return after, await self._read(after, ENTRIES_MAX)

    async def restart(self, after: int) -> None:
        """Build the topic again from a position on, for a reader that stands before what it holds.

        Readers further on do not notice: they ask for what lies behind their own position.
        """
        await self.look()
        failpoint("relay.before-restart")
        await self._send("restart", await self._read(after, ENTRIES_MAX), after)

    async def trim(self, through: int) -> None:
        """Drop what every reader has finished."""
        failpoint("relay.before-trim")
        await self._redis.xtrim(self.key, minid=f"{through + 1}-0", approximate=False)

    async def begins_after(self) -> int:
        """The position after which the topic holds everything."""
        first = await cast("Any", self._redis).xrange(self.key, count=1)
        return position_of(first[0][0]) - 1 if first else self._after

    async def _send(self, mode: str, entries: list[Entry], after: int) -> bool:
        """True = they stand on the topic; False = it ended elsewhere, and nothing was added."""
        arguments: list[bytes | str | int] = [self._ends_at or 0, mode]
        for position, _tag, body in entries:
            arguments += (position, body)
        reply, last, *error = await self._script(keys=[self.key], args=arguments)
        if reply == Reply.ELSEWHERE:
            await self._go_to(last)
        else:
            self._ends_at, self._after = last, last or after
        if reply == Reply.REFUSED:
            raise BusRefused(error[0].decode())
        return bool(reply == Reply.ADDED)

    async def _go_to(self, actual: int) -> None:
        self._ends_at = actual
        # An empty topic says nothing of where to begin; an entry's position does.
        self._after = actual or await self._start()


async def last_position(redis: Redis, key: str) -> int:
    """The position of the last entry that a topic ever held; 0 when it does not exist."""
    try:
        info = await redis.xinfo_stream(key)
    except ResponseError:
        return 0
    return position_of(str(info["last-generated-id"], "ascii"))
