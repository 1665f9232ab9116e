"""What codes are called in everything that the city gets: kept beside what was published, in the house's words.

The names are those of today's house file, in French. A code that it no longer holds keeps the last name it had.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from services.stats.tables import Name
from shared.catalogue import Catalogue

NAMES: Table = Name.__table__  # type: ignore[attr-defined]
HOUSE = "house"
"""The dimension under which the house's own name is kept."""
_LAST = 1_000_000


class Named(NamedTuple):
    """A code's name, and its place among those of its dimension, from 1."""

    label: str
    place: int


Key = tuple[str, str]
"""(dimension, code)."""


def names_of(catalogue: Catalogue, words: Mapping[str, Mapping[str, str]]) -> dict[Key, Named]:
    """The names of a house file, and the `words` of the house for what is the same everywhere: dimension -> code."""
    labels: Mapping[str, Iterable[Key]] = {
        HOUSE: [("", catalogue.name)],
        "site": [(site.code, site.name) for site in catalogue.sites],
        "category": [(category.code, category.label_fr) for category in catalogue.categories],
        "partner": [(partner.code, partner.name) for partner in catalogue.partners],
        **{dimension: named.items() for dimension, named in words.items()},
    }
    return {
        (dimension, code): Named(label, place)
        for dimension, named in labels.items()
        for place, (code, label) in enumerate(named, 1)
    }


def known_names(connection: Connection) -> dict[Key, Named]:
    """The names that are kept."""
    columns = NAMES.c
    found = connection.execute(select(columns.dimension, columns.code, columns.label, columns.place)).all()
    return {(dimension, code): Named(label, place) for dimension, code, label, place in found}


def changed_at(connection: Connection) -> str:
    """When the last of them changed; empty when there are none yet."""
    return connection.execute(select(func.max(NAMES.c.changed_at))).scalar() or ""


def keep_names(connection: Connection, names: Mapping[Key, Named], now: datetime) -> None:
    """Make these the names. What is as it was is not touched, so that files that name it stay as they are."""
    known = known_names(connection)
    changed = [
        {"dimension": key[0], "code": key[1], **named._asdict(), "changed_at": instant(now)}
        for key, named in sorted(names.items())
        if known.get(key) != named
    ]
    if not changed:
        return
    statement = _insert(connection)
    what = {name: statement.excluded[name] for name in ("label", "place", "changed_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["dimension", "code"], set_=what), changed)


def name_codes(connection: Connection, codes: Iterable[Key], now: datetime) -> None:
    """Name codes that have no name by themselves: every code of a publication leads somewhere from the first."""
    rows = [
        {"dimension": dimension, "code": code, "label": code, "place": _LAST, "changed_at": instant(now)}
        for dimension, code in sorted(set(codes))
    ]
    if rows:
        connection.execute(_insert(connection).on_conflict_do_nothing(), rows)


def instant(moment: datetime) -> str:
    """A moment as it is kept: UTC, to the millisecond, so that text is in the order of time."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _insert(connection: Connection) -> Any:
    """The statement of the store: each has its own words for a line that is there already."""
    return (sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert)(NAMES)
