"""Which cases are sealed, who has one open, and the rule that nobody else reads it.

That a case is sealed stands in its history, by codes; that somebody opened it, and why, stands in the vault. An
opening holds for one account, for a while, and for everything that is read as a part of the case.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry, Counter

from services.intake.case_life import case_state, change_case, leading_case
from services.intake.commands import SealCase, SealGround, UnsealCase
from services.intake.decider import NoCase
from services.intake.persons import People
from services.intake.refusals import CaseNotSealed, CaseUnknown
from services.intake.vault import Access
from services.intake.vault.openings import Opening, note_seen
from shared.access.acting import acting, actor
from shared.access.principal import Principal, Role
from shared.envelope import decode, timestamp
from shared.events.intake import CaseSealed, CaseUnsealed
from shared.execute import Context
from shared.log import partition_of
from shared.web.problems import Problem

SEALED = "sealed-cases"
"""The tag that every sealing and unsealing is found by."""
SLUG = "case-sealed"
OPEN_FOR = timedelta(minutes=30)
"""Long enough to read and to act; whoever needs more says why once more."""

_log = logging.getLogger(__name__)


class CheckCase(Protocol):
    """`Seals.check_case`, for those who need nothing else of the seals."""

    async def __call__(self, case_id: str, *told_with_it: str) -> None:
        """Raise the 403 problem for a case that is sealed to whoever acts."""


class Seal(NamedTuple):
    """A case is sealed, for a coded reason, since a moment."""

    case_id: str
    ground: str
    since: str


class Seals:
    """The sealed cases of one house."""

    def __init__(self, people: People, registry: CollectorRegistry) -> None:
        self._people, self._log = people, people.log
        self._opened = Counter(
            "maison_sealed_openings", "Sealed cases that somebody opened, saying why", registry=registry
        )

    async def seal(self, case_id: str, ground: SealGround) -> None:
        """Seal a case. Raises a refusal."""
        await self._change(SealCase(case_id, ground), "seal")

    async def unseal(self, case_id: str) -> None:
        """Take the seal away. Raises a refusal."""
        await self._change(UnsealCase(case_id), "unseal")

    async def sealed(self) -> dict[str, Seal]:
        """The cases that are sealed now."""
        found: dict[str, Seal] = {}
        for entry in await self._log.read_tagged(SEALED):
            envelope = decode(entry.body)
            match envelope.event:
                case CaseSealed(case_id=case_id, ground=ground):
                    found[case_id] = Seal(case_id, ground, envelope.occurred_at)
                case CaseUnsealed(case_id=case_id):
                    found.pop(case_id, None)
        return found

    async def is_sealed(self, case_ids: Collection[str]) -> bool:
        """Whether one of these cases is."""
        return not (await self.sealed()).keys().isdisjoint(case_ids)

    async def open(self, case_id: str, reason: str) -> datetime:
        """Open a sealed case for whoever acts: until when. The coordination is told. Raises a refusal or `Erased`."""
        if isinstance(await case_state(self._log, case_id), NoCase):
            raise CaseUnknown(case_id)
        if not await self.is_sealed(await self._family(case_id)):
            raise CaseNotSealed(case_id)
        access = self._access("open-sealed", acting())
        until = access.at + OPEN_FOR
        opening_id = await self._people.vault.open_case(case_id, reason, access, until)
        self._opened.inc()
        _log.warning("a sealed case was opened: opening %s by %s", opening_id, access.name)
        return until

    async def check_case(self, case_id: str, *told_with_it: str) -> None:
        """Raise the 403 problem for a case that is sealed, unless whoever acts has it open. A reading is on record.

        `told_with_it`: cases that are told in the same answer, although they may stand for themselves by now.
        """
        if sealed := await self.sealed():
            checked = set[str]()
            for one in (case_id, *told_with_it):
                if one not in checked:
                    family = await self._family(one)
                    await self._check(family, sealed)
                    checked |= family

    async def check_person(self, person_id: str) -> None:
        """Likewise, for somebody whom a sealed case is about."""
        if sealed := await self.sealed():
            await self._check(await self._people.family_of(person_id), sealed)

    async def openings(self) -> list[Opening]:
        """The newest openings, those that nobody has seen first. Reading them is on record."""
        return await self._people.vault.openings(self._access("read-openings", acting()))

    async def note_seen(self, opening_id: str) -> None:
        """Whoever acts has taken notice."""
        access = self._access("seen-opening", acting())
        await self._people.vault.database.write(lambda connection: note_seen(connection, opening_id, access))

    async def _check(self, family: Collection[str], sealed: dict[str, Seal]) -> None:
        found = sealed.keys() & set(family)
        if not found:
            return
        principal = acting()
        # Who answers for the data answers for their export too, and is on record with it.
        if principal and principal.role is Role.DATA_PROTECTION:
            return
        access = self._access("read-sealed", principal)
        if principal is None or not await self._people.vault.use_opening(family, access):
            raise case_sealed(min(found))

    async def _family(self, case_id: str) -> set[str]:
        leading, _state = await leading_case(self._log, case_id)
        return {case_id, *await self._people.read_with(leading)}

    async def _change(self, command: SealCase | UnsealCase, what: str) -> None:
        at, partition = timestamp(self._people.clock()), partition_of(command.case_id, self._log.partitions)
        await change_case(self._log, command, Context(at, partition, tag=SEALED, actor=actor()), None)
        await self._people.vault.note_access(self._access(what, acting()), case=command.case_id)

    def _access(self, what: str, principal: Principal | None) -> Access:
        role, name = (str(principal.role), principal.name) if principal else ("unknown", "unknown")
        return Access(what, role, name, self._people.clock())


def case_sealed(case_id: str) -> Problem:
    """The case is sealed to whoever asks, who may have asked for another one, or for a person."""
    return Problem(
        403, SLUG, "The case is sealed",
        "Say why you have to read it: POST /cases/{case_id}/opening with a reason. The coordination is told.",
        facts={"case_id": case_id},
    )  # fmt: skip
