"""The read side of referral: a referral, and a partner's queue page by page."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from sqlalchemy import RowMapping, Select, select

from services.referral.coordinating import CONFIDENTIAL, told_of
from services.referral.keeping import QUEUE_ITEMS
from services.referral.narrowing import narrowed
from services.referral.words import Status
from shared.access.scope import Scope
from shared.bus import position_of
from shared.catalogue import Catalogue
from shared.database import Database
from shared.events.referral import COORDINATOR


class ReferralView(BaseModel):
    """One referral, as its partner sees it. `position` is where it was issued.

    `due_at` (UTC) is the deadline that counts now; `chased`: 1 = reminded, 2 = told to the coordinator. `replaces` =
    the referral that an unmet need follows.
    """

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
    queued_at: str | None = None
    due_at: str | None = None
    moved_at: str | None = None
    undoable: bool = False
    chased: int = 0
    safe_to_contact: bool | None = None
    replaces: str | None = None
    permanence_id: str | None = None
    place: int | None = None
    starts_at: str | None = None
    version: int
    position: int


_WHOSE: Mapping[str, str] = dict.fromkeys(("request_id", "visit_id", "case_id"), CONFIDENTIAL)


class QueuePage(BaseModel):
    """Some of a queue, oldest first. `next` goes on from here; null at the end."""

    items: list[ReferralView]
    next: str | None


def told_to(scope: Scope, view: ReferralView, catalogue: Catalogue) -> ReferralView:
    """A referral as far as its reader may know it.

    What is sensitive is for the partner that has it. The house's own people, whoever took the visit apart, who reads
    it there, are told that it is confidential, and so is whoever has not said who they are. Nor do they learn whose it
    is: to have gone to this partner says what it is about.
    """
    if scope.is_partner:
        return view
    category, topic = told_of(catalogue, view.category, view.topic)
    whose = _WHOSE if category == CONFIDENTIAL and not tells_whose(scope) else {}
    return view.model_copy(update={"category": category, "topic": topic, **whose})


def tells_whose(scope: Scope) -> bool:
    """Whether this reader is told whose a confidential referral is: its partner, and, in an open house, everybody."""
    return scope.is_partner or scope.role is None


async def referral(database: Database, scope: Scope, referral_id: str) -> ReferralView | None:
    """One referral; None when there is none of that id in this scope."""
    found = await views(database, scope, select(QUEUE_ITEMS).where(QUEUE_ITEMS.c.referral_id == referral_id))
    return found[0] if found else None


async def queue(database: Database, scope: Scope, code: str, after: str, limit: int, status: str | None) -> QueuePage:
    """Up to `limit` referrals of a queue behind a cursor, as they stand now."""
    query = (
        select(QUEUE_ITEMS)
        .where(QUEUE_ITEMS.c.queue == code, QUEUE_ITEMS.c.position > position_of(after))
        .order_by(QUEUE_ITEMS.c.position)
        .limit(limit + 1)
    )
    if status is not None:
        query = query.where(QUEUE_ITEMS.c.status == status)
    items = await views(database, scope, query)
    page = items[:limit]
    return QueuePage(items=page, next=cursor(page[-1].position) if len(items) > limit else None)


async def referrals(database: Database, scope: Scope, ids: set[str]) -> dict[str, ReferralView]:
    """Those of these referrals that are in this scope, by id."""
    query = select(QUEUE_ITEMS).where(QUEUE_ITEMS.c.referral_id.in_(ids))
    return {view.referral_id: view for view in await views(database, scope, query)}


def cursor(position: int) -> str:
    """Where a page or a live reader goes on: the ID of the entry in the partner's queue."""
    return f"{position}-0"


async def views(database: Database, scope: Scope, query: Select[Any]) -> list[ReferralView]:
    """The referrals that a query over the queues selects in this scope, in its order."""
    rows = await database.read(lambda connection: connection.execute(narrowed(query, scope)).mappings().all())
    return [ReferralView(**{name: _value(row, name) for name in ReferralView.model_fields}) for row in rows]


def _value(row: RowMapping, name: str) -> Any:
    if name == "replaces":
        # Whose it was before is the house's business: no partner learns of another.
        return row[name] if row["queue"] == COORDINATOR else None
    if name != "due_at":
        return row[name]
    if not row["is_open"]:
        return None
    return row["answer_due_at"] if row["status"] == Status.ISSUED else row["outcome_due_at"]
