"""Presences and ties in tables, in the checkpoint's own transaction: each presence knows whose it is by now."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, text

from services.stats.facts import Told
from services.stats.people.families import Known, Tie, families, tied
from services.stats.people.presences import Presence, Tied, presences, ties
from services.stats.people.tracks import COLUMNS, Place, Stop, Track, counts, tracks
from services.stats.tables import CaseTie, PeopleCount, PresenceRow
from shared.inserting import insert, mark_of
from shared.log.rows import batched

PRESENCES: Table = PresenceRow.__table__  # type: ignore[attr-defined]
TIES: Table = CaseTie.__table__  # type: ignore[attr-defined]
PEOPLE_COUNTS: Table = PeopleCount.__table__  # type: ignore[attr-defined]
IDS_PER_STATEMENT = 500
_KEY = ("figure", "dimension", "day", "site", "value", "who")
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('maison.stats.people'))"

_Key = tuple[str, ...]
"""A row of `presences`, by its key."""


class _Kept(NamedTuple):
    """The rest of the row."""

    root: str
    named: bool
    times: int


class Kept:
    """What a batch says of people, on its way into the tables with this suffix."""

    def __init__(self, batch: Sequence[Told], suffix: str) -> None:
        self._presences: Counter[Presence] = presences(batch)
        self._ties: Tied = ties(batch)
        self._presence_table, self._tie_table = PRESENCES.name + suffix, TIES.name + suffix
        self._count_table = PEOPLE_COUNTS.name + suffix

    def apply(self, connection: Connection) -> None:
        """Take it in: first who is who, then who was where, then what that comes to."""
        if not self._presences and not self._ties:
            return
        if connection.dialect.name != "sqlite":
            # Who is who is read and then written upon: of two replicas, one after the other.
            connection.execute(text(_LOCK))
        moved = self._tie(connection) if self._ties else {}
        known = self._known(connection, {presence.who for presence in self._presences})
        owners = {one.who: known.get(one.who, Known(one.who, one.is_person)) for one in self._presences}
        roots = {owner.root for owner in owners.values()}
        roots |= {known.root for was, now in moved.values() for known in (was, now)}
        before = self._standing(connection, roots)
        after = {key: self._moved(key, row, moved) for key, row in before.items()}
        for presence, step in self._presences.items():
            key = presence[:-1]
            row = after.get(key)
            after[key] = _Kept(*owners[presence.who], row.times + step if row else step)
        self._write(connection, before, after)
        newcomers, others = _apart(before, after)
        self._count(connection, counts(_tracks(before), _tracks(others), newcomers))

    @staticmethod
    def _moved(key: _Key, row: _Kept, moved: Mapping[str, tuple[Known, Known]]) -> _Kept:
        return _Kept(*moved[key[-1]][1], row.times) if key[-1] in moved else row

    def _tie(self, connection: Connection) -> dict[str, tuple[Known, Known]]:
        """Write the ties down; who is somebody else from now on, whose they were and are."""
        told = self._ties
        touched = {*told.kept, *told.person, *told.person.values(), *filter(None, told.kept.values())}
        before = self._known(connection, touched)
        rows = self._families(connection, {known.root for known in before.values()} | touched)
        was = {who: Known(root, bool(named)) for who, _kept, _person, root, named in rows}
        after = tied({who: Tie(kept, person) for who, kept, person, _root, _named in rows}, told)
        known = families(after)
        # A person who is tied to nothing any more cannot be: a case keeps its person.
        is_now = {who: known.get(who, Known(who, named=False)) for who in {*was, *after, *known}}
        self._write_ties(connection, rows, {who: after.get(who, Tie()) for who in known}, known)
        return {who: (was.get(who, Known(who, now.named)), now) for who, now in is_now.items() if was.get(who) != now}

    def _write_ties(
        self, connection: Connection, before: Sequence[Any], after: dict[str, Tie], known: dict[str, Known]
    ) -> None:
        gone = [{"who": row[0]} for row in before]
        if gone:
            connection.execute(text(f"DELETE FROM {self._tie_table} WHERE who = :who"), gone)
        rows = [
            {"who": who, "kept": tie.kept, "person": tie.person, **known[who]._asdict()}
            for who, tie in sorted(after.items())
        ]
        if rows:
            statement = (
                f"INSERT INTO {self._tie_table} (who, kept, person, root, named)"
                " VALUES (:who, :kept, :person, :root, :named)"
            )
            connection.execute(text(statement), rows)

    def _standing(self, connection: Connection, roots: Iterable[str]) -> dict[_Key, _Kept]:
        """Everything that is kept of these people."""
        columns = f"{', '.join(_KEY)}, root, named, count"
        rows = self._select(connection, self._presence_table, columns, "root", roots)
        return {(*key,): _Kept(root, bool(named), count) for *key, root, named, count in rows}

    def _write(self, connection: Connection, before: Mapping[_Key, _Kept], after: Mapping[_Key, _Kept]) -> None:
        rows: list[tuple[str | int, ...]] = [
            (*key, *row) for key, row in sorted(after.items()) if row.times and row != before.get(key)
        ]
        update = "root = excluded.root, named = excluded.named, count = excluded.count"
        _put(connection, self._presence_table, (*_KEY, "root", "named", "count"), len(_KEY), rows, update)
        # Nothing is left of what never was: a table that is made anew has no row for it either.
        gone = [dict(zip(_KEY, key, strict=True)) for key, row in after.items() if not row.times and key in before]
        if gone:
            condition = " AND ".join(f"{name} = :{name}" for name in _KEY)
            connection.execute(text(f"DELETE FROM {self._presence_table} WHERE {condition}"), gone)

    def _count(self, connection: Connection, found: Mapping[Place, int]) -> None:
        table, rows = self._count_table, [(*place, step) for place, step in found.items()]
        update = f"count = {table}.count + excluded.count"
        _put(connection, table, (*COLUMNS, "count"), len(COLUMNS), rows, update)

    def _known(self, connection: Connection, ids: Iterable[str]) -> dict[str, Known]:
        """Who these are, of those that are tied to anything."""
        rows = self._select(connection, self._tie_table, "who, root, named", "who", ids)
        return {who: Known(root, bool(named)) for who, root, named in rows}

    def _families(self, connection: Connection, roots: Iterable[str]) -> list[Any]:
        return self._select(connection, self._tie_table, "who, kept, person, root, named", "root", roots)

    @staticmethod
    def _select(connection: Connection, table: str, columns: str, by: str, ids: Iterable[str]) -> list[Any]:
        # Through the driver: of one visit, SQLAlchemy's own part would take longer than the look-up.
        found: list[Any] = []
        cursor, mark = connection.connection.cursor(), mark_of(connection)
        try:
            for some in batched(sorted(ids), IDS_PER_STATEMENT):
                marks = ", ".join([mark] * len(some))
                cursor.execute(f"SELECT {columns} FROM {table} WHERE {by} IN ({marks})", some)
                found += cursor.fetchall()
        finally:
            cursor.close()
        return found


def keeper(suffix: str) -> Callable[[Sequence[Told]], Kept]:
    """A reaction that keeps people in the live tables (no suffix), or in those that are being rebuilt beside them."""
    return lambda batch: Kept(batch, suffix)


def _apart(
    before: Mapping[_Key, _Kept], after: Mapping[_Key, _Kept]
) -> tuple[Mapping[Track, int], Mapping[_Key, _Kept]]:
    """How many are new and came once, by the track that they share, and the rows of everybody else: far fewer."""
    known, rows = {row.root for row in before.values()}, Counter([row.root for row in after.values()])
    alike: Counter[tuple[_Key, bool]] = Counter()
    others = {}
    for key, row in after.items():
        if row.times > 0 and rows[row.root] == 1 and row.root not in known:
            alike[key[:-1], row.named] += 1
        else:
            others[key] = row
    newcomers = {
        Track((Stop(figure, dimension, value, site, day),), named): people
        for ((figure, dimension, day, site, value), named), people in alike.items()
    }
    return newcomers, others


def _tracks(rows: Mapping[_Key, _Kept]) -> dict[str, Track]:
    return tracks(
        (row.root, row.named, Stop(figure, dimension, value, site, day))
        for (figure, dimension, day, site, value, _who), row in rows.items()
        if row.times > 0
    )


def _put(
    connection: Connection,
    table: str,
    columns: tuple[str, ...],
    keys: int,
    rows: Sequence[tuple[str | int, ...]],
    update: str,
) -> None:
    """Many rows a statement; the first columns are the key, and what is there under it is updated."""
    insert(connection, table, columns, rows, f"ON CONFLICT ({', '.join(columns[:keys])}) DO UPDATE SET {update}")
