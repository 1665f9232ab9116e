"""What a partner may read of a person: after it has accepted the referral, the fields that the catalogue allows it."""

from typing import Any

from sqlalchemy import select

from services.intake.asking import access_of
from services.intake.persons import People
from services.intake.tables import VISIT_REFERRALS
from services.intake.vault import Erased, PersonUnknown
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.database import Database
from shared.envelope import decode
from shared.events.intake import VisitRecorded

HAS_THE_PERSON = frozenset({"accepted", "booked", "walked", "received", "missed", "completed"})
"""The states in which a partner that has said yes goes on reading; once it has given the person up, no more."""
_CONTACT = frozenset({"phone", "email", "address"})


class Disclosures:
    """Hands identities to partners, each reading on record."""

    def __init__(self, people: People, database: Database, catalogue: Catalogue) -> None:
        self._people, self._database, self._catalogue = people, database, catalogue

    async def read(self, scope: Scope, referral_id: str) -> dict[str, Any] | None:
        """The fields that a partner may read now; None for whatever reason there is nothing in this scope."""
        partner = self._catalogue.partners_by_code.get(scope.partner or "")
        visit_id = await self._visit_of(referral_id, partner.code) if partner else None
        person_id = await self._person_of(visit_id) if visit_id else None
        if partner is None or person_id is None:
            return None
        fields = {*partner.identity_fields, "safe_to_contact"}
        access = access_of(scope, "disclosure", self._people.clock())
        try:
            if await self._people.is_restricted(await self._people.known(person_id)):
                return None
            found = await self._people.vault.identity(
                person_id, access, fields, referral=referral_id, partner=partner.code
            )
        except (Erased, PersonUnknown):
            return None
        if found.pop("safe_to_contact", None) is False:
            # A letter or a call may be read or heard by the wrong one.
            return {name: value for name, value in found.items() if name not in _CONTACT}
        return found

    async def _visit_of(self, referral_id: str, partner: str) -> str | None:
        """The visit behind a referral that this partner has accepted."""
        table = VISIT_REFERRALS.c
        query = select(table.visit_id).where(
            table.referral_id == referral_id,
            table.partner == partner,
            table.taken_on,
            table.status.in_(HAS_THE_PERSON),
        )
        found: str | None = await self._database.read(lambda connection: connection.execute(query).scalar())
        return found

    async def _person_of(self, visit_id: str) -> str | None:
        for entry in await self._people.log.read_tagged(visit_id):
            event = decode(entry.body).event
            if isinstance(event, VisitRecorded):
                return await self._people.person_of(event.case_id)
        return None
