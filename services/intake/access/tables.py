"""The tables of accounts, sessions, tokens and sign-ins. Of what opens a door they hold hashes only.

Moments are written in UTC to the millisecond: as texts they are in the order of time.
"""

from sqlalchemy import Table
from sqlmodel import Boolean, Column, Field, Index, LargeBinary, SQLModel, Text


def _text(*, key: bool = False, unique: bool = False) -> "Column[str]":
    return Column(Text, primary_key=key, unique=unique, nullable=False)


def _may_be_text() -> "Column[str]":
    return Column(Text)


class Account(SQLModel, table=True):
    """Somebody who signs in. `login` in small letters; `one_time`: the password must be changed at the next sign-in."""

    __tablename__ = "accounts"

    account_id: str = Field(sa_column=_text(key=True))
    login: str = Field(sa_column=_text(unique=True))
    display_name: str = Field(sa_column=_text())
    role: str = Field(sa_column=_text())
    partner: str | None = Field(default=None, sa_column=_may_be_text())
    site: str | None = Field(default=None, sa_column=_may_be_text())
    password: str = Field(sa_column=_text())
    one_time: bool = Field(sa_column=Column(Boolean, nullable=False))
    disabled: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    made_at: str = Field(sa_column=_text())


class Session(SQLModel, table=True):
    """Somebody is signed in. A session that has ended is no row any more."""

    __tablename__ = "sessions"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True, nullable=False))
    account_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    began_at: str = Field(sa_column=_text())
    seen_at: str = Field(sa_column=_text())


class Token(SQLModel, table=True):
    """What a machine shows. `token_id` names it in events and lists; it opens nothing."""

    __tablename__ = "tokens"

    token_id: str = Field(sa_column=_text(key=True))
    digest: bytes = Field(sa_column=Column(LargeBinary, unique=True, nullable=False))
    role: str = Field(sa_column=_text())
    partner: str | None = Field(default=None, sa_column=_may_be_text())
    site: str | None = Field(default=None, sa_column=_may_be_text())
    made_at: str = Field(sa_column=_text())
    expires_at: str = Field(sa_column=_text())
    revoked_at: str | None = Field(default=None, sa_column=_may_be_text())


class SignIn(SQLModel, table=True):
    """What happened at the door. Never what was typed: a password may stand in the wrong field."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("sign_ins_at", "at"),)

    entry_id: str = Field(sa_column=_text(key=True))
    at: str = Field(sa_column=_text())
    what: str = Field(sa_column=_text())
    account_id: str | None = Field(default=None, sa_column=_may_be_text())
    address: str | None = Field(default=None, sa_column=_may_be_text())


ACCESS_TABLES: tuple[type[SQLModel], ...] = (Account, Session, Token, SignIn)

ACCOUNTS: Table = Account.__table__  # type: ignore[attr-defined]
SESSIONS: Table = Session.__table__  # type: ignore[attr-defined]
TOKENS: Table = Token.__table__  # type: ignore[attr-defined]
SIGN_INS: Table = SignIn.__table__  # type: ignore[attr-defined]
