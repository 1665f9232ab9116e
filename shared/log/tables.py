"""The tables of a log, for migrations and for reading; appends go through the driver (see `writing.py`)."""

from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel, Text, UniqueConstraint, text


class EventRow(SQLModel, table=True):
    """One event. `entry` is its CloudEvents document, `hash` chains it to the event before it."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("stream", "version", name="events_stream_version"),
        Index("events_tag", "tag", "partition", "position", sqlite_where=text("tag IS NOT NULL"),
              postgresql_where=text("tag IS NOT NULL")),
        # The rows are kept in the order of their positions, which is how they are read.
        {"sqlite_with_rowid": False},
    )  # fmt: skip

    partition: int = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=BigInteger)
    stream: str = Field(sa_column=Column(Text, nullable=False))
    version: int
    tag: str | None = Field(default=None, sa_column=Column(Text))
    entry: str = Field(sa_column=Column(Text, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PartitionRow(SQLModel, table=True):
    """The counter of a partition: its head, and the hash that the next event is chained to."""

    __tablename__ = "partitions"

    partition: int = Field(primary_key=True)
    head: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AnswerRow(SQLModel, table=True):
    """The first answer given under an idempotency key. `answered_at` is seconds since 1970, for purging."""

    __tablename__ = "answers"

    key: str = Field(sa_column=Column(Text, primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answered_at: int = Field(sa_type=BigInteger)
