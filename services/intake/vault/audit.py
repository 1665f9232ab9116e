"""The audit trail: one record for each reading, in the reading's own transaction, each chained to the one before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from services.intake import chain
from services.intake.chain import Chain, Standing
from services.intake.vault.tables import AUDIT, AUDIT_HEAD
from shared.envelope import timestamp

KEPT = timedelta(days=365)
"""A trail of what people did at work is kept for a year, and no longer."""
TRAIL = Chain(AUDIT, AUDIT_HEAD, "maison-audit-1")


@dataclass(frozen=True, slots=True)
class Access:
    """Who does what, and when. `role` and `name` are codes of accounts: no record holds personal data."""

    what: str
    role: str
    name: str
    at: datetime


def record(connection: Connection, access: Access, **facts: Any) -> None:
    """Add a record; it is there if and only if the transaction is. `facts`: ids and codes."""
    told = {"at": timestamp(access.at), "what": access.what, "role": access.role, "name": access.name, **facts}
    chain.append(connection, TRAIL, told)


def check(connection: Connection) -> Standing:
    """Go through the whole trail."""
    return chain.check(connection, TRAIL)


def purge(connection: Connection, now: datetime) -> int:
    """Drop some of the records that are older than `KEPT`; how many."""
    return chain.purge(connection, TRAIL, now - KEPT)


def records(connection: Connection, subject: str) -> list[dict[str, Any]]:
    """Every record that names this person or case, oldest first."""
    named = AUDIT.c.entry.contains(msgspec.json.encode(subject).decode(), autoescape=True)
    rows = connection.execute(select(AUDIT.c.entry).where(named).order_by(AUDIT.c.sequence))
    return [msgspec.json.decode(entry) for (entry,) in rows]
