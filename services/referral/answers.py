"""What a partner answers, carried out once: the version it was decided on, and the idempotency key, are kept to."""

from collections.abc import Mapping
from typing import NoReturn

from services.referral import queries
from services.referral.commands import Command
from services.referral.decider import WrongState
from services.referral.handlers import answer
from services.referral.queries import ReferralView
from shared.clock import utc_now
from shared.database import Database
from shared.envelope import timestamp
from shared.execute import Context
from shared.log import AlreadyAnswered, Appended, Log, VersionConflict, partition_of
from shared.log.append import Answer
from shared.web.idempotency import InFlight, fingerprint, key_from
from shared.web.problems import Problem, not_found
from shared.web.versions import etag, expected_version


class Answers:
    """Carries out accept, decline and complete on one log."""

    def __init__(self, log: Log, database: Database) -> None:
        self._log, self._database = log, database
        self._in_flight = InFlight()

    async def carry_out(
        self,
        referral_id: str,
        move: str,
        command: Command,
        if_match: str | None,
        headers: Mapping[bytes, bytes],
    ) -> ReferralView:
        """The referral after the move. Of two who act on one version, one wins; the other is told what it is now."""
        key = key_from(headers, f"referrals/{referral_id}/{move}")
        expected = expected_version(if_match)
        view = await self._known(referral_id)
        with self._in_flight.hold(key):
            try:
                await answer(self._log, referral_id, command, self._context(view, command, key), expected)
            except AlreadyAnswered:
                pass
            except (VersionConflict, WrongState) as refusal:
                if not await self._was_carried_out(command, key):
                    self._refuse(refusal, await self._known(referral_id))
        return await self._known(referral_id)

    async def _known(self, referral_id: str) -> ReferralView:
        view = await queries.referral(self._database, referral_id)
        if view is None:
            raise not_found("referral")
        return view

    def _context(self, view: ReferralView, command: Command, key: str | None) -> Context:
        return Context(
            timestamp(utc_now()),
            partition_of(view.queue, self._log.partitions),
            tag=view.queue,
            actor=view.queue,
            answer=Answer(key, _fingerprint(command), _nothing) if key else None,
        )

    async def _was_carried_out(self, command: Command, key: str | None) -> bool:
        """The same request came before, and its answer was lost: what it asked for has happened."""
        if key is None:
            return False
        try:
            await self._log.answered_before(Answer(key, _fingerprint(command), _nothing))
        except AlreadyAnswered:
            return True
        return False

    @staticmethod
    def _refuse(refusal: Exception, view: ReferralView) -> NoReturn:
        facts = {"referral_status": view.status, "version": view.version, "changed_by": view.queue}
        headers = {"ETag": etag(view.version)}
        if isinstance(refusal, VersionConflict):
            raise Problem(
                412, "stale-version", "Somebody else was faster",
                f"{view.queue} has moved it on: it is {view.status} at version {view.version}. Read it again.",
                [{"field": "If-Match", "detail": f"Send {etag(view.version)} if you still want to."}], headers, facts,
            ) from refusal  # fmt: skip
        assert isinstance(refusal, WrongState)
        raise Problem(
            409, "wrong-state", "Not possible any more",
            f"It is {view.status}. Only one that is {refusal.allowed_from} can do this.", (), headers, facts,
        ) from refusal  # fmt: skip


def _fingerprint(command: Command) -> bytes:
    return fingerprint(repr(command).encode())


def _nothing(_appended: Appended) -> bytes:
    return b"{}"
