"""The audit trail: one record for each reading, in the reading's own transaction, each chained to the one before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import takewhile
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from services.intake.vault.tables import AUDIT, AUDIT_HEAD
from shared.envelope import timestamp

KEPT = timedelta(days=365)
"""A trail of what people did at work is kept for a year, and no longer."""
_ROWS_AT_A_TIME = 1_000
_VERSION = "maison-audit-1"


@dataclass(frozen=True, slots=True)
class Access:
    """Who does what, and when. `role` and `name` are codes of accounts: no record holds personal data."""

    what: str
    role: str
    name: str
    at: datetime


class Trail(NamedTuple):
    """How the trail stands: its last record, the hash there, the last that was purged, and the first at fault."""

    sequence: int
    hash: str
    purged_to: int
    fault: int | None


def record(connection: Connection, access: Access, **facts: Any) -> None:
    """Add a record; it is there if and only if the transaction is. `facts`: ids and codes."""
    head = connection.execute(select(AUDIT_HEAD).with_for_update()).one()
    told = {"at": timestamp(access.at), "what": access.what, "role": access.role, "name": access.name, **facts}
    entry = msgspec.json.encode(told, order="deterministic").decode()
    sequence = head.sequence + 1
    digest = chained(bytes(head.hash), sequence, entry)
    connection.execute(insert(AUDIT).values(sequence=sequence, entry=entry, hash=digest))
    connection.execute(update(AUDIT_HEAD).values(sequence=sequence, hash=digest))


def chained(previous: bytes, sequence: int, entry: str) -> bytes:
    """The hash of a record."""
    return sha256(msgspec.json.encode([_VERSION, previous.hex(), sequence, entry])).digest()


def check(connection: Connection) -> Trail:
    """Go through the whole trail, from where it was purged.

    A record that was changed, dropped or put in between is the fault.
    """
    head = connection.execute(select(AUDIT_HEAD)).one()
    last, previous = head.purged_to, bytes(head.purged_hash)
    while rows := connection.execute(
        select(AUDIT).where(AUDIT.c.sequence > last).order_by(AUDIT.c.sequence).limit(_ROWS_AT_A_TIME)
    ).all():
        for row in rows:
            previous = chained(previous, last + 1, row.entry)
            if row.sequence != last + 1 or bytes(row.hash) != previous:
                return Trail(head.sequence, bytes(head.hash).hex(), head.purged_to, last + 1)
            last = row.sequence
    whole = last == head.sequence and previous == bytes(head.hash)
    return Trail(head.sequence, bytes(head.hash).hex(), head.purged_to, None if whole else last + 1)


def purge(connection: Connection, now: datetime) -> int:
    """Drop the records that are older than `KEPT`; how many. The chain goes on from the last one's hash."""
    connection.execute(select(AUDIT_HEAD).with_for_update())
    rows = connection.execute(select(AUDIT).order_by(AUDIT.c.sequence).limit(_ROWS_AT_A_TIME))
    old = list(takewhile(lambda row: _moment(row.entry) < now - KEPT, rows))
    if not old:
        return 0
    last = old[-1]
    # First where the chain begins: the guard lets go of nothing behind it.
    connection.execute(update(AUDIT_HEAD).values(purged_to=last.sequence, purged_hash=last.hash))
    connection.execute(delete(AUDIT).where(AUDIT.c.sequence <= last.sequence))
    return len(old)


def _moment(entry: str) -> datetime:
    return datetime.fromisoformat(msgspec.json.decode(entry)["at"])


def records(connection: Connection, subject: str) -> list[dict[str, Any]]:
    """Every record that names this person or case, oldest first."""
    named = AUDIT.c.entry.contains(msgspec.json.encode(subject).decode(), autoescape=True)
    rows = connection.execute(select(AUDIT.c.entry).where(named).order_by(AUDIT.c.sequence))
    return [msgspec.json.decode(entry) for (entry,) in rows]
