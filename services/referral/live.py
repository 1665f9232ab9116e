"""A partner's queue as it happens: server-sent events whose id is the entry's ID, signed: a cut is resumed exactly.

The queue on the bus is a window: what lies before it, or is gone with a wiped server, is read from the log.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import msgspec
from redis.asyncio import Redis
from sse_starlette import ServerSentEvent

from services.referral.queries import ReferralView, cursor, referrals
from shared.access.scope import Scope
from shared.bus import BUS_FAILURES, position_of, queue_key
from shared.database import Database
from shared.envelope import Envelope, decode
from shared.log import Entry, Log, partition_of
from shared.web.cursors import Cursors

BATCH_MAX = 200
BLOCK_MS = 1_000
RETRY_MS = 1_000


class Happened(NamedTuple):
    """One event of a queue: its position, its name, and the referral as it stands now; None for a permanence."""

    position: int
    name: str
    view: ReferralView | None


class LiveQueue:
    """Streams one queue after another to whoever listens."""

    def __init__(self, log: Log, database: Database, redis: Redis, cursors: Cursors) -> None:
        self._log, self._database, self._redis, self._cursors = log, database, redis, cursors

    def cursor(self, code: str, position: int) -> str:
        """Where a page of this queue, or a live reader of it, goes on: good for this queue alone."""
        return self._cursors.give(queue_key(code), cursor(position))

    def place(self, code: str, after: str, last_event_id: str | None = None) -> int:
        """The position that a reader says it stands at; what the browser says by itself is newer than its address.

        Raises the 422 problem for a cursor that was not given for this queue.
        """
        if last_event_id is not None:
            return position_of(self._cursors.read(queue_key(code), last_event_id, "Last-Event-ID"))
        return position_of(self._cursors.read(queue_key(code), after))

    async def stream(
        self, scope: Scope, code: str, after: int, tell: Callable[[ReferralView], ReferralView]
    ) -> AsyncIterator[ServerSentEvent]:
        """Every event of a queue behind a position, for ever: first what there is, then what comes.

        `tell` makes of each referral what the reader may know of it.
        """
        yield ServerSentEvent(comment="the queue", retry=RETRY_MS)
        async for happened in self.follow(scope, code, after):
            view = happened.view
            data = {**(tell(view).model_dump() if view else {}), "position": happened.position}
            text = msgspec.json.encode(data).decode()
            yield ServerSentEvent(text, event=happened.name, id=self.cursor(code, happened.position))

    async def follow(self, scope: Scope, code: str, after: int) -> AsyncIterator[Happened]:
        """What `stream` tells, before it is put into words."""
        while True:
            # The log is the truth; the bus only says when to look. So nothing is missed when the bus is wiped.
            entries = await self._log.read_tagged(code, after, BATCH_MAX)
            for happened in await self._happened(scope, entries):
                yield happened
            if entries:
                after = entries[-1].position
            else:
                await self._wait(code, after)

    async def head(self, code: str) -> int:
        """The position that a page of this queue stands at: read before its rows, it misses nothing."""
        heads = await self._log.heads()
        return heads.get(partition_of(code, self._log.partitions), 0)

    async def _wait(self, code: str, after: int) -> None:
        try:
            await self._redis.xread({queue_key(code): cursor(after)}, count=1, block=BLOCK_MS)
        except BUS_FAILURES:
            await asyncio.sleep(BLOCK_MS / 1000)

    async def _happened(self, scope: Scope, entries: list[Entry]) -> list[Happened]:
        envelopes = [decode(entry.body) for entry in entries]
        views = await referrals(self._database, scope, {_referral_id(envelope) for envelope in envelopes})
        return [
            Happened(entry.position, envelope.type.split(".")[1], views.get(_referral_id(envelope)))
            for entry, envelope in zip(entries, envelopes, strict=True)
        ]


def _referral_id(envelope: Envelope) -> str:
    return envelope.stream.removeprefix("referral-")
