"""A partner's queue as its desk reads it: filtered, page by page, oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, text

from services.referral.coordinating import CONFIDENTIAL
from services.referral.deadlines import utc_text
from services.referral.keeping import QUEUE_ITEMS
from services.referral.narrowing import narrowed
from services.referral.queries import ReferralView, views
from services.referral.words import ENDS, Status
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.database import Database

ROWS = 25
"""On a page: two thumbs' worth of scrolling."""
OPEN, ENDED = "open", "ended"
# Written as the index has it: SQLite uses a partial index only for its own words.
_IS_OPEN = text("is_open")


@dataclass(frozen=True)
class Filter:
    """`status`: one of the statuses, `open` or `ended`; `category`: a code, `confidential`, or all of them."""

    status: str = OPEN
    category: str = ""
    late: bool = False

    def holds(self, view: ReferralView, told: str, now: str) -> bool:
        """Whether a referral belongs to the page. `told`: its category as it may be told; `now` in UTC."""
        wanted = {OPEN: view.due_at is not None, ENDED: view.status in ENDS}.get(
            self.status, view.status == self.status
        )
        is_late = view.due_at is not None and view.due_at < now
        return wanted and self.category in ("", told) and (is_late or not self.late)


@dataclass(frozen=True)
class DeskPage:
    """Some of the queue; `next` is the position to go on behind, None at the end. `open` counts all that is open."""

    items: list[ReferralView]
    next: int | None
    open: int


async def desk_page(
    database: Database, scope: Scope, catalogue: Catalogue, code: str, wanted: Filter, after: int, now: datetime
) -> DeskPage:
    """The referrals of a queue behind a position that pass the filter, at most `ROWS`."""
    columns = QUEUE_ITEMS.c
    query = (
        select(QUEUE_ITEMS)
        .where(columns.queue == code, columns.position > after, *_conditions(catalogue, wanted, utc_text(now)))
        .order_by(columns.position)
        .limit(ROWS + 1)
    )
    items = await views(database, scope, query)
    next_after = items[ROWS - 1].position if len(items) > ROWS else None
    return DeskPage(items[:ROWS], next_after, await open_count(database, scope, code))


async def open_count(database: Database, scope: Scope, code: str) -> int:
    """How much of a queue is open."""
    counting = select(func.count()).select_from(QUEUE_ITEMS).where(_IS_OPEN, QUEUE_ITEMS.c.queue == code)
    query = narrowed(counting, scope)
    counted: int = await database.read(lambda connection: connection.execute(query).scalar_one())
    return counted


async def booked_at(database: Database, scope: Scope, permanence_id: str) -> dict[int, ReferralView]:
    """Who has which place of a permanence."""
    query = select(QUEUE_ITEMS).where(QUEUE_ITEMS.c.permanence_id == permanence_id)
    return {view.place: view for view in await views(database, scope, query) if view.place is not None}


async def queue_rows(
    database: Database, scope: Scope, code: str, after: int, columns: Sequence[str], limit: int
) -> list[dict[str, Any]]:
    """These columns of a queue's referrals behind a position, oldest first."""
    query = (
        select(*(QUEUE_ITEMS.c[name] for name in columns))
        .where(QUEUE_ITEMS.c.queue == code, QUEUE_ITEMS.c.position > after)
        .order_by(QUEUE_ITEMS.c.position)
        .limit(limit)
    )
    rows = await database.read(lambda connection: connection.execute(narrowed(query, scope)).mappings().all())
    return [dict(row) for row in rows]


def _conditions(catalogue: Catalogue, wanted: Filter, now: str) -> list[Any]:
    columns = QUEUE_ITEMS.c
    found: list[Any] = []
    if wanted.status == OPEN:
        found.append(_IS_OPEN)
    elif wanted.status == ENDED:
        found.append(columns.status.in_(sorted(ENDS)))
    else:
        found.append(columns.status == wanted.status)
    if wanted.category == CONFIDENTIAL:
        found.append(_is_confidential(catalogue))
    elif wanted.category:
        found += [columns.category == wanted.category, ~_is_confidential(catalogue)]
    if wanted.late:
        waits = columns.status == Status.ISSUED.value
        answer, outcome = columns.answer_due_at < now, columns.outcome_due_at < now
        found += [_IS_OPEN, or_(and_(waits, answer), and_(~waits, outcome))]
    return found


def _is_confidential(catalogue: Catalogue) -> ColumnElement[bool]:
    # A topic that the catalogue does not hold any more may have been a sensitive one.
    plain = [topic.code for topic in catalogue.topics if not topic.sensitive]
    topic = QUEUE_ITEMS.c.topic
    return and_(topic.is_not(None), topic.not_in(plain))
