"""How far a reader has come, and what it had to put aside."""

from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel, Text


class Checkpoint(SQLModel, table=True):
    """The last position of a topic's partition that a reader has finished, moved with the effects themselves."""

    __tablename__ = "checkpoints"

    reader: str = Field(sa_column=Column(Text, primary_key=True))
    topic: str = Field(sa_column=Column(Text, primary_key=True))
    partition: int = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger)


class DeadLetter(SQLModel, table=True):
    """An event put aside after a bounded number of tries, or because an earlier one of its stream lies here."""

    __tablename__ = "dead_letters"
    __table_args__ = (Index("dead_letters_stream", "reader", "topic", "stream"),)

    reader: str = Field(sa_column=Column(Text, primary_key=True))
    topic: str = Field(sa_column=Column(Text, primary_key=True))
    partition: int = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=BigInteger)
    stream: str | None = Field(default=None, sa_column=Column(Text))
    entry: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    tries: int
    parked_at: str = Field(sa_column=Column(Text, nullable=False))
