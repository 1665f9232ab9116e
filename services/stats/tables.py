"""The counters. Every figure is kept at every grain, so that asking costs the same whatever the history."""

from sqlmodel import BigInteger, Column, Field, SQLModel, Text

ALL_SITES = ""


class Figure(SQLModel, table=True):
    """One counter. `site` is empty for all sites together, `value` for a total; `period` is in ISO form."""

    __tablename__ = "figures"
    __table_args__ = {"sqlite_with_rowid": False}

    # In the order in which they are asked for: a range of periods is one run of rows.
    figure: str = Field(sa_column=Column(Text, primary_key=True))
    dimension: str = Field(sa_column=Column(Text, primary_key=True))
    grain: str = Field(sa_column=Column(Text, primary_key=True))
    site: str = Field(sa_column=Column(Text, primary_key=True))
    period: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    count: int = Field(sa_type=BigInteger)
