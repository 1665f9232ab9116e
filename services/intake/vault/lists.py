"""Elimination lists as rows: what is on one, its visa, and whether it was carried out."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from services.intake.vault.tables import ELIMINATION_ENTRIES, ELIMINATIONS

PERSON, CASE = "person", "case"


class Due(NamedTuple):
    """A person whose two years are over, or a case about nobody that has notes. `owner` is its id."""

    owner: str
    kind: str
    last_contact: str


class Listed(NamedTuple):
    """An entry of a list. `left_out` = came back before it was carried out."""

    owner: str
    kind: str
    last_contact: str
    left_out: bool


class EliminationList(NamedTuple):
    """A list, and how far it has come."""

    list_id: str
    made_at: str
    visa: str | None
    visa_on: str | None
    carried_out_at: str | None
    entries: Sequence[Listed]


def add(connection: Connection, list_id: str, made_at: str, due: Iterable[Due]) -> None:
    """A new list."""
    connection.execute(insert(ELIMINATIONS).values(list_id=list_id, made_at=made_at))
    rows = [{"list_id": list_id, **one._asdict(), "left_out": False} for one in due]
    if rows:
        connection.execute(insert(ELIMINATION_ENTRIES), rows)


def read(connection: Connection, list_id: str) -> EliminationList | None:
    """One list; None when there is none of that id."""
    row = connection.execute(select(ELIMINATIONS).where(ELIMINATIONS.c.list_id == list_id)).one_or_none()
    if row is None:
        return None
    on_it = select(ELIMINATION_ENTRIES).where(ELIMINATION_ENTRIES.c.list_id == list_id)
    entries = connection.execute(on_it.order_by(ELIMINATION_ENTRIES.c.owner))
    listed = [Listed(each.owner, each.kind, each.last_contact, each.left_out) for each in entries]
    return EliminationList(row.list_id, row.made_at, row.visa, row.visa_on, row.carried_out_at, listed)


def read_all(connection: Connection) -> list[EliminationList]:
    """Every list, the newest first."""
    order = (ELIMINATIONS.c.made_at.desc(), ELIMINATIONS.c.list_id.desc())
    ids = connection.execute(select(ELIMINATIONS.c.list_id).order_by(*order)).scalars().all()
    return [found for one in ids if (found := read(connection, one)) is not None]


def sign(connection: Connection, list_id: str, visa: str, visa_on: str) -> None:
    """The archives agree; the reference of their visa, and its day."""
    connection.execute(update(ELIMINATIONS).where(ELIMINATIONS.c.list_id == list_id).values(visa=visa, visa_on=visa_on))


def close(connection: Connection, list_id: str, at: str, left_out: Collection[str]) -> None:
    """It was carried out, but for those who came back."""
    of_list = ELIMINATION_ENTRIES.c.list_id == list_id
    for owner in left_out:
        connection.execute(
            update(ELIMINATION_ENTRIES).where(of_list, ELIMINATION_ENTRIES.c.owner == owner).values(left_out=True)
        )
    connection.execute(update(ELIMINATIONS).where(ELIMINATIONS.c.list_id == list_id).values(carried_out_at=at))


def forgotten_cases(connection: Connection) -> list[str]:
    """The cases about nobody on lists that were carried out: the log says nothing of them."""
    entries, eliminations = ELIMINATION_ENTRIES.c, ELIMINATIONS.c
    query = (
        select(entries.owner)
        .join(ELIMINATIONS, eliminations.list_id == entries.list_id)
        .where(entries.kind == CASE, ~entries.left_out, eliminations.carried_out_at.is_not(None))
    )
    return list(connection.execute(query).scalars())
