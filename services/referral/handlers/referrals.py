"""The use cases of referral: hand requests over as visits are heard, and carry out what is asked of a referral.

A move and everything that follows from it, in other streams too, are one transaction: nothing is half moved.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from services.referral.commands import (
    Asked,
    AskForPlace,
    CancelAppointment,
    Command,
    HandOver,
    IssueReferral,
    ReopenReferral,
    UndoMove,
)
from services.referral.decider import decide, referral_stream
from services.referral.handlers.consequences import REACHES_OTHERS, consequences
from services.referral.handlers.loading import Loaded, load, lock_heads
from services.referral.permanences import places
from services.referral.reactions import happened_at
from services.referral.states import NoReferral
from shared.catalogue import Catalogue, Opening
from shared.clock import utc_now
from shared.database import Database
from shared.decider import Refusal
from shared.envelope import Envelope, event_id, timestamp
from shared.events.referral import COORDINATOR, PermanenceCancelled
from shared.failpoints import failpoint
from shared.log import NEW, Append, Appended, Log, VersionConflict, partition_of
from shared.log.append import Answer
from shared.log.writing import Written
from shared.telemetry.story import current_trace

RACES_MAX = 5


def hand_over(command: HandOver, cause: Envelope, partitions: int) -> Append:
    """The append that carries out a reaction. It happened when the visit did, which is what correlates it."""
    queue, referral = addressed(command)
    return Append(
        stream=referral_stream(referral),
        events=decide(command, NoReferral()),
        expected=NEW,
        occurred_at=happened_at(cause),
        partition=partition_of(queue, partitions),
        tag=queue,
        correlation_id=cause.correlation_id or cause.id,
        causation_id=cause.id,
        traceparent=cause.traceparent,
    )


def addressed(command: HandOver) -> tuple[str, str]:
    """The queue that takes a request over, and the id that it has there."""
    if isinstance(command, IssueReferral):
        return command.referral.partner, command.referral.referral_id
    return COORDINATOR, command.referral_id


class RequestGone(Refusal):
    """The desk took the request itself back: what became of it is over for good."""


@dataclass(frozen=True, slots=True)
class By:
    """Who asks (a code, never a name), and the idempotency key that the answer is kept under."""

    actor: str
    answer: Answer | None = None
    # Asked here, where the request is: the writer's thread knows of none.
    traceparent: str | None = field(default_factory=current_trace)


class Referrals:
    """Carries out what is asked of referrals, on one log."""

    def __init__(
        self, log: Log, database: Database, catalogue: Catalogue, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._log, self._database, self._catalogue, self._now = log, database, catalogue, now

    async def carry_out(self, referral_id: str, asked: Asked, by: By, expected: int) -> Appended:
        """Append what this means, and what follows from it. `expected` = the version that the asker decided on.

        Raises the `Refusal` of the rules or of the places, `VersionConflict`, or what `Log.append` raises; nothing
        has happened then.
        """
        return await self._transact(lambda connection: self._carry_out(connection, referral_id, asked, by, expected))

    async def cancel_permanence(self, opening: Opening, by: By) -> list[str]:
        """Call a permanence off, and put everybody who had a place back into the queue: their referrals, by place.

        Calling it off again changes nothing.
        """
        put_back: list[str] = []

        def work(connection: Connection) -> list[Written]:
            return self._cancel(connection, opening, put_back, by)

        await self._transact(work)
        return put_back

    async def _transact(self, work: Callable[[Connection], list[Written]]) -> Appended:
        def work_to_the_brink(connection: Connection) -> list[Written]:
            written = work(connection)
            failpoint("append.before-commit")
            return written

        for race in range(1, RACES_MAX + 1):
            try:
                written = await self._database.write(work_to_the_brink)
                break
            except IntegrityError:
                # Another process took the same place or wrote the same stream; it is visible now: look again.
                if race == RACES_MAX:
                    raise
        failpoint("append.after-commit")
        for one in written:
            self._log.announce(one)
        outcome = written[0].outcomes[0]
        assert isinstance(outcome, Appended)
        return outcome

    def _carry_out(
        self, connection: Connection, referral_id: str, asked: Asked, by: By, expected: int
    ) -> list[Written]:
        now = self._now()
        if isinstance(asked, REACHES_OTHERS):
            # What follows may be appended to any of them. Of two partners who give up the same request at once, the
            # second therefore sees what the first did.
            lock_heads(connection, range(self._log.partitions))
        loaded = load(connection, referral_id)
        if loaded.version != expected:
            raise VersionConflict(referral_stream(referral_id), expected, loaded.version)
        if loaded.is_dropped and isinstance(asked, ReopenReferral | UndoMove):
            raise RequestGone
        if isinstance(asked, AskForPlace) and loaded.queue is not None:
            # Nobody books in a permanence of this partner, or calls it off, meanwhile.
            lock_heads(connection, [partition_of(loaded.queue, self._log.partitions)])
        command, after = consequences(connection, self._catalogue, loaded, asked, now)
        written = self._write(connection, self._append(loaded, command, now, by))
        cause = _last_event(self._log.source, written)
        following = [
            self._write(
                connection,
                self._append(load(connection, one), follows, now, replace(by, answer=None), cause, loaded.story),
            )
            for one, follows in after
        ]
        return [written, *following]

    def _cancel(self, connection: Connection, opening: Opening, put_back: list[str], by: By) -> list[Written]:
        lock_heads(connection, [partition_of(opening.partner, self._log.partitions)])
        put_back[:] = places.holders(connection, opening.permanence_id)
        now = self._now()
        stream = places.cancellation_stream(opening.permanence_id)
        starts_at = timestamp(opening.start)
        event = PermanenceCancelled(opening.permanence_id, opening.partner, opening.site, starts_at, tuple(put_back))
        is_new = not places.is_cancelled(connection, opening.permanence_id)
        append = Append(
            stream=stream,
            events=[event] if is_new else [],
            expected=NEW if is_new else 1,
            occurred_at=timestamp(now),
            partition=partition_of(opening.partner, self._log.partitions),
            tag=opening.partner,
            actor=by.actor,
            answer=by.answer,
            traceparent=by.traceparent,
        )
        cancelled = self._write(connection, append)
        cause = _last_event(self._log.source, cancelled)
        command = CancelAppointment(opening.permanence_id)
        back = [
            self._write(connection, self._append(load(connection, one), command, now, replace(by, answer=None), cause))
            for one in put_back
        ]
        return [cancelled, *back]

    def _append(
        self,
        loaded: Loaded,
        command: Command,
        now: datetime,
        by: By,
        cause: str | None = None,
        story: str | None = None,
    ) -> Append:
        events = decide(command, loaded.state)
        queue = loaded.queue or addressed(command)[0]  # type: ignore[arg-type]
        return Append(
            stream=referral_stream(loaded.referral_id),
            events=events,
            expected=loaded.version,
            occurred_at=timestamp(now.astimezone(self._catalogue.site(events[0].site).zone)),
            partition=partition_of(queue, self._log.partitions),
            tag=queue,
            correlation_id=loaded.story or story,
            causation_id=cause,
            actor=by.actor,
            answer=by.answer,
            traceparent=by.traceparent,
        )

    def _write(self, connection: Connection, append: Append) -> Written:
        written = self._log.append_within(connection, [append])
        outcome = written.outcomes[0]
        if isinstance(outcome, Exception):
            # Whatever was written before it in this transaction goes with it.
            raise outcome
        return written


def _last_event(source: str, written: Written) -> str:
    outcome = written.outcomes[0]
    assert isinstance(outcome, Appended)
    return event_id(source, outcome.partition, outcome.position)
