"""The vault as its service uses it: hold an identity, show it to who may see it, forget it."""

import hmac
import logging
from collections.abc import Collection, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from services.intake.vault import audit, identities, openings
from services.intake.vault.audit import Access
from services.intake.vault.identity import FIELDS, Identity
from services.intake.vault.keys import Erased, KeyStore, count_keys
from services.intake.vault.master import MasterKeys, NoMasterKey
from services.intake.vault.openings import Opening
from services.intake.vault.sealing import Place, seal, unseal
from services.intake.vault.search import Match, NameIndex
from services.intake.vault.tables import NOTES, OPENINGS, PEOPLE, Person
from shared.copying import copy_file
from shared.database import Database
from shared.envelope import timestamp
from shared.ids import derive_id, new_id
from shared.log import KeyReused
from shared.migrations import migrate
from shared.settings import Settings

DATA, KEYS = "vault", "keys"
NEWEST = {DATA: "0002", KEYS: "0001"}
VERSIONS = {DATA: Path(__file__).parent / "migrations/data", KEYS: Path(__file__).parent / "migrations/keys"}
MASTER_FILE = "vault.key"
_HOUSE = "house"
"""The owner of the key that names are indexed by, and that personal requests are recognised by."""

_log = logging.getLogger(__name__)


class PersonUnknown(Exception):
    """There is no such person, or not yet."""


class Note(NamedTuple):
    """A note on a case."""

    note_id: str
    case_id: str
    recorded_at: str
    author: str
    text: str

    def __repr__(self) -> str:
        return f"Note({self.note_id})"


class Vault:
    """The two databases of the vault, opened by `start`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.database = Database(settings.database(DATA), DATA)
        self._keys_database = Database(settings.database(KEYS), KEYS)
        self.keys: KeyStore
        self._index: NameIndex
        self._print_key = b""

    async def start(self) -> None:
        """Open both databases; the first start makes the master key. Raises `NoMasterKey`."""
        for database, name in ((self.database, DATA), (self._keys_database, KEYS)):
            migrate(self._settings.database(name), name, VERSIONS[name], NEWEST[name])
            await database.start()
        self.keys = KeyStore(self._keys_database, await self._master())
        secret = await self.keys.make(_HOUSE)
        self._index = NameIndex(hmac.digest(secret, b"maison-names-1", "sha256"))
        self._print_key = hmac.digest(secret, b"maison-prints-1", "sha256")

    async def stop(self) -> None:
        """Close both databases."""
        await self.database.stop()
        await self._keys_database.stop()

    async def _master(self) -> MasterKeys:
        path, secret = self._settings.data.absolute() / MASTER_FILE, self._settings.vault_key.get_secret_value()
        if not secret and not path.exists():
            if await self._keys_database.read(count_keys):
                raise NoMasterKey(f"the vault's master key is missing: put {path} back, as it was")
            _log.warning("a master key for the vault is made in %s: keep a copy of it, apart from the data", path)
        return MasterKeys.of(secret, path)

    def fingerprint(self, canonical: bytes) -> bytes:
        """What a personal request is recognised by outside the vault: HMAC-SHA256, nothing to try names against."""
        return hmac.digest(self._print_key, canonical, "sha256")

    async def hold(self, person_id: str, identity: Identity, at: datetime, last_contact: date) -> None:
        """Keep an identity that nobody is shown before `confirm`: the log says first whose it is."""
        key = await self.keys.make(person_id)

        def write(connection: Connection) -> None:
            identities.add_person(connection, person_id, timestamp(at), last_contact.isoformat())
            identities.keep(connection, key, self._index, person_id, identity, version=1)

        await self.database.write(write)

    async def confirm(self, person_id: str) -> None:
        """The log says that this person is attached to a case."""
        attached = update(PEOPLE).where(PEOPLE.c.person_id == person_id).values(attached=True)
        await self.database.write(lambda connection: connection.execute(attached))

    async def discard(self, person_id: str) -> None:
        """The log will never say so: forget what was held."""
        await self.keys.drop(person_id)
        await self.database.write(lambda connection: identities.purge(connection, [person_id]))

    async def correct(self, person_id: str, identity: Identity, expected: int, access: Access) -> int | None:
        """Replace an identity at a version; its new version, None when it is at another.

        Raises `Erased` or `PersonUnknown`.
        """
        key = await self._key(person_id)

        def write(connection: Connection) -> int | None:
            row = identities.person_row(connection, person_id, to_change=True)
            if row is None or row.version != expected:
                return None
            identities.keep(connection, key, self._index, person_id, identity, expected + 1)
            audit.record(connection, access, person=person_id)
            return expected + 1

        return await self.database.write(write)

    async def person(self, person_id: str) -> Person | None:
        """What is known of a person besides the identity; None when there is no such person (any more)."""
        return await self.database.read(lambda connection: identities.person_row(connection, person_id))

    async def holds(self, person_id: str) -> bool:
        """Whether there are rows of somebody, readable or not."""
        return await self.person(person_id) is not None

    async def unconfirmed(self) -> list[Person]:
        """People of whom the log has perhaps not said anything."""
        query = select(PEOPLE).where(~PEOPLE.c.attached)
        return await self.database.read(lambda connection: _people(connection.execute(query)))

    async def silent_since(self, day: date, limit: int) -> list[Person]:
        """People whose last contact that is noted was before a day, oldest first."""
        query = select(PEOPLE).where(PEOPLE.c.attached, PEOPLE.c.last_contact < day.isoformat())
        ordered = query.order_by(PEOPLE.c.last_contact, PEOPLE.c.person_id).limit(limit)
        return await self.database.read(lambda connection: _people(connection.execute(ordered)))

    async def silent_notes(self, day: date, limit: int) -> list[str]:
        """Cases whose newest note was written before a day, oldest first."""
        newest = func.max(NOTES.c.recorded_at)
        query = select(NOTES.c.case_id).group_by(NOTES.c.case_id).having(newest < day.isoformat())
        ordered = query.order_by(newest, NOTES.c.case_id).limit(limit)
        return await self.database.read(lambda connection: list(connection.execute(ordered).scalars()))

    async def touch(self, person_id: str, last_contact: date) -> None:
        """A later contact came to light."""
        newer = update(PEOPLE).where(PEOPLE.c.person_id == person_id).values(last_contact=last_contact.isoformat())
        await self.database.write(lambda connection: connection.execute(newer))

    async def identity(
        self, person_id: str, access: Access, fields: Collection[str] = FIELDS, **facts: Any
    ) -> dict[str, Any]:
        """The fields asked for that have a value, once it is on record that they were read.

        Raises `Erased` or `PersonUnknown`; then nothing was read.
        """
        key = await self._key(person_id)

        def read(connection: Connection) -> list[tuple[str, str, int, bytes]]:
            rows = identities.sealed_fields(connection, [person_id], fields)
            audit.record(connection, access, person=person_id, fields=sorted(row[1] for row in rows), **facts)
            return rows

        found = identities.opened(await self.database.write(read), {person_id: key}).get(person_id, {})
        return {name: found[name] for name in FIELDS if name in found}

    async def find(self, name: str) -> list[Match]:
        """Who a name may be of; nothing is shown of them yet."""
        return await self.database.read(lambda connection: self._index.find(connection, name))

    async def show(
        self, person_ids: Collection[str], access: Access, fields: Collection[str]
    ) -> dict[str, dict[str, Any]]:
        """These fields of these people, once it is on record that they were read; the erased are left out."""
        keys = await self.keys.open(person_ids)

        def read(connection: Connection) -> list[tuple[str, str, int, bytes]]:
            audit.record(connection, access, people=sorted(keys), fields=sorted(fields))
            return identities.sealed_fields(connection, list(keys), fields)

        return identities.opened(await self.database.write(read), keys)

    async def add_note(self, case_id: str, text: str, access: Access, key: str | None) -> tuple[Note, bool]:
        """Add a note on a case; with a key, once: the note, and whether it was there. Raises `KeyReused`, `Erased`."""
        data_key = await self.keys.make(case_id)
        note_id = derive_id(case_id, "note", key) if key else new_id()
        note = Note(note_id, case_id, timestamp(access.at), access.name, text)
        sealed = seal(data_key, _place(note), text.encode())
        print_ = self.fingerprint(text.encode())

        def write(connection: Connection) -> tuple[Note, bool]:
            before = connection.execute(select(NOTES).where(NOTES.c.note_id == note_id)).one_or_none()
            if before is not None:
                if not hmac.compare_digest(bytes(before.fingerprint), print_):
                    raise KeyReused
                return Note(note_id, case_id, before.recorded_at, before.author, text), True
            fields = {name: getattr(note, name) for name in ("note_id", "case_id", "recorded_at", "author")}
            connection.execute(insert(NOTES).values(**fields, sealed=sealed, fingerprint=print_))
            audit.record(connection, access, case=case_id, note=note_id)
            return note, False

        return await self.database.write(write)

    async def notes(self, case_ids: Collection[str], access: Access, limit: int) -> list[Note]:
        """The newest notes on these cases, oldest first, once it is on record that they were read."""
        keys = await self.keys.open(case_ids)

        def read(connection: Connection) -> list[Any]:
            audit.record(connection, access, cases=sorted(case_ids))
            order = (NOTES.c.recorded_at.desc(), NOTES.c.note_id.desc())
            query = select(NOTES).where(NOTES.c.case_id.in_(list(keys))).order_by(*order).limit(limit)
            return list(connection.execute(query))

        rows = await self.database.write(read)
        return [_note(row, keys[row.case_id]) for row in reversed(rows)]

    async def open_case(self, case_id: str, reason: str, access: Access, until: datetime) -> str:
        """Put on record why a sealed case is opened, and until when: the opening's id. Raises `Erased`."""
        key, opening_id = await self.keys.make(case_id), new_id()
        row = openings.sealed_row(opening_id, case_id, reason, key, access, until)

        def write(connection: Connection) -> None:
            connection.execute(insert(OPENINGS).values(row))
            audit.record(connection, access, case=case_id, opening=opening_id)

        await self.database.write(write)
        return opening_id

    async def use_opening(self, case_ids: Collection[str], access: Access) -> bool:
        """Whether this account has one of these cases open now; if so, once its reading is on record."""
        return await self.database.write(lambda connection: openings.use(connection, case_ids, access))

    async def openings(self, access: Access) -> list[Opening]:
        """The newest openings with their reasons, once it is on record that they were read."""

        def read(connection: Connection) -> list[Any]:
            rows = openings.newest(connection)
            audit.record(connection, access, openings=[row.opening_id for row in rows])
            return rows

        rows = await self.database.write(read)
        keys = await self.keys.open({row.case_id for row in rows})
        return [openings.opened(row, keys.get(row.case_id)) for row in rows]

    async def shred(self, owners: Collection[str], at: datetime) -> None:
        """Forget these people and cases: the keys first, for that cannot be taken back. Done again, it does no harm."""
        if owners:
            await self.keys.shred(owners, at)
            await self.database.write(lambda connection: identities.purge(connection, owners))

    async def copy(self, part: str, target: str) -> None:
        """Copy one of the two databases, by its name, to a new file. Raises `Problem`."""
        await copy_file(self._keys_database if part == KEYS else self.database, target)

    async def note_access(self, access: Access, **facts: Any) -> None:
        """Put on record what was done, where nothing is read."""
        await self.database.write(lambda connection: audit.record(connection, access, **facts))

    async def purge_records(self, now: datetime) -> int:
        """Drop some of the records that are older than a year; how many."""

        def purge(connection: Connection) -> int:
            openings.forget_before(connection, timestamp(now - audit.KEPT))
            return audit.purge(connection, now)

        return await self.database.write(purge)

    async def _key(self, person_id: str) -> bytes:
        key = await self.keys.key(person_id)
        if key is None:
            raise PersonUnknown
        return key


def _people(rows: Iterable[Any]) -> list[Person]:
    return [Person(**row._mapping) for row in rows]


def _place(note: Note) -> Place:
    return Place(note.case_id, f"note:{note.note_id}", 1)


def _note(row: Any, key: bytes) -> Note:
    note = Note(row.note_id, row.case_id, row.recorded_at, row.author, "")
    return note._replace(text=unseal(key, _place(note), bytes(row.sealed)).decode())


__all__ = ["Erased", "Note", "PersonUnknown", "Vault"]
