"""The tables of accounts, sessions, tokens and sign-ins. Of what opens a door they hold hashes only.

Moments are written in UTC to the millisecond: as texts they are in the order of time.
"""

from sqlalchemy import Table
from sqlmodel import BigInteger, Boolean, Column, Field, LargeBinary, SQLModel, Text


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


class ShortToken(SQLModel, table=True):
    """What a token was swapped for. Whose it is, and whether it was revoked, stands with the token."""

    __tablename__ = "short_tokens"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True, nullable=False))
    token_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    expires_at: str = Field(sa_column=_text())


class SignIn(SQLModel, table=True):
    """What happened at the door, as JSON, chained. Never what was typed: a password may stand in the wrong field."""

    __tablename__ = "door_records"

    sequence: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False, nullable=False))
    entry: str = Field(sa_column=_text())
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SignInHead(SQLModel, table=True):
    """The one row that the next record is chained to. `purged_to`: the last that was dropped for its age."""

    __tablename__ = "door_head"

    one: int = Field(primary_key=True)
    sequence: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    purged_to: int = Field(sa_type=BigInteger)
    purged_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


ACCESS_TABLES: tuple[type[SQLModel], ...] = (Account, Session, Token, ShortToken, SignIn, SignInHead)

ACCOUNTS: Table = Account.__table__  # type: ignore[attr-defined]
SESSIONS: Table = Session.__table__  # type: ignore[attr-defined]
TOKENS: Table = Token.__table__  # type: ignore[attr-defined]
SHORT_TOKENS: Table = ShortToken.__table__  # type: ignore[attr-defined]
SIGN_INS: Table = SignIn.__table__  # type: ignore[attr-defined]
SIGN_INS_HEAD: Table = SignInHead.__table__  # type: ignore[attr-defined]
