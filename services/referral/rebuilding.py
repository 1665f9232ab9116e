"""The queues made again from the log, beside the live ones, and swapped in at the head.

Read models that stand in their own log's transactions need no topic: the log is at hand. Nothing is appended
in the transaction that reads the last entries and swaps, so both stand at the same position.
"""

from typing import Any

from sqlalchemy import Connection

from services.referral.keeping import QUEUE_ITEMS, Keep, keeper
from shared.clock import utc_now
from shared.database import Database
from shared.envelope import Recorded, decode
from shared.log import Log
from shared.log.log import select
from shared.log.writing import dialect_of
from shared.rebuild import beside, create_empty, swap_table

CHUNK = 2_000


async def rebuild_queues(log: Log, database: Database) -> dict[str, Any]:
    """Rebuild `queue_items`. Appends go on between the chunks."""
    started = utc_now()
    table = beside(QUEUE_ITEMS)
    keep = keeper(table)
    await database.write(lambda connection: create_empty(connection, [QUEUE_ITEMS]))
    done = dict.fromkeys(range(log.partitions), 0)
    while await database.write(lambda connection: _copy_chunk(connection, keep, done)):
        pass
    await database.write(lambda connection: _finish(connection, keep, done))
    return {"rebuilt": [QUEUE_ITEMS.name], "seconds": (utc_now() - started).total_seconds()}


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
            recorded.append(Recorded(stream, version, partition, place, envelope.occurred_at, envelope.event))
        keep(connection, recorded)
        if rows:
            done[partition] = rows[-1][0]
        taken += len(rows)
    return taken


def _finish(connection: Connection, keep: Keep, done: dict[int, int]) -> None:
    # Holding every counter keeps the appends of other processes out until the tables have changed places.
    cursor = connection.connection.cursor()
    dialect_of(connection).lock_heads(cursor, list(done))
    cursor.close()
    while _copy_chunk(connection, keep, done):
        pass
    swap_table(connection, QUEUE_ITEMS)
