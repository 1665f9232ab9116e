"""The use cases of the front desk."""

from collections.abc import Sequence

from services.intake.commands import RecordVisit
from services.intake.decider import CASE, CaseUnknown, NoCase, case_stream, decide
from services.intake.invitations.giving import record_inviting
from services.intake.refused import problem_of
from shared.decider import Refusal
from shared.execute import Context, execute
from shared.log import Append, Appended, Log
from shared.log.append import NEW, Outcome


async def record_visit(log: Log, command: RecordVisit, context: Context) -> Appended:
    """Record one visit. A case opened by this very visit cannot have a history: nothing is read for it."""
    if command.opens_case and not command.invitation:
        return await log.append(opening(command, context))
    try:
        if command.invitation:
            return await record_inviting(log, command, command.invitation, context)
        return await execute(log, CASE, case_stream(command.case_id), command, context)
    except Refusal as refusal:
        # Refused now, but perhaps carried out when the same request came first: then that answer stands.
        if context.answer:
            await log.answered_before(context.answer)
        if isinstance(refusal, CaseUnknown):
            raise
        raise problem_of(refusal) from refusal


async def record_openings(log: Log, openings: Sequence[tuple[RecordVisit, Context]]) -> list[Outcome]:
    """Record many visits, each of which opens its own case, in as few transactions as possible."""
    return await log.append_each([opening(command, context) for command, context in openings])


def opening(command: RecordVisit, context: Context) -> Append:
    """The append of a visit that opens its case."""
    return context.append(case_stream(command.case_id), decide(command, NoCase()), NEW)
