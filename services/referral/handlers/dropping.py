"""A visit was corrected or voided: its requests are taken back from whoever has them, or count on another day.

Whatever had ended stays as history; whatever is open is withdrawn, followed by nobody. All of it happens in the
transaction in which the event is heard.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from services.referral.commands import Command, DropNeed, DropRequest, RedateRequest, WithdrawReferral
from services.referral.decider import decide, referral_stream
from services.referral.handlers.family import family
from services.referral.handlers.loading import Loaded, load, load_request
from services.referral.reactions import referral_id
from services.referral.requests import day_of, handed_of, request_stream
from services.referral.states import Standing, Unmet
from services.referral.words import OPEN
from shared.envelope import Envelope
from shared.events import Event
from shared.events.needs import RequestDropped, RequestRedated
from shared.log import Append, partition_of


def taken_back(
    connection: Connection, command: DropRequest | RedateRequest, cause: Envelope, partitions: int
) -> list[Append]:
    """The appends that carry it out, as of what this transaction sees; none, if that was done or there is nothing.

    Nobody else may append anywhere before the transaction has ended (`lock_heads`).
    """
    first = load(connection, referral_id(command.request_id))
    handed = handed_of(first.state)
    request, version = load_request(connection, command.request_id)
    if handed is None or request.is_dropped:
        return []
    members = [first, *family(connection, first).members.values()]
    counts_as = "unmet" if any(isinstance(member.state, Unmet) for member in members) else "referred"
    facts = (command.request_id, handed.visit_id, handed.site)
    if isinstance(command, RedateRequest):
        was_on = day_of(handed)
        told: list[Event] = [RequestRedated(*facts, was_on, command.requested_on, counts_as)]
        changed: list[Append] = []
        if was_on == command.requested_on:
            return []
    else:
        told = [RequestDropped(*facts, day_of(handed), counts_as, command.because)]
        changed = [
            _append(
                referral_stream(member.referral_id),
                decide(ends, member.state),
                member.version,
                cause,
                queue,
                partitions,
            )
            for member in members
            if (queue := member.queue) and (ends := _end_of(member, command.because))
        ]
    return [*changed, _append(request_stream(command.request_id), told, version, cause, None, partitions)]


def _end_of(member: Loaded, because: str) -> Command | None:
    match member.state:
        case Standing(status=status) if status in OPEN:
            return WithdrawReferral(because)
        case Unmet():
            return DropNeed(because)
    return None


def _append(
    stream: str, events: Sequence[Event], expected: int, cause: Envelope, queue: str | None, partitions: int
) -> Append:
    return Append(
        stream=stream,
        events=events,
        expected=expected,
        occurred_at=cause.occurred_at,
        partition=partition_of(queue or stream, partitions),
        tag=queue,
        correlation_id=cause.correlation_id or cause.id,
        causation_id=cause.id,
        traceparent=cause.traceparent,
    )
