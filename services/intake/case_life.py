"""The use cases of a case's life: close, reopen, attach a person, merge two and take that back."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from services.intake.commands import Command, MergeCases, UnmergeCase
from services.intake.decider import CASE, Case, MergedCase, case_stream, merge, unmerge
from services.intake.refusals import CaseUnknown
from shared.envelope import Envelope
from shared.events.intake import CasesMerged, CasesUnmerged
from shared.execute import TRIES_MAX, Context, execute, state_of
from shared.log import Append, Appended, Log, VersionConflict, partition_of
from shared.log.writing import Written

_History = tuple[Case, Sequence[Envelope]]


async def change_case(log: Log, command: Command, context: Context, expected: int | None) -> Appended:
    """Carry out what is asked of one case. Raises a refusal, or what `execute` raises."""
    return await execute(log, CASE, case_stream(command.case_id), command, context, expected)


async def merge_cases(log: Log, command: MergeCases, context: Context, expected: int) -> Appended:
    """Make two cases one, in both streams at once. `expected` = the version of the case to be absorbed."""
    for _ in range(TRIES_MAX):
        kept, absorbed = await _history(log, command.kept), await _history(log, command.absorbed)
        _check_version(command.absorbed, absorbed, expected)
        written = await _append_to_both(log, merge(kept[0], absorbed[0]), kept, absorbed, context)
        if written is not None:
            return written
    raise VersionConflict(case_stream(command.kept), len(kept[1]), len(kept[1]) + 1)


async def unmerge_case(log: Log, command: UnmergeCase, context: Context, expected: int) -> Appended:
    """Take a merge back, in both streams at once. `expected` = the version of the case that was absorbed."""
    for _ in range(TRIES_MAX):
        absorbed = await _history(log, command.absorbed)
        _check_version(command.absorbed, absorbed, expected)
        event = unmerge(absorbed[0])
        kept = await _history(log, event.kept)
        written = await _append_to_both(log, event, kept, absorbed, context)
        if written is not None:
            return written
    raise VersionConflict(case_stream(event.kept), len(kept[1]), len(kept[1]) + 1)


async def case_state(log: Log, case_id: str) -> Case:
    """What a case is by now."""
    return (await _history(log, case_id))[0]


async def leading_case(log: Log, case_id: str) -> tuple[str, Case]:
    """The case that this one is read as a part of, in the end; itself, if it was not merged."""
    state = await case_state(log, case_id)
    while isinstance(state, MergedCase):
        case_id = state.kept
        state = await case_state(log, case_id)
    return case_id, state


async def _history(log: Log, case_id: str) -> _History:
    history = await log.read(case_stream(case_id))
    return state_of(CASE, history), history


def _check_version(case_id: str, absorbed: _History, expected: int) -> None:
    version = len(absorbed[1])
    if version == 0:
        raise CaseUnknown(case_id)
    if version != expected:
        raise VersionConflict(case_stream(case_id), expected, version)


async def _append_to_both(
    log: Log, event: CasesMerged | CasesUnmerged, kept: _History, absorbed: _History, context: Context
) -> Appended | None:
    """One transaction for both streams; None when somebody wrote to the kept one meanwhile."""
    sides = ((event.absorbed, absorbed, context), (event.kept, kept, replace(context, answer=None)))
    appends: list[Append] = []
    for case_id, (_state, history), surrounding in sides:
        placed = replace(surrounding, partition=partition_of(case_id, log.partitions))
        appends.append(placed.append(case_stream(case_id), [event], len(history)))

    def work(connection: Connection) -> Written:
        written = log.append_within(connection, appends)
        for outcome in written.outcomes:
            # Raised, so that the other stream's event goes with it.
            if not isinstance(outcome, Appended):
                raise outcome
        return written

    try:
        written = await log.database.write(work)
    except IntegrityError:
        return None
    except VersionConflict as conflict:
        if conflict.stream == case_stream(event.absorbed):
            raise
        return None
    log.announce(written)
    appended = written.outcomes[0]
    assert isinstance(appended, Appended)
    return appended
