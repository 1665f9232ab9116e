"""The end of a file: whoever was silent for two years is put on a list, and forgotten once the archives have agreed.

To destroy a public file without the visa of the archives is an offence, so nothing here happens by a timer.
"""

from datetime import date, datetime

from sqlalchemy import Connection

from services.intake.persons import People
from services.intake.retention import is_over, oldest_in_use
from services.intake.vault import Access, Erased, PersonUnknown, audit, lists
from services.intake.vault.lists import Due, EliminationList, Listed
from shared.envelope import timestamp

LISTED_MAX = 500
"""Entries of one list: a list is read by somebody before it is signed."""


class ListUnknown(Exception):
    """There is no such list."""


class VisaMissing(Exception):
    """The archives have not agreed."""


class AlreadyCarriedOut(Exception):
    """Nothing on the list can be changed any more."""


class Eliminations:
    """Draws up elimination lists and carries them out."""

    def __init__(self, people: People) -> None:
        self._people, self._database = people, people.vault.database

    def now(self) -> datetime:
        """The present moment, by the clock that retention goes by."""
        return self._people.clock()

    async def due(self) -> list[Due]:
        """What may be put on a list now, longest silent first: people, then cases about nobody that have notes."""
        people, day = self._people, oldest_in_use(self._people.today())
        silent = [
            Due(row.person_id, lists.PERSON, last.isoformat())
            for row in await people.vault.silent_since(day, LISTED_MAX)
            if is_over(last := await people.last_contact(row), people.today())
        ]
        nobodies = [
            Due(case_id, lists.CASE, last_visit.isoformat())
            for case_id in await people.vault.silent_notes(day, LISTED_MAX)
            if (last_visit := await people.silence_of_nobody(case_id))
        ]
        return [*silent, *nobodies][:LISTED_MAX]

    async def draw_up(self, access: Access, list_id: str) -> EliminationList:
        """A list of all who are due now; the one that there is of this id."""
        due = await self.due()

        def write(connection: Connection) -> EliminationList:
            if (there := lists.read(connection, list_id)) is not None:
                return there
            lists.add(connection, list_id, timestamp(access.at), due)
            audit.record(connection, access, list=list_id, entries=len(due))
            return _found(connection, list_id)

        return await self._database.write(write)

    async def read(self, list_id: str) -> EliminationList:
        """One list. Raises `ListUnknown`."""
        return await self._database.read(lambda connection: _found(connection, list_id))

    async def all(self) -> list[EliminationList]:
        """Every list, the newest first."""
        return await self._database.read(lists.read_all)

    async def sign(self, list_id: str, visa: str, visa_on: date, access: Access) -> EliminationList:
        """Record the visa of the archives. Raises `ListUnknown` or `AlreadyCarriedOut`."""

        def write(connection: Connection) -> EliminationList:
            if _found(connection, list_id).carried_out_at:
                raise AlreadyCarriedOut
            lists.sign(connection, list_id, visa, visa_on.isoformat())
            audit.record(connection, access, list=list_id, visa=visa, visa_on=visa_on.isoformat())
            return _found(connection, list_id)

        return await self._database.write(write)

    async def carry_out(self, list_id: str, access: Access) -> EliminationList:
        """Forget everybody on a list, and the notes on it, but those who came back.

        Stopped half-way it is asked for again: whoever was forgotten stays so. Raises `ListUnknown` or `VisaMissing`.
        """
        listed = await self.read(list_id)
        if listed.visa is None:
            raise VisaMissing
        if listed.carried_out_at:
            return listed
        left_out = [one.owner for one in listed.entries if await self._came_back(one)]
        silent = [one for one in listed.entries if one.owner not in left_out]
        people = [one.owner for one in silent if one.kind == lists.PERSON]
        await self._people.erase_all(people, "retention", access, list=list_id)
        await self._people.vault.shred([one.owner for one in silent if one.kind == lists.CASE], access.at)

        def write(connection: Connection) -> EliminationList:
            lists.close(connection, list_id, timestamp(access.at), left_out)
            audit.record(connection, access, list=list_id, left_out=sorted(left_out))
            return _found(connection, list_id)

        return await self._database.write(write)

    async def _came_back(self, one: Listed) -> bool:
        if one.kind == lists.CASE:
            return await self._people.silence_of_nobody(one.owner) is None
        try:
            return not await self._people.is_restricted(await self._people.known(one.owner))
        except (Erased, PersonUnknown):
            # By a decision of its own, or by an earlier try.
            return False


def _found(connection: Connection, list_id: str) -> EliminationList:
    found = lists.read(connection, list_id)
    if found is None:
        raise ListUnknown
    return found
