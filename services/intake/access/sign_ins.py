"""What happened at the door, kept for a year: who signed in and out, what was refused, who was let in or shut out."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from services.intake.access.tables import SIGN_INS
from shared.envelope import timestamp
from shared.ids import new_id

KEPT = timedelta(days=365)
PAGE_MAX = 200


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
    connection.execute(
        insert(SIGN_INS).values(
            entry_id=new_id(), at=timestamp(at), what=what, account_id=account_id, address=address
        )
    )  # fmt: skip


def page(connection: Connection, before: str | None) -> list[Entry]:
    """The newest records, or those before one of them."""
    query = select(SIGN_INS).order_by(SIGN_INS.c.entry_id.desc()).limit(PAGE_MAX)
    if before is not None:
        query = query.where(SIGN_INS.c.entry_id < before)
    return [Entry(*row) for row in connection.execute(query)]


def forget_old(connection: Connection, now: datetime) -> None:
    """Forget what is older than it may be kept."""
    connection.execute(delete(SIGN_INS).where(SIGN_INS.c.at < timestamp(now - KEPT)))
