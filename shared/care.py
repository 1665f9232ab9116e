"""What a running service does for whoever takes care of the house: tell where it stands, replay, copy itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from sqlalchemy import Connection

from shared.copying import copy_file
from shared.envelope import decode
from shared.service import Service
from shared.subscription import Subscription
from shared.web.problems import not_found

HOLD_S_MAX = 600.0
"""Whoever holds a reader for longer has forgotten it."""
HOLD_LINE_S = 0.2

Rebuild = Callable[[], Awaitable[dict[str, Any]]]


class Care:
    """The house's own questions to one service. `rebuild` makes its read model again from position 1."""

    def __init__(self, service: Service, rebuild: Rebuild) -> None:
        self._service = service
        self.rebuild = rebuild

    async def status(self) -> dict[str, Any]:
        """Heads of the log, checkpoints of the subscriptions, number of dead letters."""
        service = self._service
        heads = await service.log.heads() if service.log else None
        # What another replica reads stands in the database, not with us.
        checkpoints = await service.database.read(
            lambda connection: [one.place.checkpoint(connection) for one in service.hearing.subscriptions]
        )
        subscribers = [
            {
                "service": service.name,
                "topic": subscription.place.topic,
                "partition": subscription.place.partition,
                "checkpoint": checkpoint,
                "owned": service.hearing.owns(subscription),
                "waits_for": subscription.waits_for,
            }
            for subscription, checkpoint in zip(service.hearing.subscriptions, checkpoints, strict=True)
        ]
        letters = await service.database.read(self._count_letters)
        health = await service.health()
        return {"ready": health["ready"], "heads": heads, "subscribers": subscribers, "dead_letters": letters}

    async def recorded_at(self, partition: int, position: int) -> str | None:
        """When the event at a position was recorded; None when there is none yet."""
        log = self._service.log
        entries = await log.read_after(partition, position - 1, 1) if log else []
        return decode(entries[0].body).recorded_at if entries else None

    async def copy(self, target: str) -> None:
        """Write a consistent copy of this service's SQLite database to a new file, while work goes on."""
        await copy_file(self._service.database, target)

    async def hold(self) -> AsyncIterator[bytes]:
        """Take in nothing for as long as the caller listens; a line every moment says that it is so.

        A copy made meanwhile stands no further than the logs that were copied before it.
        """
        async with AsyncExitStack() as held:
            for subscription in self._service.hearing.subscriptions:
                await held.enter_async_context(subscription.held())
            until = time.monotonic() + HOLD_S_MAX
            while time.monotonic() < until:
                yield b"held\n"
                await asyncio.sleep(HOLD_LINE_S)

    async def dead_letters(self) -> list[dict[str, Any]]:
        """What was put aside, oldest first."""
        found = []
        for subscription in self._service.hearing.subscriptions:
            letters = await self._service.database.read(subscription.place.parked)
            found += [{**letter.model_dump(), "entry": letter.entry.decode(errors="replace")} for letter in letters]
        return found

    async def replay(self, topic: str | None, stream: str | None, position: int | None) -> dict[str, int]:
        """Hand dead letters in again: one, those of one stream, or all; each stream in order."""
        replayed = still_parked = 0
        for subscription in self._chosen(topic):
            handled, left = await subscription.replay(stream, position)
            replayed, still_parked = replayed + handled, still_parked + left
        return {"replayed": replayed, "still_parked": still_parked}

    async def discard(self, topic: str, partition: int, position: int) -> int:
        """Give one dead letter up for good; its stream may go on."""
        for subscription in self._chosen(topic):
            if subscription.place.partition == partition and await subscription.discard(position):
                return 1
        raise not_found("dead letter")

    def _chosen(self, topic: str | None) -> list[Subscription]:
        subscriptions = self._service.hearing.subscriptions
        return [one for one in subscriptions if topic is None or one.place.topic == topic]

    def _count_letters(self, connection: Connection) -> int:
        return sum(len(one.place.parked(connection)) for one in self._service.hearing.subscriptions)
