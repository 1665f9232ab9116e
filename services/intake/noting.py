"""Notes on a case, for both edges: written once under a key, read with all that the case is read with, on record."""

from collections.abc import Mapping

from services.intake.asking import access_of
from services.intake.persons import People
from services.intake.refused import refusals_told
from services.intake.vault import Note
from shared.access.scope import Scope
from shared.web.idempotency import key_from

NOTES_SHOWN_MAX = 200


async def write_note(
    people: People, case_id: str, text: str, asking: Scope, headers: Mapping[bytes, bytes]
) -> tuple[Note, bool]:
    """The note, and whether it was there. Raises the problem of a refusal, or `KeyReused`."""
    key = key_from(headers, f"cases/{case_id}/notes")
    access = access_of(asking, "note", people.clock())
    with refusals_told():
        return await people.vault.add_note(case_id, text, access, key)


async def notes_on(people: People, case_id: str, asking: Scope) -> list[Note]:
    """The newest notes on a case and on what it absorbed, oldest first, once it is on record that they were read."""
    family = await people.read_with(case_id)
    access = access_of(asking, "read-notes", people.clock())
    return await people.vault.notes(sorted(family), access, NOTES_SHOWN_MAX)
