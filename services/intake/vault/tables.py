"""The tables of the two databases of the vault."""

from sqlalchemy import Table
from sqlmodel import BigInteger, Boolean, Column, Field, LargeBinary, SQLModel, Text


def _text(*, key: bool = False) -> "Column[str]":
    return Column(Text, primary_key=key, nullable=False)


class DataKey(SQLModel, table=True):
    """Database `keys`: the key of one person or case, wrapped by the master key named."""

    __tablename__ = "data_keys"

    owner: str = Field(sa_column=_text(key=True))
    master: str = Field(sa_column=_text())
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Shredded(SQLModel, table=True):
    """Database `keys`: whose key was deleted. `wiped` = its bytes are off the pages of the file as well."""

    __tablename__ = "shredded_keys"

    owner: str = Field(sa_column=_text(key=True))
    at: str = Field(sa_column=_text())
    wiped: bool = Field(sa_column=Column(Boolean, nullable=False))


class Person(SQLModel, table=True):
    """Database `vault`: somebody is known. `attached` = the log says to which case; until then nobody is shown.

    `version` counts the corrections of the identity. `last_contact` (a day) is at least as old as the real one.
    """

    __tablename__ = "vault_people"

    person_id: str = Field(sa_column=_text(key=True))
    version: int
    attached: bool = Field(sa_column=Column(Boolean, nullable=False))
    since: str = Field(sa_column=_text())
    last_contact: str = Field(sa_column=_text())


class IdentityField(SQLModel, table=True):
    """One field of an identity, sealed."""

    __tablename__ = "vault_fields"

    person_id: str = Field(sa_column=_text(key=True))
    field: str = Field(sa_column=_text(key=True))
    version: int
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class NameToken(SQLModel, table=True):
    """A word of a name, or its sound, as a keyed hash."""

    __tablename__ = "vault_names"

    token: bytes = Field(sa_column=Column(LargeBinary, primary_key=True, nullable=False))
    person_id: str = Field(sa_column=Column(Text, primary_key=True, nullable=False, index=True))


class CaseNote(SQLModel, table=True):
    """A note on a case, sealed under the case's own key. `fingerprint` (keyed) recognises it when sent again."""

    __tablename__ = "vault_notes"

    note_id: str = Field(sa_column=_text(key=True))
    case_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    recorded_at: str = Field(sa_column=_text())
    author: str = Field(sa_column=_text())
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditRecord(SQLModel, table=True):
    """Who read or did what, and when; ids and codes only. `hash` chains it to the record before it."""

    __tablename__ = "vault_audit"

    sequence: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False, nullable=False))
    entry: str = Field(sa_column=_text())
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditHead(SQLModel, table=True):
    """The one row that the next record is chained to, and the lock of its writers.

    `purged_to` = the last record that was dropped for its age, with its hash: the chain begins there.
    """

    __tablename__ = "vault_audit_head"

    one: int = Field(primary_key=True)
    sequence: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    purged_to: int = Field(sa_type=BigInteger)
    purged_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CaseOpening(SQLModel, table=True):
    """A sealed case was opened, until a moment, for a reason that is sealed under the case's own key.

    `seen_by` = the account that took notice of it. Moments are written in UTC to the millisecond.
    """

    __tablename__ = "vault_openings"

    opening_id: str = Field(sa_column=_text(key=True))
    case_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    role: str = Field(sa_column=_text())
    account: str = Field(sa_column=_text())
    at: str = Field(sa_column=_text())
    until: str = Field(sa_column=_text())
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    seen_by: str | None = Field(default=None, sa_column=Column(Text))
    seen_at: str | None = Field(default=None, sa_column=Column(Text))


class Elimination(SQLModel, table=True):
    """A list of what is to be forgotten; with the visa of the archives it may be carried out."""

    __tablename__ = "vault_eliminations"

    list_id: str = Field(sa_column=_text(key=True))
    made_at: str = Field(sa_column=_text())
    visa: str | None = Field(default=None, sa_column=Column(Text))
    visa_on: str | None = Field(default=None, sa_column=Column(Text))
    carried_out_at: str | None = Field(default=None, sa_column=Column(Text))


class EliminationEntry(SQLModel, table=True):
    """A person on a list, or a case about nobody that has notes. `left_out` = came back before it was carried out."""

    __tablename__ = "vault_elimination_entries"

    list_id: str = Field(sa_column=_text(key=True))
    owner: str = Field(sa_column=_text(key=True))
    kind: str = Field(sa_column=_text())
    last_contact: str = Field(sa_column=_text())
    left_out: bool = Field(sa_column=Column(Boolean, nullable=False))


KEY_TABLES: tuple[type[SQLModel], ...] = (DataKey, Shredded)
DATA_TABLES: tuple[type[SQLModel], ...] = (
    Person,
    IdentityField,
    NameToken,
    CaseNote,
    AuditRecord,
    AuditHead,
    CaseOpening,
    Elimination,
    EliminationEntry,
)

DATA_KEYS: Table = DataKey.__table__  # type: ignore[attr-defined]
SHREDDED: Table = Shredded.__table__  # type: ignore[attr-defined]
PEOPLE: Table = Person.__table__  # type: ignore[attr-defined]
IDENTITY: Table = IdentityField.__table__  # type: ignore[attr-defined]
NAMES: Table = NameToken.__table__  # type: ignore[attr-defined]
NOTES: Table = CaseNote.__table__  # type: ignore[attr-defined]
AUDIT: Table = AuditRecord.__table__  # type: ignore[attr-defined]
AUDIT_HEAD: Table = AuditHead.__table__  # type: ignore[attr-defined]
OPENINGS: Table = CaseOpening.__table__  # type: ignore[attr-defined]
ELIMINATIONS: Table = Elimination.__table__  # type: ignore[attr-defined]
ELIMINATION_ENTRIES: Table = EliminationEntry.__table__  # type: ignore[attr-defined]
