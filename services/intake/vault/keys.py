"""The data keys: one a person, one a case with notes; made when needed, deleted to forget."""

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from services.intake.vault.master import MasterKeys
from services.intake.vault.sealing import new_key
from services.intake.vault.tables import DATA_KEYS, SHREDDED
from services.intake.vault.wiping import delete_for_good, wipe
from shared.database import Database, StoreUnavailable
from shared.envelope import timestamp
from shared.log.rows import batched

OWNERS_AT_ONCE = 500
WIPES_MAX = 20
WIPE_AGAIN_S = 0.1


class Erased(Exception):
    """The key was deleted by a decision: what it sealed is gone, and no new key is made in its place."""


class KeyStore:
    """The database `keys`, and the master keys that wrap what is in it."""

    def __init__(self, database: Database, master: MasterKeys) -> None:
        self._database, self._master = database, master

    async def make(self, owner: str) -> bytes:
        """The key of an owner, made now if there is none. Raises `Erased`."""
        return await self._database.write(lambda connection: self._make(connection, owner))

    async def open(self, owners: Collection[str]) -> dict[str, bytes]:
        """The keys of those of the owners who have one."""
        rows = await self._database.read(lambda connection: _rows(connection, owners))
        return {owner: self._master.unwrap(master, owner, bytes(wrapped)) for owner, master, wrapped in rows}

    async def key(self, owner: str) -> bytes | None:
        """The key of one owner. None: there never was one. Raises `Erased`."""
        found = await self.open([owner])
        if not found and owner in await self.erased([owner]):
            raise Erased
        return found.get(owner)

    async def erased(self, owners: Collection[str], *, wiped: bool = False) -> set[str]:
        """Those of the owners whose key was deleted; `wiped`: and is known to be off the pages too."""

        def read(connection: Connection) -> set[str]:
            found: set[str] = set()
            for some in batched(owners, OWNERS_AT_ONCE):
                query = select(SHREDDED.c.owner).where(SHREDDED.c.owner.in_(some))
                found.update(connection.execute(query.where(SHREDDED.c.wiped) if wiped else query).scalars())
            return found

        return await self._database.read(read)

    async def forgotten(self) -> list[tuple[str, str]]:
        """Everybody whose key was deleted, and when."""
        query = select(SHREDDED.c.owner, SHREDDED.c.at).order_by(SHREDDED.c.owner)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [(row.owner, row.at) for row in rows]

    async def shred(self, owners: Collection[str], at: datetime) -> None:
        """Delete these keys for good, off the pages too. Done again, it does no harm."""
        await self._database.write(lambda connection: _delete(connection, owners, timestamp(at)))
        await self._wipe()
        await self._database.write(_mark_wiped)

    async def drop(self, owner: str) -> None:
        """Delete the key of somebody who never came to be known."""

        def forget(connection: Connection) -> None:
            delete_for_good(connection)
            connection.execute(delete(DATA_KEYS).where(DATA_KEYS.c.owner == owner))

        await self._database.write(forget)

    async def rotate(self) -> int:
        """Put a new master key in force and wrap every data key by it; how many. Stopped half-way, ask again."""
        await asyncio.to_thread(self._master.begin_rotation)
        wrapped = 0
        while some := await self._database.write(self._wrap_some):
            wrapped += some
        await self._wipe()
        await asyncio.to_thread(self._master.end_rotation)
        return wrapped

    def _make(self, connection: Connection, owner: str) -> bytes:
        _lock(connection, "ROW EXCLUSIVE")
        if connection.execute(select(SHREDDED.c.owner).where(SHREDDED.c.owner == owner)).first():
            raise Erased
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        master, made = self._master.in_force(), new_key()
        values = {"owner": owner, "master": master.name, "wrapped": master.wrap(owner, made)}
        connection.execute(dialect.insert(DATA_KEYS).values(**values).on_conflict_do_nothing())
        # Another replica may have been faster: what is in the table holds.
        ((_, name, wrapped),) = _rows(connection, [owner])
        return self._master.unwrap(name, owner, bytes(wrapped))

    def _wrap_some(self, connection: Connection) -> int:
        # Whoever wraps by the old master key is done before this, or begins after it and finds the new one.
        _lock(connection, "SHARE ROW EXCLUSIVE")
        delete_for_good(connection)
        master = self._master.in_force()
        query = select(DATA_KEYS).where(DATA_KEYS.c.master != master.name).limit(OWNERS_AT_ONCE).with_for_update()
        rows = connection.execute(query).all()
        for owner, old, wrapped in rows:
            data_key = self._master.unwrap(old, owner, bytes(wrapped))
            values = {"master": master.name, "wrapped": master.wrap(owner, data_key)}
            connection.execute(update(DATA_KEYS).where(DATA_KEYS.c.owner == owner).values(**values))
        return len(rows)

    async def _wipe(self) -> None:
        for _ in range(WIPES_MAX):
            if await wipe(self._database):
                return
            await asyncio.sleep(WIPE_AGAIN_S)
        raise StoreUnavailable("the database of keys is being read: it cannot be written anew")


def count_keys(connection: Connection) -> int:
    """How many data keys there are."""
    return int(connection.execute(select(func.count()).select_from(DATA_KEYS)).scalar_one())


def _lock(connection: Connection, mode: str) -> None:
    """On SQLite every writer is alone already."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"LOCK TABLE data_keys IN {mode} MODE")


def _rows(connection: Connection, owners: Iterable[str]) -> list[tuple[str, str, bytes]]:
    found: list[tuple[str, str, bytes]] = []
    for some in batched(owners, OWNERS_AT_ONCE):
        found += [(*row,) for row in connection.execute(select(DATA_KEYS).where(DATA_KEYS.c.owner.in_(some)))]
    return found


def _delete(connection: Connection, owners: Collection[str], at: str) -> None:
    delete_for_good(connection)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    for some in batched(owners, OWNERS_AT_ONCE):
        connection.execute(delete(DATA_KEYS).where(DATA_KEYS.c.owner.in_(some)))
        marks = [{"owner": owner, "at": at, "wiped": False} for owner in some]
        wanted = {"set_": {"wiped": False}, "index_elements": ["owner"]}
        # A key that a restored backup has brought back is deleted again, and its page wiped again.
        connection.execute(dialect.insert(SHREDDED).values(marks).on_conflict_do_update(**wanted))


def _mark_wiped(connection: Connection) -> None:
    connection.execute(update(SHREDDED).where(~SHREDDED.c.wiped).values(wiped=True))
