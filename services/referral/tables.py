"""The read models of referral: each referral as its partner's queue shows it, and who has which place."""

from sqlalchemy import Boolean, false, text
from sqlmodel import BigInteger, Column, Field, Index, Integer, SQLModel, Text

_OPEN = text("is_open")
_DUE = text("next_step_at IS NOT NULL")


class QueueItem(SQLModel, table=True):
    """One referral, or one unmet need in the coordinator's queue. `position` is where it was issued.

    `next_step_at` (UTC): when the house does something by itself, if nobody else does. `chased`: how often it has.
    """

    __tablename__ = "queue_items"
    __table_args__ = (
        Index("queue_items_queue", "queue", "position"),
        Index("queue_items_open", "queue", "position", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("queue_items_due", "next_step_at", sqlite_where=_DUE, postgresql_where=_DUE),
    )

    referral_id: str = Field(sa_column=Column(Text, primary_key=True))
    queue: str = Field(sa_column=Column(Text, nullable=False))
    position: int = Field(sa_type=BigInteger)
    request_id: str = Field(sa_column=Column(Text, nullable=False))
    visit_id: str = Field(sa_column=Column(Text, nullable=False))
    case_id: str = Field(sa_column=Column(Text, nullable=False))
    site: str = Field(sa_column=Column(Text, nullable=False))
    category: str = Field(sa_column=Column(Text, nullable=False))
    topic: str | None = Field(default=None, sa_column=Column(Text))
    status: str = Field(sa_column=Column(Text, nullable=False))
    outcome: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    issued_at: str = Field(sa_column=Column(Text, nullable=False))
    version: int
    is_open: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=false()))
    queued_at: str | None = Field(default=None, sa_column=Column(Text))
    answer_due_at: str | None = Field(default=None, sa_column=Column(Text))
    outcome_due_at: str | None = Field(default=None, sa_column=Column(Text))
    next_step_at: str | None = Field(default=None, sa_column=Column(Text))
    chased: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    moved_at: str | None = Field(default=None, sa_column=Column(Text))
    undoable: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    safe_to_contact: bool | None = Field(default=None, sa_column=Column(Boolean))
    replaces: str | None = Field(default=None, sa_column=Column(Text))
    permanence_id: str | None = Field(default=None, sa_column=Column(Text))
    place: int | None = Field(default=None, sa_column=Column(Integer))
    starts_at: str | None = Field(default=None, sa_column=Column(Text))


class Booking(SQLModel, table=True):
    """A place of a permanence that is taken: the key is what keeps it from being sold twice."""

    __tablename__ = "bookings"

    permanence_id: str = Field(sa_column=Column(Text, primary_key=True))
    place: int = Field(sa_column=Column(Integer, primary_key=True))
    referral_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))


class PermanenceCancellation(SQLModel, table=True):
    """A permanence of the schedule that does not take place."""

    __tablename__ = "permanence_cancellations"

    permanence_id: str = Field(sa_column=Column(Text, primary_key=True))
    partner: str = Field(sa_column=Column(Text, nullable=False))
    cancelled_at: str = Field(sa_column=Column(Text, nullable=False))
