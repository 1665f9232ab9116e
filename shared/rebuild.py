"""A read model made again from position 1, beside the live one, and swapped in where both stand equal.

The rebuilding reader is a subscriber like any other, with a name of its own: the relay fills the topic from
position 1 for it, while the live reader goes on. When the two are close, the live one is held for the moment
that the other needs to draw level; then tables and checkpoints change places in one transaction.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.sql import quoted_name

from shared.clock import utc_now
from shared.failpoints import failpoint
from shared.service import Service
from shared.subscription import Hearing, Subscription, Topic
from shared.web.problems import Problem

CLOSE_ENOUGH = 2_000
"""Events between the two readers below which the live one is held."""
LOOK_EVERY_S = 0.02
BATCH_MAX = 5_000
"""Entries at a time: more than a live reader takes, for what many have in common is written once. Not more still: the
live reader waits for the same writer."""
REBUILDING = "_rebuilding"


async def rebuild_heard(
    service: Service, tables: Sequence[Table], topics: Callable[[str], list[Topic]]
) -> dict[str, Any]:
    """Rebuild what is made from heard topics. `topics(suffix)` are those that write to `<table><suffix>`."""
    started = utc_now()
    if not all(service.hearing.owns(live) for live in service.hearing.subscriptions):
        # What another replica reads cannot be held from here.
        raise Problem(
            409,
            "other-replicas",
            "Other replicas read along",
            "A read model is rebuilt by a replica that reads everything: stop the others, and ask again.",
        )
    await service.database.write(lambda connection: create_empty(connection, tables))
    hearing = Hearing(
        service.broker, service.redis, service.database, service.name + REBUILDING, alone=True, batch_max=BATCH_MAX
    )
    for topic in topics(REBUILDING):
        hearing.subscribe(topic)
    pairs = list(zip(service.hearing.subscriptions, hearing.subscriptions, strict=True))
    try:
        await hearing.start()
        await _until(lambda: all(live.position - new.position < CLOSE_ENOUGH for live, new in pairs))
        async with AsyncExitStack() as held:
            for live, _ in pairs:
                await held.enter_async_context(live.held())
            await _until(lambda: all(new.position >= live.position for live, new in pairs))
            async with AsyncExitStack() as level:
                for _, new in pairs:
                    await level.enter_async_context(new.held())
                await service.database.write(lambda connection: _swap(connection, tables, hearing.reader, pairs))
                failpoint("rebuild.after-commit")
                for live, _ in pairs:
                    # Where to read on from, and which cases are held back now.
                    await live.load()
                    # What it was handed while it was held would be tried on a table that has changed its name.
                    new.retire()
    finally:
        await hearing.stop()
        await hearing.withdraw()
    return {"rebuilt": [table.name for table in tables], "seconds": (utc_now() - started).total_seconds()}


async def _until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110 - two readers that know nothing of each other
        await asyncio.sleep(LOOK_EVERY_S)


def beside(table: Table) -> Table:
    """The same table under the name that it has while it is being rebuilt."""
    return table.to_metadata(MetaData(), name=table.name + REBUILDING)


def create_empty(connection: Connection, tables: Sequence[Table]) -> None:
    """Create the tables to rebuild into, and forget what an earlier attempt left."""
    for table in tables:
        connection.execute(text(f"DROP TABLE IF EXISTS {table.name}{REBUILDING}"))
        copy = beside(table)
        # Index names are unique in a schema: the live table's are taken until the swap.
        for index in copy.indexes:
            index.name = quoted_name(f"{index.name}_{utc_now():%Y%m%d%H%M%S%f}", quote=False)
        copy.create(connection)
    connection.execute(text("DELETE FROM checkpoints WHERE reader LIKE :reader"), {"reader": f"%{REBUILDING}"})


def _swap(
    connection: Connection,
    tables: Sequence[Table],
    reader: str,
    pairs: Sequence[tuple[Subscription, Subscription]],
) -> None:
    for table in tables:
        swap_table(connection, table)
    for live, new in pairs:
        live.place.move(connection, live.position, new.position)
        # What could not be counted then may be countable now, and the other way round: the new list holds.
        connection.execute(text("DELETE FROM dead_letters WHERE reader = :reader"), {"reader": live.place.reader})
    connection.execute(
        text("UPDATE dead_letters SET reader = :live WHERE reader = :reader"),
        {"live": reader.removesuffix(REBUILDING), "reader": reader},
    )
    connection.execute(text("DELETE FROM checkpoints WHERE reader = :reader"), {"reader": reader})
    failpoint("rebuild.before-commit")


def swap_table(connection: Connection, table: Table) -> None:
    """Put the rebuilt table in the place of the live one."""
    connection.execute(text(f"DROP TABLE {table.name}"))
    connection.execute(text(f"ALTER TABLE {table.name}{REBUILDING} RENAME TO {table.name}"))
