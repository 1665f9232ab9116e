"""What the coordinator sees of all queues at once: how long, how late, what nobody answers. Nothing about persons.

A sensitive topic is told to nobody here: what is about one is counted as `confidential`, without its category.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Select, case, func, select, text

from services.referral.chasing import STEPS
from services.referral.deadlines import utc_text
from services.referral.keeping import QUEUE_ITEMS
from services.referral.narrowing import narrowed
from services.referral.words import Status
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.database import Database
from shared.events.referral import COORDINATOR
from shared.subscription.tables import DeadLetter

CONFIDENTIAL = "confidential"
LISTED_MAX = 50
"""More to act on than this is not listed at once: the first are the oldest."""

_REMINDED, _ESCALATED = STEPS.index("escalate"), STEPS.index("expire")
# Written as the indexes have it: SQLite uses a partial index only for its own words.
_IS_OPEN = text("is_open")
# Rows of before the house kept deadlines have no moment of their own in the queue.
_SINCE = func.coalesce(QUEUE_ITEMS.c.queued_at, QUEUE_ITEMS.c.issued_at)


def oldest_unanswered_s(now: datetime, connection: Connection) -> float:
    """How long the oldest referral that no partner has answered has been in its queue; 0 where there is none."""
    waiting = (QUEUE_ITEMS.c.status == Status.ISSUED.value, _IS_OPEN)
    since = connection.execute(select(func.min(_SINCE)).where(*waiting)).scalar()
    return max(0.0, (now - datetime.fromisoformat(since)).total_seconds()) if since else 0.0


class QueueStanding(BaseModel):
    """One partner's open referrals. `oldest_at` (UTC): since when the oldest of them has been in the queue."""

    queue: str
    open: int
    oldest_at: str | None
    oldest_age_h: int | None
    late_first_answers: int
    late_outcomes: int
    reminded: int
    escalated: int


class UnmetNeeds(BaseModel):
    """Open needs that no partner answers, by the month (`2008-03`) in which that was found."""

    category: str
    topic: str | None
    month: str
    open: int


class Coordination(BaseModel):
    """The house at a glance. `dead_letters`: events that referral could not handle and has put aside."""

    as_of: str
    queues: list[QueueStanding]
    unmet: list[UnmetNeeds]
    dead_letters: int


class Stuck(BaseModel):
    """A referral that was told to the coordinator, or an unmet need: what can be handed on or taken back.

    Its category and topic as far as they may be shown. `since` (with an offset): how long it has waited.
    """

    referral_id: str
    queue: str
    category: str
    topic: str | None
    site: str
    status: str
    since: str
    version: int


async def coordination(database: Database, scope: Scope, catalogue: Catalogue, now: datetime) -> Coordination:
    """How every queue stands at that moment (aware), those of all partners, the empty ones too."""

    def read(connection: Connection) -> Coordination:
        standing = {row["queue"]: row for row in connection.execute(narrowed(_queues(now), scope)).mappings()}
        codes = [*(partner.code for partner in catalogue.partners)]
        codes += sorted(set(standing) - {*codes, COORDINATOR})
        return Coordination(
            as_of=utc_text(now),
            queues=[_standing(code, standing.get(code), now) for code in codes],
            unmet=_unmet(catalogue, connection.execute(narrowed(_needs(), scope))),
            dead_letters=connection.execute(select(func.count()).select_from(DeadLetter)).scalar_one(),
        )

    return await database.read(read)


async def escalated(database: Database, scope: Scope, catalogue: Catalogue) -> list[Stuck]:
    """What partners have left unanswered although they were reminded, the oldest first: up to `LISTED_MAX`."""
    which = (QUEUE_ITEMS.c.queue != COORDINATOR, QUEUE_ITEMS.c.chased >= _ESCALATED)
    return await _stuck(database, scope, catalogue, *which)


async def unmet_needs(database: Database, scope: Scope, catalogue: Catalogue) -> list[Stuck]:
    """What no partner answers, the oldest first: up to `LISTED_MAX`."""
    return await _stuck(database, scope, catalogue, QUEUE_ITEMS.c.queue == COORDINATOR)


async def _stuck(database: Database, scope: Scope, catalogue: Catalogue, *which: Any) -> list[Stuck]:
    names = ("referral_id", "queue", "category", "topic", "site", "status", "version")
    query = (
        select(*(QUEUE_ITEMS.c[name] for name in names), _SINCE.label("since"))
        .where(_IS_OPEN, *which)
        .order_by(_SINCE, QUEUE_ITEMS.c.referral_id)
        .limit(LISTED_MAX)
    )
    rows = await database.read(lambda connection: connection.execute(narrowed(query, scope)).mappings().all())
    told = [told_of(catalogue, row["category"], row["topic"]) for row in rows]
    return [
        Stuck.model_validate({**row, "category": category, "topic": topic})
        for row, (category, topic) in zip(rows, told, strict=True)
    ]


def told_of(catalogue: Catalogue, category: str, topic: str | None) -> tuple[str, str | None]:
    """What may be said of a request on a shared screen: its category and topic, or that it is confidential.

    A topic that the catalogue does not hold any more may have been a sensitive one.
    """
    found = None if topic is None else catalogue.topics_by_code.get(topic)
    if topic is not None and (found is None or found.sensitive):
        return CONFIDENTIAL, None
    return category, topic


def _queues(now: datetime) -> Select[Any]:
    moment, columns = utc_text(now), QUEUE_ITEMS.c
    waits = columns.status == Status.ISSUED.value
    return (
        select(
            columns.queue,
            func.count().label("open"),
            func.min(_SINCE).label("oldest_at"),
            _count(waits & (columns.answer_due_at < moment)).label("late_first_answers"),
            _count(~waits & (columns.outcome_due_at < moment)).label("late_outcomes"),
            _count(columns.chased == _REMINDED).label("reminded"),
            _count(columns.chased >= _ESCALATED).label("escalated"),
        )
        .where(_IS_OPEN)
        .group_by(columns.queue)
    )


def _needs() -> Select[Any]:
    month = func.substr(QUEUE_ITEMS.c.issued_at, text("1"), text("7")).label("month")
    category, topic = QUEUE_ITEMS.c.category, QUEUE_ITEMS.c.topic
    return (
        select(category, topic, month, func.count())
        .where(_IS_OPEN, QUEUE_ITEMS.c.queue == COORDINATOR)
        .group_by(category, topic, month)
    )


def _count(condition: Any) -> Any:
    return func.sum(case((condition, 1), else_=0))


def _standing(code: str, row: Any, now: datetime) -> QueueStanding:
    if row is None:
        return QueueStanding(
            queue=code, open=0, oldest_at=None, oldest_age_h=None,
            late_first_answers=0, late_outcomes=0, reminded=0, escalated=0,
        )  # fmt: skip
    age = now - datetime.fromisoformat(row["oldest_at"])
    return QueueStanding(**row, oldest_age_h=max(0, int(age.total_seconds() // 3600)))


def _unmet(catalogue: Catalogue, rows: Iterable[Any]) -> list[UnmetNeeds]:
    counts: Counter[tuple[str, str, str | None]] = Counter()
    for category, topic, month, count in rows:
        told, topic_told = told_of(catalogue, category, topic)
        counts[month, told, topic_told] += count
    ordered = sorted(counts.items(), key=lambda each: (each[0][0], each[0][1], each[0][2] or ""), reverse=True)
    return [UnmetNeeds(category=told, topic=topic, month=month, open=n) for (month, told, topic), n in ordered]
