"""Sealed cases that somebody opened: who, when, until when, and the reason, sealed under the case's own key."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, update

from services.intake.vault import audit
from services.intake.vault.audit import Access
from services.intake.vault.sealing import Place, seal, unseal
from services.intake.vault.tables import OPENINGS
from shared.envelope import timestamp
from shared.log.rows import batched

SHOWN_MAX = 200
_CASES_AT_ONCE = 500


class Opening(NamedTuple):
    """A sealed case was opened. `reason` None: the key is gone, and the reason with it."""

    opening_id: str
    case_id: str
    role: str
    account: str
    at: str
    until: str
    reason: str | None
    seen_by: str | None
    seen_at: str | None

    def __repr__(self) -> str:
        return f"Opening({self.opening_id})"


def sealed_row(
    opening_id: str, case_id: str, reason: str, key: bytes, access: Access, until: datetime
) -> dict[str, Any]:
    """The row of an opening."""
    return {
        "opening_id": opening_id,
        "case_id": case_id,
        "role": access.role,
        "account": access.name,
        "at": timestamp(access.at),
        "until": timestamp(until),
        "sealed": seal(key, _place(opening_id, case_id), reason.encode()),
    }


def use(connection: Connection, case_ids: Collection[str], access: Access) -> bool:
    """Whether this account has one of these cases open; the reading is put on record with it."""
    for some in batched(case_ids, _CASES_AT_ONCE):
        in_force = (OPENINGS.c.account == access.name) & (OPENINGS.c.until > timestamp(access.at))
        query = select(OPENINGS.c.opening_id, OPENINGS.c.case_id).where(OPENINGS.c.case_id.in_(some), in_force)
        row = connection.execute(query.order_by(OPENINGS.c.until.desc()).limit(1)).one_or_none()
        if row is not None:
            audit.record(connection, access, case=row.case_id, opening=row.opening_id)
            return True
    return False


def newest(connection: Connection) -> list[Any]:
    """The rows of the newest openings, those that nobody has seen first."""
    order = (OPENINGS.c.seen_at.is_not(None), OPENINGS.c.opening_id.desc())
    return list(connection.execute(select(OPENINGS).order_by(*order).limit(SHOWN_MAX)))


def opened(row: Any, key: bytes | None) -> Opening:
    """An opening with its reason."""
    facts = {name: getattr(row, name) for name in Opening._fields if name != "reason"}
    place = _place(row.opening_id, row.case_id)
    return Opening(**facts, reason=unseal(key, place, bytes(row.sealed)).decode() if key else None)


def note_seen(connection: Connection, opening_id: str, access: Access) -> bool:
    """Somebody took notice of an opening; False where there is none, or somebody did before."""
    unseen = (OPENINGS.c.opening_id == opening_id) & OPENINGS.c.seen_at.is_(None)
    seen = update(OPENINGS).where(unseen).values(seen_by=access.name, seen_at=timestamp(access.at))
    if not connection.execute(seen).rowcount:
        return False
    audit.record(connection, access, opening=opening_id)
    return True


def forget_before(connection: Connection, moment: str) -> None:
    """Forget openings that are as old as the records of them."""
    connection.execute(delete(OPENINGS).where(OPENINGS.c.at < moment))


def _place(opening_id: str, case_id: str) -> Place:
    return Place(case_id, f"opening:{opening_id}", 1)
