"""Corrections of visits, carried out once: the version they were decided on, and the idempotency key, are kept to."""

from collections.abc import Callable, Mapping
from datetime import datetime

from services.intake.corrections.beside import Beside
from services.intake.corrections.visits import NothingToCorrect, RequestUnknown, Visit, VisitIsVoid, visits_of
from services.intake.decider import case_stream
from services.intake.invitations.giving import append_together
from shared.access.acting import acting, actor
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.decider import Refusal
from shared.envelope import decode, timestamp
from shared.events.intake import VisitCorrected, VisitVoided
from shared.execute import TRIES_MAX, Context
from shared.log import AlreadyAnswered, Appended, Log, VersionConflict, partition_of
from shared.log.append import Answer
from shared.web.idempotency import InFlight, fingerprint, key_from
from shared.web.problems import Problem, invalid, not_found
from shared.web.versions import expected_version

Decide = Callable[[Visit, datetime], VisitCorrected | VisitVoided]
"""What is to become of a visit at this moment. Raises a refusal, or a problem."""


class VisitChanges:
    """Carries out what desks ask of visits that were recorded before."""

    def __init__(self, log: Log, catalogue: Catalogue) -> None:
        self._log = log
        self._zones = {site.code: site.zone for site in catalogue.sites}
        self._beside = Beside(log, catalogue)
        self._in_flight = InFlight()

    async def carry_out(
        self,
        visit_id: str,
        move: str,
        asked: bytes,
        if_match: str | None,
        headers: Mapping[bytes, bytes],
        decide: Decide,
    ) -> None:
        """Have `decide` change a visit that is at the version said. `asked` is what the key is bound to.

        Raises the problem of a refusal, or `VersionConflict`: of two who correct one visit at once, one wins.
        """
        key = key_from(headers, f"visits/{visit_id}/{move}")
        answer = Answer(key, fingerprint(asked), lambda _appended: b"{}") if key else None
        expected = expected_version(if_match)
        with self._in_flight.hold(key):
            try:
                await self._append(visit_id, expected, answer, decide)
            except AlreadyAnswered:
                pass
            except VersionConflict:
                # The same request on another replica may have been the faster one.
                if not await self._is_answered(answer):
                    raise

    async def _append(self, visit_id: str, expected: int, answer: Answer | None, decide: Decide) -> Appended:
        for _ in range(TRIES_MAX):
            tagged = [decode(entry.body) for entry in await self._log.read_tagged(visit_id)]
            if (found := visits_of(tagged).get(visit_id)) is None:
                raise not_found("visit")
            _held_to(found.told.site)
            stream = case_stream(found.told.case_id)
            # What the append is held to is read before what is decided on: nothing can come between unseen.
            history = await self._log.read(stream)
            visit = visits_of(history)[visit_id]
            if answer:
                await self._log.answered_before(answer)
            if visit.version != expected:
                raise VersionConflict(stream, expected, visit.version)
            now = utc_now()
            try:
                event = decide(visit, now)
            except Refusal as refusal:
                raise _problem_of(refusal) from None
            if isinstance(event, VisitCorrected):
                _held_to(event.now.site)
            context = self._context(visit, now, answer)
            event, invited = await self._beside.invitation(event, now)
            told = context.append(stream, [event], len(history), history[0].correlation_id)
            others = [*invited, *await self._beside.ticket(event, now)]
            try:
                return await (append_together(self._log, [told, *others]) if others else self._log.append(told))
            except VersionConflict as conflict:
                last = conflict
        # What is beside a visit may have moved on: that is nothing that the asker has decided on.
        raise last if last.stream == stream else Problem(503, "busy", "Too many at once", "Send it again in a moment.")

    def _context(self, visit: Visit, now: datetime, answer: Answer | None) -> Context:
        told = visit.told
        zone = self._zones.get(told.site)
        at = timestamp(now.astimezone(zone) if zone else now)
        partition = partition_of(told.case_id, self._log.partitions)
        return Context(at, partition, tag=told.visit_id, actor=actor(), answer=answer)

    async def _is_answered(self, answer: Answer | None) -> bool:
        try:
            if answer:
                await self._log.answered_before(answer)
        except AlreadyAnswered:
            return True
        return False


def _held_to(site: str) -> None:
    principal = acting()
    if principal and principal.site not in (None, site):
        raise Problem(
            403, "other-site", "Another site", "You may correct visits of your own site only: ask a coordinator there."
        )


def _problem_of(refusal: Refusal) -> Problem:
    match refusal:
        case RequestUnknown(number=number):
            remedy = "The visit has no such request, or it is named twice: leave request_id out for another one."
            return invalid([{"field": f"requests.{number}.request_id", "detail": remedy}])
        case VisitIsVoid():
            return Problem(409, "visit-void", "The visit was voided", "It never was: record another one.")
        case NothingToCorrect():
            return Problem(409, "nothing-to-correct", "Nothing to correct", "The visit stands like that already.")
    raise refusal
