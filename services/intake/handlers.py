"""The use cases of the front desk."""

from collections.abc import Sequence

from services.intake.commands import RecordVisit
from services.intake.decider import CASE, CaseUnknown, NoCase, case_stream, decide
from services.intake.invitations.giving import append_together, inviting
from services.intake.invitations.invitation import invitation_stream
from services.intake.refused import problem_of
from services.intake.waiting.receiving import receiving
from shared.decider import Refusal
from shared.execute import TRIES_MAX, Context, state_of
from shared.log import Append, Appended, Log, VersionConflict
from shared.log.append import NEW, Outcome


async def record_visit(log: Log, command: RecordVisit, context: Context) -> Appended:
    """Record one visit. A case opened by this very visit cannot have a history: nothing is read for it."""
    if command.opens_case and not command.invitation and command.arrival_id is None:
        return await log.append(opening(command, context))
    try:
        return await _record_with(log, command, context)
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


async def _record_with(log: Log, command: RecordVisit, context: Context) -> Appended:
    """Record a visit with what goes with it, its invitation and the end of a wait: all of it or nothing."""
    stream = case_stream(command.case_id)
    for tries_left in reversed(range(TRIES_MAX)):
        history = [] if command.opens_case else await log.read(stream)
        story = history[0].correlation_id if history else None
        visit = context.append(stream, decide(command, state_of(CASE, history)), len(history), story)
        beside = inviting(log, command, context)
        if tries_left:
            # A room in which everybody moves at once keeps no visit from being recorded.
            beside += await receiving(log, command, context)
        try:
            return await (append_together(log, [visit, *beside]) if beside else log.append(visit))
        except VersionConflict as conflict:
            if command.invitation and conflict.stream == invitation_stream(command.invitation[0]):
                raise
            last = conflict
    raise last
