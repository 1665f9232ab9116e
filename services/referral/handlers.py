"""The use cases of referral: hand requests over as visits are heard, and carry out what a partner answers."""

from services.referral.commands import Command, IssueReferral, ReportNeedUnmet
from services.referral.decider import REFERRAL, NoReferral, decide, referral_stream
from services.referral.reactions import referral_id
from shared.envelope import Envelope
from shared.events.referral import COORDINATOR
from shared.execute import Context, execute
from shared.log import NEW, Append, Appended, Log, partition_of


def hand_over(command: IssueReferral | ReportNeedUnmet, cause: Envelope, partitions: int) -> Append:
    """The append that carries out a reaction. It happened when its cause did; the visit is what correlates it."""
    if isinstance(command, IssueReferral):
        queue, referral = command.partner, command.referral_id
    else:
        queue, referral = COORDINATOR, referral_id(command.request_id)
    return Append(
        stream=referral_stream(referral),
        events=decide(command, NoReferral()),
        expected=NEW,
        occurred_at=cause.occurred_at,
        partition=partition_of(queue, partitions),
        tag=queue,
        correlation_id=cause.correlation_id or cause.id,
        causation_id=cause.id,
    )


async def answer(log: Log, referral: str, command: Command, context: Context, expected: int) -> Appended:
    """Carry out what a partner answers, if the referral is still at the version that the partner saw."""
    return await execute(log, REFERRAL, referral_stream(referral), command, context, expected)
