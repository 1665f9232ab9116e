"""Changes of a case, carried out once: the version they were decided on, and the idempotency key, are kept to."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from services.intake.case_life import case_state
from services.intake.decider import NoCase
from services.intake.persons import People
from services.intake.refused import refusals_told
from services.intake.vault import Identity
from shared.access.acting import actor
from shared.envelope import timestamp
from shared.execute import Context
from shared.ids import new_id
from shared.log import AlreadyAnswered, Appended, Log, VersionConflict, partition_of
from shared.log.append import Answer
from shared.web.idempotency import InFlight, key_from
from shared.web.problems import not_found
from shared.web.versions import expected_version

Act = Callable[[Context, int], Awaitable[Appended]]


class PersonAttachedAnswer(msgspec.Struct):
    """What a desk is told: ids, and where the case stands. It is kept under the idempotency key, outside the vault."""

    person_id: str
    case_id: str
    version: int
    position: int


class CaseChanges:
    """Carries out what desks ask of cases."""

    def __init__(self, log: Log, people: People) -> None:
        self._log, self._people = log, people
        self._in_flight = InFlight()

    async def carry_out(
        self,
        case_id: str,
        move: str,
        asked: bytes,
        if_match: str | None,
        headers: Mapping[bytes, bytes],
        act: Act,
    ) -> None:
        """Have `act` change a case that is at the version said. `asked` is what the key is bound to."""
        expected = expected_version(if_match)
        answer = self._answer(case_id, move, asked, headers, lambda _appended: b"{}")
        await self._exists(case_id)
        with self._in_flight.hold(answer.key if answer else None):
            try:
                await self._answered_before(answer)
                with refusals_told():
                    await act(self._context(case_id, answer), expected)
            except AlreadyAnswered:
                pass
            except VersionConflict:
                # The same request on another replica may have been the faster one.
                if not await self._is_answered(answer):
                    raise

    async def attach(
        self,
        case_id: str,
        identity: Identity | str,
        if_match: str | None,
        headers: Mapping[bytes, bytes],
    ) -> tuple[PersonAttachedAnswer, bool]:
        """Attach somebody new, or (an id) somebody known; what to tell the desk, and whether it was told before.

        A case is about one person at most, so whoever comes second is refused, with or without a version.
        """
        expected = None if if_match is None else expected_version(if_match)
        is_known = isinstance(identity, str)
        person_id = identity if isinstance(identity, str) else new_id()
        asked = person_id.encode() if isinstance(identity, str) else identity.canonical()

        def told(appended: Appended) -> PersonAttachedAnswer:
            return PersonAttachedAnswer(person_id, case_id, appended.version, appended.position)

        move = "known-person" if is_known else "person"
        answer = self._answer(case_id, move, asked, headers, lambda appended: msgspec.json.encode(told(appended)))
        await self._exists(case_id)
        with self._in_flight.hold(answer.key if answer else None):
            context = self._context(case_id, answer, tag=person_id)
            try:
                await self._answered_before(answer)
                with refusals_told():
                    if isinstance(identity, str):
                        appended = await self._people.attach_known(case_id, identity, context, expected)
                    else:
                        appended = await self._people.attach(case_id, person_id, identity, context, expected)
            except AlreadyAnswered as before:
                return msgspec.json.decode(before.body, type=PersonAttachedAnswer), True
        return told(appended), False

    def _answer(
        self,
        case_id: str,
        move: str,
        asked: bytes,
        headers: Mapping[bytes, bytes],
        render: Callable[[Appended], bytes],
    ) -> Answer | None:
        key = key_from(headers, f"cases/{case_id}/{move}")
        # Keyed: a plain hash of a name and a birthday is found out by trying names and birthdays.
        return Answer(key, self._people.vault.fingerprint(asked), render) if key else None

    def _context(self, case_id: str, answer: Answer | None, tag: str | None = None) -> Context:
        partition = partition_of(case_id, self._log.partitions)
        return Context(timestamp(self._people.clock()), partition, tag=tag, actor=actor(), answer=answer)

    async def _exists(self, case_id: str) -> None:
        if isinstance(await case_state(self._log, case_id), NoCase):
            raise not_found("case")

    async def _answered_before(self, answer: Answer | None) -> None:
        if answer:
            await self._log.answered_before(answer)

    async def _is_answered(self, answer: Answer | None) -> bool:
        try:
            await self._answered_before(answer)
        except AlreadyAnswered:
            return True
        return False
