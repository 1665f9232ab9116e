"""The queues made again from the log, beside the live ones, and swapped in at the head.

Read models that stand in their own log's transactions need no topic: the log is at hand. Nothing is appended
in the transaction that reads the last entries and swaps, so both stand at the same position.
"""

from typing import Any

from sqlalchemy import Connection

from services.referral.handlers.loading import lock_heads
from services.referral.keeping import Keep, Tables, keeper
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.envelope import Recorded, decode
from shared.log import Log
from shared.log.log import select
from shared.rebuild import beside, create_empty, swap_table

CHUNK = 2_000


async def rebuild_queues(log: Log, database: Database, catalogue: Catalogue) -> dict[str, Any]:
    """Rebuild the queues and the places. Appends go on between the chunks."""
    started = utc_now()
    keep = keeper(catalogue, Tables(*map(beside, Tables())))
    await database.write(lambda connection: create_empty(connection, Tables()))
    done = dict.fromkeys(range(log.partitions), 0)
    while await database.write(lambda connection: _copy_chunk(connection, keep, done)):
        pass
    await database.write(lambda connection: _finish(connection, keep, done))
    return {"rebuilt": [table.name for table in Tables()], "seconds": (utc_now() - started).total_seconds()}


def _copy_chunk(connection: Connection, keep: Keep, done: dict[int, int]) -> int:
    """Take in the next entries of each partition; how many there were."""
    taken = 0
    for partition, position in done.items():
        rows = select(
            connection,
            "SELECT position, stream, version, entry FROM events WHERE partition = :partition AND position > :position"
            " ORDER BY position LIMIT :limit",
            partition=partition,
            position=position,
            limit=CHUNK,
        )
        recorded = []
        for place, stream, version, entry in rows:
            envelope = decode(entry)
            recorded.append(
                Recorded(stream, version, partition, place, envelope.occurred_at, envelope.event, envelope.recorded_at)
            )
        keep(connection, recorded)
        if rows:
            done[partition] = rows[-1][0]
        taken += len(rows)
    return taken


def _finish(connection: Connection, keep: Keep, done: dict[int, int]) -> None:
    # Holding every counter keeps the appends of other processes out until the tables have changed places.
    lock_heads(connection, done)
    while _copy_chunk(connection, keep, done):
        pass
    for table in Tables():
        swap_table(connection, table)
