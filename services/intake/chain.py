"""Records that are chained: each one's hash is made of it and of the hash before, so that a change in between shows.

There are two such trails: who read and did what, in the vault, and what happened at the door, beside the accounts.
That the end was cut off a chain does not show: for that its head is signed and taken away (`access/trail.py`).
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from itertools import takewhile
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, delete, insert, select, update

_ROWS_AT_A_TIME = 1_000


class Chain(NamedTuple):
    """The tables of one trail, both of the columns of the vault's.

    `version` goes into each hash, so that no record can be moved from one trail to another.
    """

    records: Table
    head: Table
    version: str


class Standing(NamedTuple):
    """How a trail stands: its last record, the hash there, the last that was purged, and the first at fault."""

    sequence: int
    hash: str
    purged_to: int
    fault: int | None


def append(connection: Connection, chain: Chain, told: Mapping[str, Any]) -> None:
    """Add a record, which has its moment as `at`; it is there if and only if the transaction is."""
    head = connection.execute(select(chain.head).with_for_update()).one()
    entry = msgspec.json.encode(told, order="deterministic").decode()
    sequence = head.sequence + 1
    digest = chained(chain.version, bytes(head.hash), sequence, entry)
    connection.execute(insert(chain.records).values(sequence=sequence, entry=entry, hash=digest))
    connection.execute(update(chain.head).values(sequence=sequence, hash=digest))


def check(connection: Connection, chain: Chain) -> Standing:
    """Go through the whole trail, from where it was purged.

    A record that was changed, dropped or put in between is the fault.
    """
    head, columns = connection.execute(select(chain.head)).one(), chain.records.c
    last, previous = head.purged_to, bytes(head.purged_hash)
    while rows := connection.execute(
        select(chain.records).where(columns.sequence > last).order_by(columns.sequence).limit(_ROWS_AT_A_TIME)
    ).all():
        for row in rows:
            previous = chained(chain.version, previous, last + 1, row.entry)
            if row.sequence != last + 1 or bytes(row.hash) != previous:
                return Standing(head.sequence, bytes(head.hash).hex(), head.purged_to, last + 1)
            last = row.sequence
    whole = last == head.sequence and previous == bytes(head.hash)
    return Standing(head.sequence, bytes(head.hash).hex(), head.purged_to, None if whole else last + 1)


def purge(connection: Connection, chain: Chain, before: datetime) -> int:
    """Drop records that are older; how many. The chain goes on from the last one's hash."""
    columns = chain.records.c
    oldest = connection.execute(select(columns.entry).order_by(columns.sequence).limit(1)).scalar()
    if oldest is None or _moment(oldest) >= before:
        return 0
    connection.execute(select(chain.head).with_for_update())
    rows = connection.execute(select(chain.records).order_by(columns.sequence).limit(_ROWS_AT_A_TIME)).all()
    old = list(takewhile(lambda row: _moment(row.entry) < before, rows))
    if not old:
        return 0
    last = old[-1]
    # First where the chain begins: the guard lets go of nothing behind it.
    connection.execute(update(chain.head).values(purged_to=last.sequence, purged_hash=last.hash))
    connection.execute(delete(chain.records).where(columns.sequence <= last.sequence))
    return len(old)


def chained(version: str, previous: bytes, sequence: int, entry: str) -> bytes:
    """The hash of a record."""
    return sha256(msgspec.json.encode([version, previous.hex(), sequence, entry])).digest()


def _moment(entry: str) -> datetime:
    return datetime.fromisoformat(msgspec.json.decode(entry)["at"])
