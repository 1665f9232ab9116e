"""What happened at the door, kept for a year: who signed in and out, what was refused, who was let in or shut out.

The records are chained like the audit trail's: one that was changed or taken out shows.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from services.intake import chain
from services.intake.access.tables import SIGN_INS, SIGN_INS_HEAD
from services.intake.chain import Chain
from shared.envelope import timestamp
from shared.ids import new_id

KEPT = timedelta(days=365)
PAGE_MAX = 200
TRAIL = Chain(SIGN_INS, SIGN_INS_HEAD, "maison-door-1")


class Entry(NamedTuple):
    """One record; ids and codes. `address` is the network's."""

    entry_id: str
    at: str
    what: str
    account_id: str | None
    address: str | None


def note(
    connection: Connection, at: datetime, what: str, account_id: str | None = None, address: str | None = None
) -> None:
    """Add a record, in the transaction of what it tells of."""
    chain.append(connection, TRAIL, Entry(new_id(), timestamp(at), what, account_id, address)._asdict())


def page(connection: Connection, before: str | None) -> list[Entry]:
    """The newest records, or those before one of them, by its id."""
    columns = SIGN_INS.c
    query = select(columns.entry).order_by(columns.sequence.desc()).limit(PAGE_MAX)
    if before is not None:
        named = columns.entry.contains(f'"entry_id":{msgspec.json.encode(before).decode()}', autoescape=True)
        query = query.where(columns.sequence < select(columns.sequence).where(named).scalar_subquery())
    return [Entry(**msgspec.json.decode(entry)) for (entry,) in connection.execute(query)]


def forget_old(connection: Connection, now: datetime) -> None:
    """Forget some of what is older than it may be kept."""
    chain.purge(connection, TRAIL, now - KEPT)
