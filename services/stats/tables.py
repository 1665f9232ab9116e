"""The counters. Every figure is kept at every grain, so that asking costs the same whatever the history."""

from sqlalchemy import Boolean
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


class Publication(SQLModel, table=True):
    """One cell as it was published. It stays; a later correction is a row of its own with the next `revision`.

    `count` is what was counted, kept to hold later publications against. Nobody outside sees it where `withheld`.
    """

    __tablename__ = "publications"

    figure: str = Field(sa_column=Column(Text, primary_key=True))
    dimension: str = Field(sa_column=Column(Text, primary_key=True))
    grain: str = Field(sa_column=Column(Text, primary_key=True))
    site: str = Field(sa_column=Column(Text, primary_key=True))
    period: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    revision: int = Field(primary_key=True, sa_type=BigInteger)
    count: int = Field(sa_type=BigInteger)
    withheld: bool = Field(sa_column=Column(Boolean, nullable=False))
    published_on: str = Field(sa_column=Column(Text, nullable=False))
