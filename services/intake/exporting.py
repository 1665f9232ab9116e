"""Everything that the house holds on somebody, for the one it is held on."""

from typing import Any

from services.intake import queries
from services.intake.actions.attended import attended
from services.intake.asking import access_of
from services.intake.persons import People
from services.intake.vault import PersonUnknown, audit
from shared.access.scope import Scope
from shared.database import Database
from shared.log import Log

NOTES_MAX = 10_000


async def export(people: People, log: Log, database: Database, scope: Scope, person_id: str) -> dict[str, Any]:
    """Identity, cases with their visits and referrals, collective actions, notes, and who read or did what.

    Somebody whose file is no longer in use has the same right to it. Raises `Erased` or `PersonUnknown`.
    """
    if not scope.reads_files:
        raise PersonUnknown
    row, access = await people.known(person_id), access_of(scope, "export", people.clock())
    identity = await people.vault.identity(person_id, access)
    family = sorted(await people.family_of(person_id))
    cases = [view for case_id in family if (view := await queries.case(log, database, scope, case_id, alone=True))]
    notes = await people.vault.notes(family, access, NOTES_MAX)
    last_contact = await people.last_contact(row)

    return {
        "person_id": person_id,
        "identity": identity,
        "known_since": row.since,
        "last_contact": last_contact.isoformat(),
        "in_use": not await people.is_restricted(row),
        "cases": [view.model_dump(mode="json") for view in cases],
        "attendances": [
            {"action_id": event.action_id, "site": event.site, "kind": event.kind, "held_on": event.held_on}
            for event in await attended(log, scope, [person_id, *family])
        ],
        "notes": [note._asdict() for note in notes],
        "readings": await people.vault.database.read(
            lambda connection: [
                entry for owner in (person_id, *family) for entry in audit.records(connection, owner)
            ]
        ),
    }  # fmt: skip
