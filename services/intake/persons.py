"""The use cases of a person: attach to a case, look at, forget. What is in the log and what is in the vault agree.

The identity is held in the vault before the log names its owner, and is shown only after: a process that dies in
between leaves what nobody can see, and `settle` finishes or forgets it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta

from services.intake.actions.attended import attended
from services.intake.case_life import case_state, change_case, leading_case
from services.intake.commands import AttachPerson
from services.intake.corrections.visits import visits_of
from services.intake.decider import ClosedCase, MergedCase, NoCase, OpenCase, case_stream, decide
from services.intake.retention import is_over
from services.intake.vault import Access, Erased, Identity, PersonUnknown, Vault, lists
from services.intake.vault.tables import Person
from shared.access.acting import actor
from shared.access.scope import INNER
from shared.database import StoreUnavailable
from shared.envelope import decode, timestamp
from shared.events.intake import PersonAttached, PersonErased
from shared.execute import Context
from shared.failpoints import failpoint
from shared.log import NEW, Appended, Log, VersionConflict, partition_of
from shared.tasks import end

ERASED = "erased-people"
"""The tag that every erasure is found by."""
HELD_AT_MOST = timedelta(hours=1)
"""How long an identity may be held without the log naming it: no request takes that long."""
SETTLE_EVERY_S = 3600.0

_log = logging.getLogger(__name__)


class People:
    """People of one house: ids in the log, all else in the vault."""

    def __init__(self, log: Log, vault: Vault, clock: Callable[[], datetime]) -> None:
        self.log, self.vault, self.clock = log, vault, clock
        self._settling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Finish what was begun when the process died, and keep looking for such."""
        await self._say_what_was_done()
        await self.settle()
        self._settling = asyncio.create_task(self._settle_forever())

    async def stop(self) -> None:
        """Stop looking."""
        if self._settling:
            await end(self._settling)

    async def attach(
        self, case_id: str, person_id: str, identity: Identity, context: Context, expected: int | None
    ) -> Appended:
        """Attach somebody new to a case. Raises a refusal, or what `execute` raises; then nothing is kept."""
        # Refused before anything is written: the common way to be refused leaves no trace at all.
        decide(AttachPerson(case_id, person_id), await case_state(self.log, case_id))
        contact = await self._last_visit({case_id}) or self.today()
        await self.vault.hold(person_id, identity, self.clock(), contact)
        failpoint("vault.before-append")
        try:
            appended = await change_case(self.log, AttachPerson(case_id, person_id), context, expected)
        except StoreUnavailable:
            # Perhaps it was committed: the log will tell, when it can be read again.
            raise
        except Exception:
            await self.vault.discard(person_id)
            raise
        failpoint("vault.before-confirm")
        await self.vault.confirm(person_id)
        return appended

    async def attach_known(self, case_id: str, person_id: str, context: Context, expected: int | None) -> Appended:
        """Attach somebody whom the house knows to one more case. Raises also `Erased` or `PersonUnknown`."""
        await self.known(person_id)
        return await change_case(self.log, AttachPerson(case_id, person_id), context, expected)

    async def known(self, person_id: str) -> Person:
        """What is known besides the identity. Raises `Erased` or `PersonUnknown`."""
        if await self.vault.keys.erased([person_id]):
            raise Erased
        row = await self.vault.person(person_id)
        if row is None:
            raise PersonUnknown
        if not row.attached:
            if not await self.cases_of(person_id):
                raise PersonUnknown
            await self.vault.confirm(person_id)
        return row

    async def is_restricted(self, row: Person) -> bool:
        """Whether nothing was heard of somebody for two years."""
        return is_over(await self.last_contact(row), self.today())

    async def last_contact(self, row: Person) -> date:
        """The day of the last visit, looked for only when the one noted is too old to be in use."""
        noted = date.fromisoformat(row.last_contact)
        if not is_over(noted, self.today()):
            return noted
        last = await self._last_visit(await self.family_of(row.person_id) | {row.person_id})
        if last is None or last <= noted:
            return noted
        await self.vault.touch(row.person_id, last)
        return last

    async def cases_of(self, person_id: str) -> list[str]:
        """The cases that somebody was attached to."""
        events = [decode(entry.body).event for entry in await self.log.read_tagged(person_id)]
        return [event.case_id for event in events if isinstance(event, PersonAttached)]

    async def family_of(self, person_id: str) -> set[str]:
        """Those cases, the ones that they are a part of by now, and all that are a part of these."""
        found: set[str] = set()
        for case_id in await self.cases_of(person_id):
            leading, _state = await leading_case(self.log, case_id)
            found |= {case_id, *await self.read_with(leading)}
        return found

    async def silence_of_nobody(self, case_id: str) -> date | None:
        """The last visit of a case about nobody, if its two years are over; None if it is in use, or somebody's."""
        if await self.person_of(case_id) is not None:
            return None
        leading, _state = await leading_case(self.log, case_id)
        last = await self._last_visit(await self.read_with(leading))
        return last if last is not None and is_over(last, self.today()) else None

    async def read_with(self, case_id: str) -> set[str]:
        """A case and all that is read as a part of it."""
        found, waiting = {case_id}, [case_id]
        while waiting:
            state = await case_state(self.log, waiting.pop())
            while isinstance(state, MergedCase | ClosedCase):
                state = state.before
            absorbed = {other for other, _ in state.absorbed} if isinstance(state, OpenCase) else set()
            waiting += absorbed - found
            found |= absorbed
        return found

    async def person_of(self, case_id: str) -> str | None:
        """Whom a case is about by now."""
        _, state = await leading_case(self.log, case_id)
        return None if isinstance(state, NoCase) else state.person_id

    async def erase(self, person_id: str, ground: str, access: Access, **facts: str) -> None:
        """Forget somebody: the log says so, then the keys are deleted. Raises `PersonUnknown`."""
        with suppress(Erased):
            await self.known(person_id)
        await self.erase_all([person_id], ground, access, **facts)

    async def erase_all(self, person_ids: Sequence[str], ground: str, access: Access, **facts: str) -> None:
        """Forget people, all of them known or forgotten before; the file of keys is written anew once."""
        for person_id in person_ids:
            await self._decide(person_id, ground, access, **facts)
        failpoint("vault.before-shred")
        await self._forget(person_ids)

    async def settle(self) -> None:
        """Finish erasures, also those that a restored backup has undone; confirm or forget what is merely held.

        Records of readings that are too old go too.
        """
        erased = await self._erased()
        done = await self.vault.keys.erased(erased, wiped=True)
        await self._forget([one for one in erased if one not in done or await self.vault.holds(one)])
        cases = await self.vault.database.read(lists.forgotten_cases)
        await self.vault.shred(set(cases) - await self.vault.keys.erased(cases, wiped=True), self.clock())
        for row in await self.vault.unconfirmed():
            if await self.cases_of(row.person_id):
                await self.vault.confirm(row.person_id)
            elif datetime.fromisoformat(row.since) < self.clock() - HELD_AT_MOST:
                await self.vault.discard(row.person_id)
        while await self.vault.purge_records(self.clock()):
            pass

    async def _say_what_was_done(self) -> None:
        """Have the log say who was forgotten when it is older than the keys, as a restored one may be."""
        access = Access("erasure", "house", "restored", self.clock())
        done = {owner for owner, _at in await self.vault.keys.forgotten()}
        for owner in sorted(done.difference(await self._erased())):
            # The key of a case is deleted as well: the log names no case by such a tag.
            if await self.cases_of(owner):
                await self._decide(owner, "decision", access)

    def today(self) -> date:
        """The day that retention is reckoned by."""
        return self.clock().date()

    async def _decide(self, person_id: str, ground: str, access: Access, **facts: str) -> None:
        at, partition = timestamp(access.at), partition_of(person_id, self.log.partitions)
        context = Context(at, partition, tag=ERASED, actor=actor())
        try:
            await self.log.append(context.append(f"person-{person_id}", [PersonErased(person_id, ground)], NEW))
        except VersionConflict:
            # Decided before: to delete the keys once more does no harm.
            return
        await self.vault.note_access(access, person=person_id, ground=ground, **facts)

    async def _forget(self, person_ids: Sequence[str]) -> None:
        owners = set(person_ids)
        for person_id in person_ids:
            owners |= await self.family_of(person_id)
        await self.vault.shred(owners, self.clock())

    async def _erased(self) -> list[str]:
        events = [decode(entry.body).event for entry in await self.log.read_tagged(ERASED)]
        return [event.person_id for event in events if isinstance(event, PersonErased)]

    async def _last_visit(self, case_ids: set[str]) -> date | None:
        days = [
            visit.at[:10]
            for case_id in case_ids
            for visit in visits_of(await self.log.read(case_stream(case_id))).values()
            if visit.voided_for is None
        ]
        days += [event.held_on for event in await attended(self.log, INNER, case_ids)]
        return date.fromisoformat(max(days)) if days else None

    async def _settle_forever(self) -> None:
        while True:
            await asyncio.sleep(SETTLE_EVERY_S)
            try:
                await self.settle()
            except StoreUnavailable as error:
                _log.warning("the vault is looked after later: %s", type(error).__name__)
