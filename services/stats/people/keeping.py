"""Presences and ties in tables, in the checkpoint's own transaction: each presence knows whose it is by now."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table, text

from services.stats.people.families import Known, Tie, families, tied
from services.stats.people.presences import Presence, Tied, presences, ties
from services.stats.tables import CaseTie, PresenceRow
from shared.envelope import Envelope
from shared.log.rows import batched

PRESENCES: Table = PresenceRow.__table__  # type: ignore[attr-defined]
TIES: Table = CaseTie.__table__  # type: ignore[attr-defined]
IDS_PER_STATEMENT = 500
ROWS_PER_STATEMENT = 90
_COLUMNS = ("figure", "dimension", "day", "site", "value", "who", "root", "named", "count")
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('maison.stats.people'))"


class Kept:
    """What a batch says of people, on its way into the tables with this suffix."""

    def __init__(self, batch: Sequence[Envelope], suffix: str) -> None:
        self._presences: Counter[Presence] = presences(batch)
        self._ties: Tied = ties(batch)
        self._presence_table, self._tie_table = PRESENCES.name + suffix, TIES.name + suffix

    def apply(self, connection: Connection) -> None:
        """Take it in: first who is who, then who was where."""
        if not self._presences and not self._ties:
            return
        if connection.dialect.name != "sqlite":
            # Who is who is read and then written upon: of two replicas, one after the other.
            connection.execute(text(_LOCK))
        if self._ties:
            self._tie(connection)
        if self._presences:
            self._add(connection)

    def _tie(self, connection: Connection) -> None:
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
        moved = [
            {"who": who, "root": now.root, "named": now.named} for who, now in sorted(is_now.items())
            if was.get(who) != now
        ]  # fmt: skip
        if moved:
            update = f"UPDATE {self._presence_table} SET root = :root, named = :named WHERE who = :who"
            connection.execute(text(update), moved)

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
            insert = (
                f"INSERT INTO {self._tie_table} (who, kept, person, root, named)"
                " VALUES (:who, :kept, :person, :root, :named)"
            )
            connection.execute(text(insert), rows)

    def _add(self, connection: Connection) -> None:
        known = self._known(connection, {presence.who for presence in self._presences})
        rows = []
        for presence, step in sorted(self._presences.items()):
            *cell, is_person = presence
            root, named = known.get(presence.who, Known(presence.who, is_person))
            rows.append((*cell, root, named, step))
        table = self._presence_table
        for some in batched(rows, ROWS_PER_STATEMENT):
            row = f"({', '.join([_mark(connection)] * len(_COLUMNS))})"
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({', '.join(_COLUMNS)}) VALUES {', '.join([row] * len(some))}"
                " ON CONFLICT (figure, dimension, day, site, value, who)"
                f" DO UPDATE SET count = {table}.count + excluded.count",
                tuple(chain.from_iterable(some)),
            )
        taken_off = sorted({presence.who for presence, step in self._presences.items() if step < 0})
        if taken_off:
            # Nothing is left of what never was: a table that is made anew has no row for it either.
            delete = f"DELETE FROM {table} WHERE who = :who AND count = 0"
            connection.execute(text(delete), [{"who": who} for who in taken_off])

    def _known(self, connection: Connection, ids: Iterable[str]) -> dict[str, Known]:
        """Who these are, of those that are tied to anything."""
        rows = self._select(connection, "who, root, named", "who", ids)
        return {who: Known(root, bool(named)) for who, root, named in rows}

    def _families(self, connection: Connection, roots: Iterable[str]) -> list[Any]:
        return self._select(connection, "who, kept, person, root, named", "root", roots)

    def _select(self, connection: Connection, columns: str, by: str, ids: Iterable[str]) -> list[Any]:
        found: list[Any] = []
        for some in batched(sorted(ids), IDS_PER_STATEMENT):
            marks = ", ".join([_mark(connection)] * len(some))
            found += connection.exec_driver_sql(
                f"SELECT {columns} FROM {self._tie_table} WHERE {by} IN ({marks})", tuple(some)
            ).all()
        return found


def keeper(suffix: str) -> Callable[[Sequence[Envelope]], Kept]:
    """A reaction that keeps people in the live tables (no suffix), or in those that are being rebuilt beside them."""
    return lambda batch: Kept(batch, suffix)


def _mark(connection: Connection) -> str:
    """How the driver writes a parameter."""
    return "?" if connection.dialect.name == "sqlite" else "%s"
