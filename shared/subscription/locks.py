"""A PostgreSQL session that holds advisory locks for one replica. They fall with the session, whatever ends it."""

import asyncio
import os
import socket
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import psycopg

from shared.database import Database
from shared.subscription.checkpoints import Place

ANSWER_S_MAX = 2.0

_LOOK = """
    SELECT classid::bigint, objid::bigint, pid = pg_backend_pid() FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid::bigint = ANY(%s::bigint[])
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class LocksLost(Exception):
    """What we believe to hold is not what the server says."""


@dataclass(frozen=True)
class Seen:
    """How many replicas there are, which partitions are locked by anybody, and which of them by us."""

    replicas: int
    held: frozenset[Place]
    mine: frozenset[Place]


class LockSession:
    """Every call raises `psycopg.Error`, `OSError` or `TimeoutError` when the session is of no more use."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]", reader: str, places: Sequence[Place]) -> None:
        self._connection = connection
        self._presence = (_number(reader), 0)
        self._keys = {place: (_number(reader, place.topic), place.partition) for place in places}
        self._places = {key: place for place, key in self._keys.items()}

    @classmethod
    async def open(cls, database: Database, reader: str, places: Sequence[Place], lease_s: float) -> "LockSession":
        """Connect, and say that we are here. The server ends the session once we ask nothing for `lease_s`."""
        async with asyncio.timeout(ANSWER_S_MAX):
            connection = await psycopg.AsyncConnection.connect(
                database.url.set(drivername="postgresql").render_as_string(hide_password=False),
                autocommit=True,
                application_name=f"maison {reader} {socket.gethostname()}:{os.getpid()}",
                connect_timeout=int(ANSWER_S_MAX),
                # A network that swallows everything: the system gives up in time for us to do so.
                tcp_user_timeout=int(ANSWER_S_MAX * 1000),
            )
        session = cls(connection, reader, places)
        try:
            # A frozen process keeps its connection for ever; this is how its locks fall all the same.
            await session._ask("SELECT set_config('idle_session_timeout', %s, false)", f"{lease_s * 1000:.0f}ms")
            await session._ask("SELECT pg_advisory_lock_shared(%s, %s)", *session._presence)
        except BaseException:
            await session.close()
            raise
        return session

    async def look(self) -> Seen:
        """See all the locks of our reader."""
        classes = sorted({self._presence[0], *(number for number, _ in self._keys.values())})
        rows = await self._ask(_LOOK, classes)
        held = {self._places[(number, partition)]: mine for number, partition, mine in self._known(rows)}
        return Seen(
            sum((number, partition) == self._presence for number, partition, _ in rows),
            frozenset(held),
            frozenset(place for place, mine in held.items() if mine),
        )

    async def take(self, places: Collection[Place]) -> set[Place]:
        """Try to lock these, none of which we hold; the ones that we got."""
        numbers, partitions = zip(*(self._keys[place] for place in places), strict=True)
        rows = await self._ask(
            "SELECT number, partition FROM unnest(%s::int4[], %s::int4[]) AS wanted (number, partition)"
            " WHERE pg_try_advisory_lock(number, partition)",
            list(numbers),
            list(partitions),
        )
        return {self._places[(number, partition)] for number, partition in rows}

    async def give_back(self, place: Place) -> None:
        """Unlock."""
        await self._ask("SELECT pg_advisory_unlock(%s, %s)", *self._keys[place])

    async def close(self) -> None:
        """End the session, and every lock with it."""
        with suppress(psycopg.Error, OSError):
            await self._connection.close()

    def _known(self, rows: Sequence[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
        return [row for row in rows if row[:2] in self._places]

    async def _ask(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        async with asyncio.timeout(ANSWER_S_MAX):
            cursor = await self._connection.execute(sql, parameters)
            return await cursor.fetchall()


def _number(*names: str) -> int:
    """The first of a lock's two numbers; the second is the partition. Positive: `pg_locks` shows it unsigned."""
    return int.from_bytes(sha256("/".join(("maison", *names)).encode()).digest()[:4]) & 0x7FFFFFFF
