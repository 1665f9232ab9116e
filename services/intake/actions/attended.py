"""Which actions somebody came to, as the log has it: for whoever asks what is held on them, and when they last came."""

from collections.abc import Iterable

from services.intake.actions.action import ACTION, Held, action_stream, attendee_of
from shared.access.scope import Scope
from shared.envelope import decode
from shared.events.intake import AttendanceRecorded
from shared.execute import state_of
from shared.log import Log


async def attended(log: Log, scope: Scope, ids: Iterable[str]) -> list[AttendanceRecorded]:
    """The attendances of cases and people that stand, by day. What was withdrawn or voided is none."""
    found: list[AttendanceRecorded] = []
    for known_as in sorted(ids) if scope.reads_files else ():
        told = [decode(entry.body).event for entry in await log.read_tagged(known_as)]
        by_action = {event.action_id: event for event in told if isinstance(event, AttendanceRecorded)}
        for action_id, event in by_action.items():
            state = state_of(ACTION, await log.read(action_stream(action_id)))
            if isinstance(state, Held) and attendee_of(event) in state.named:
                found.append(event)
    return sorted(found, key=lambda event: (event.held_on, event.action_id))
