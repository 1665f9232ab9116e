"""Who reads which partition, where several replicas of a service share one PostgreSQL.

Each replica keeps one database session for locks: a shared one says that it is there, an exclusive one each says
which partitions it reads. Locks only spare work. What makes effects happen once is the checkpoint's
compare-and-set: two replicas that both believe they own a partition commit each event once between them.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from itertools import groupby
from math import ceil
from typing import Protocol

import psycopg

from shared.database import Database
from shared.subscription.checkpoints import Place
from shared.subscription.locks import LockSession, LocksLost
from shared.tasks import end

TICK_S = 0.5
BEGIN_S_MAX = 2.0
TAKE_AGAIN_S = 2.0
"""What we could not begin to read is left to others for this long."""
LEASE_S = 3.0
"""A replica that stands still for this long loses its session, by the server's own clock, and others take over.

Longer than a tick in which a beginning takes all the time it may.
"""

_log = logging.getLogger(__name__)


class Reading(Protocol):
    """What an owner does with a partition."""

    async def begin(self, place: Place) -> None:
        """Load the checkpoint, then read. Leaves nothing half begun when it raises."""

    async def end(self, place: Place, *, at_once: bool = False) -> None:
        """Stop reading: once the batch under way is finished, or at once. Nothing happens if it was not begun."""


class Ownership(Protocol):
    """Which partitions are read here."""

    async def start(self, places: Sequence[Place]) -> None:
        """Begin to read what is ours."""

    async def stop(self) -> None:
        """Finish the batches under way, read nothing more and leave everything to others."""

    def owns(self, place: Place) -> bool:
        """Whether this process reads the partition, as far as it can know without asking."""

    def is_steady(self) -> bool:
        """Whether it is known who owns what."""


class Alone:
    """One process reads everything, as on SQLite: no locks, no cost."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._places: Sequence[Place] = ()

    async def start(self, places: Sequence[Place]) -> None:
        """Begin to read everything."""
        self._places = places
        for place in places:
            await self._reading.begin(place)

    async def stop(self) -> None:
        """Stop reading."""
        await asyncio.gather(*(self._reading.end(place) for place in self._places))

    def owns(self, _place: Place) -> bool:
        """Everything is ours."""
        return True

    def is_steady(self) -> bool:
        """Nobody else has a say."""
        return True


class Shared:
    """Each replica reads at most its share of each topic's partitions, and takes over what others leave."""

    def __init__(self, reading: Reading, database: Database, reader: str) -> None:
        self._reading, self._database, self._reader = reading, database, reader
        self._topics: list[list[Place]] = []
        self._locks: LockSession | None = None
        # Locked by us; of these, the ones that are being read; and the ones that are being handed over.
        self._held: set[Place] = set()
        self._begun: set[Place] = set()
        self._leaving: dict[Place, asyncio.Task[None]] = {}
        self._confirmed_at = float("-inf")
        self._takes_after = float("-inf")
        self._was_steady = True
        self._sharing: asyncio.Task[None] | None = None

    async def start(self, places: Sequence[Place]) -> None:
        """Take a share, and keep it right from now on. A database or bus that is away is waited for meanwhile."""
        self._topics = [list(group) for _, group in groupby(places, key=lambda place: place.topic)]
        await self._tick()
        self._sharing = asyncio.create_task(self._share_forever())

    async def stop(self) -> None:
        """Hand everything over."""
        if self._sharing:
            await end(self._sharing)
            self._sharing = None
        await end(*self._leaving.values())
        await asyncio.gather(*(self._reading.end(place) for place in self._held))
        await self._let_go()

    def owns(self, place: Place) -> bool:
        """Whether it is read here. After a standstill (a frozen machine) no, until the locks have been seen again."""
        return place in self._begun and self.is_steady()

    def is_steady(self) -> bool:
        """Whether the locks were seen a moment ago."""
        return time.monotonic() - self._confirmed_at < LEASE_S

    async def _share_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            await self._tick()

    async def _tick(self) -> None:
        try:
            await self._share()
            self._was_steady = True
        except Exception as error:
            # Whatever it was: without knowing our locks we read nothing, and begin anew.
            if self._was_steady:
                known = isinstance(error, psycopg.Error | OSError | TimeoutError | LocksLost)
                _log.warning("%s has no locks: %s", self._reader, error, exc_info=not known)
            self._was_steady = False
            await self._lose()
            # Who lost theirs with us is counted before anybody takes more than a share.
            self._takes_after = time.monotonic() + 2 * TICK_S

    async def _share(self) -> None:
        if self._locks is None:
            places = [place for topic in self._topics for place in topic]
            self._locks = await LockSession.open(self._database, self._reader, places, LEASE_S)
        asked_at, leaving = time.monotonic(), set(self._leaving)
        seen = await self._locks.look()
        if (seen.mine ^ self._held) - leaving:
            raise LocksLost("the session does not keep its locks; a pooler must hand out sessions, not transactions")
        self._confirmed_at = asked_at
        for places in self._topics:
            most = ceil(len(places) / max(seen.replicas, 1))
            mine = [place for place in places if place in self._held and place not in self._leaving]
            if len(mine) > most:
                # One a tick: the others read on, and who takes it over is not overwhelmed.
                self._leaving[mine[-1]] = asyncio.create_task(self._give_back(mine[-1]))
            elif len(mine) < most:
                free = [place for place in places if place not in seen.held]
                await self._take(free[: most - len(mine)])

    async def _take(self, places: Collection[Place]) -> None:
        if not places or self._locks is None or time.monotonic() < self._takes_after:
            return
        taken = await self._locks.take(places)
        self._held |= taken
        failures = await asyncio.gather(*(self._begin(place) for place in taken))
        for place, failure in zip(taken, failures, strict=True):
            if failure is not None:
                # Somebody who reaches what we cannot reach may have it.
                await self._locks.give_back(place)
                self._held.discard(place)
                self._takes_after = time.monotonic() + TAKE_AGAIN_S
        if failed := {type(failure).__name__ for failure in failures if failure}:
            _log.warning("%s cannot begin to read: %s", self._reader, ", ".join(sorted(failed)))

    async def _begin(self, place: Place) -> Exception | None:
        try:
            async with asyncio.timeout(BEGIN_S_MAX):
                await self._reading.begin(place)
        except Exception as error:
            # Whatever it was: the others that begin beside it must not be left alone with what they began.
            return error
        self._begun.add(place)
        return None

    async def _give_back(self, place: Place) -> None:
        try:
            await self._reading.end(place)
            self._begun.discard(place)
            if self._locks:
                await self._locks.give_back(place)
            self._held.discard(place)
        except (psycopg.Error, OSError, TimeoutError):
            # The next look at the locks finds the same failure, and starts anew.
            _log.debug("%s could not give back %s", self._reader, place)
        finally:
            self._leaving.pop(place, None)

    async def _lose(self) -> None:
        self._confirmed_at = float("-inf")
        await end(*self._leaving.values())
        await asyncio.gather(*(self._reading.end(place, at_once=True) for place in self._held))
        await self._let_go()

    async def _let_go(self) -> None:
        self._begun.clear()
        self._held.clear()
        if self._locks:
            locks, self._locks = self._locks, None
            await locks.close()
