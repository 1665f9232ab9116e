"""The read model of referral: each referral as its partner's queue shows it."""

from sqlmodel import BigInteger, Column, Field, Index, SQLModel, Text


class QueueItem(SQLModel, table=True):
    """One referral, or one unmet need in the coordinator's queue. `position` is where it was issued."""

    __tablename__ = "queue_items"
    __table_args__ = (Index("queue_items_queue", "queue", "position"),)

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
