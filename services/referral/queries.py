"""The read side of referral: a referral, and a partner's queue page by page."""

from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, select

from services.referral.keeping import QUEUE_ITEMS
from shared.bus import position_of
from shared.database import Database


class ReferralView(BaseModel):
    """One referral, as its partner sees it. `position` is where it was issued."""

    referral_id: str
    queue: str
    request_id: str
    visit_id: str
    case_id: str
    category: str
    topic: str | None = None
    status: str
    outcome: str | None = None
    reason: str | None = None
    issued_at: str
    version: int
    position: int


class QueuePage(BaseModel):
    """Some of a queue, oldest first. `next` goes on from here; null at the end."""

    items: list[ReferralView]
    next: str | None


async def referral(database: Database, referral_id: str) -> ReferralView | None:
    """One referral; None when there is none of that id."""
    found = await _read(database, select(QUEUE_ITEMS).where(QUEUE_ITEMS.c.referral_id == referral_id))
    return found[0] if found else None


async def queue(database: Database, code: str, after: str, limit: int, status: str | None) -> QueuePage:
    """Up to `limit` referrals of a queue behind a cursor, as they stand now."""
    query = (
        select(QUEUE_ITEMS)
        .where(QUEUE_ITEMS.c.queue == code, QUEUE_ITEMS.c.position > position_of(after))
        .order_by(QUEUE_ITEMS.c.position)
        .limit(limit + 1)
    )
    if status is not None:
        query = query.where(QUEUE_ITEMS.c.status == status)
    items = await _read(database, query)
    page = items[:limit]
    return QueuePage(items=page, next=cursor(page[-1].position) if len(items) > limit else None)


async def referrals(database: Database, ids: set[str]) -> dict[str, ReferralView]:
    """These referrals, by id."""
    query = select(QUEUE_ITEMS).where(QUEUE_ITEMS.c.referral_id.in_(ids))
    return {view.referral_id: view for view in await _read(database, query)}


def cursor(position: int) -> str:
    """Where a page or a live reader goes on: the ID of the entry in the partner's queue."""
    return f"{position}-0"


async def _read(database: Database, query: Select[Any]) -> list[ReferralView]:
    rows = await database.read(lambda connection: connection.execute(query).mappings().all())
    return [ReferralView(**{name: row[name] for name in ReferralView.model_fields}) for row in rows]
