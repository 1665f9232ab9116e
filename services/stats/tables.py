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
    `threshold` is the `k` that it was published under: also that of its period's restatements. `published_at`: UTC.
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
    threshold: int = Field(sa_type=BigInteger)
    published_at: str = Field(sa_column=Column(Text, nullable=False))


class Name(SQLModel, table=True):
    """What a code is called in what the city gets, in French, and its place in the house file.

    A code that the house no longer has keeps its last name: it stands in what was published. `changed_at`: UTC.
    """

    __tablename__ = "names"
    __table_args__ = {"sqlite_with_rowid": False}

    dimension: str = Field(sa_column=Column(Text, primary_key=True))
    code: str = Field(sa_column=Column(Text, primary_key=True))
    label: str = Field(sa_column=Column(Text, nullable=False))
    place: int = Field(sa_type=BigInteger)
    changed_at: str = Field(sa_column=Column(Text, nullable=False))


class PresenceRow(SQLModel, table=True):
    """Somebody counts on one local day at one site. `who` is a case or a person, by an id that means nothing here.

    `root` is the same for every id of one somebody, as merges and attachments have it by now; `named`: the house knows
    who it is. `count` is how often; nobody is counted more than once.
    """

    __tablename__ = "presences"
    __table_args__ = {"sqlite_with_rowid": False}

    figure: str = Field(sa_column=Column(Text, primary_key=True))
    dimension: str = Field(sa_column=Column(Text, primary_key=True))
    day: str = Field(sa_column=Column(Text, primary_key=True))
    site: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    who: str = Field(sa_column=Column(Text, primary_key=True))
    root: str = Field(sa_column=Column(Text, nullable=False, index=True))
    named: bool = Field(sa_column=Column(Boolean, nullable=False))
    count: int = Field(sa_type=BigInteger)


class PeopleCount(SQLModel, table=True):
    """A number that the count of different people over a range of days is put together from.

    How many were there in `period`; with a `next_period`, less than nothing: how many were there, and came next then.
    """

    __tablename__ = "people_counts"
    __table_args__ = {"sqlite_with_rowid": False}

    figure: str = Field(sa_column=Column(Text, primary_key=True))
    dimension: str = Field(sa_column=Column(Text, primary_key=True))
    grain: str = Field(sa_column=Column(Text, primary_key=True))
    next_grain: str = Field(sa_column=Column(Text, primary_key=True))
    site: str = Field(sa_column=Column(Text, primary_key=True))
    period: str = Field(sa_column=Column(Text, primary_key=True))
    next_period: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    count: int = Field(sa_type=BigInteger)


class CaseTie(SQLModel, table=True):
    """An id that is tied to another: the case that it is read as a part of (`kept`), the person that it is about."""

    __tablename__ = "case_ties"
    __table_args__ = {"sqlite_with_rowid": False}

    who: str = Field(sa_column=Column(Text, primary_key=True))
    kept: str | None = Field(default=None, sa_column=Column(Text))
    person: str | None = Field(default=None, sa_column=Column(Text))
    root: str = Field(sa_column=Column(Text, nullable=False, index=True))
    named: bool = Field(sa_column=Column(Boolean, nullable=False))
