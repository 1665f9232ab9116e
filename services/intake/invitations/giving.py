"""The use cases of an invitation: given with the visit in one transaction, looked up by its code, used."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
from sqlalchemy.exc import IntegrityError

from services.intake.commands import RecordVisit
from services.intake.invitations.invitation import (
    INVITATION,
    Given,
    InvitationUnknown,
    NoInvitation,
    Used,
    UseInvitation,
    Withdrawn,
    invitation_stream,
)
from shared.access.acting import actor
from shared.access.scope import Scope
from shared.events.desk import InvitationGiven
from shared.execute import Context, execute, state_of
from shared.log import NEW, Append, Appended, Log, VersionConflict, partition_of
from shared.log.append import Answer
from shared.log.writing import Written


class Found(msgspec.Struct, frozen=True):
    """An invitation as it stands: when it was given (last) and used, with the site's offset."""

    state: Given | Used | Withdrawn
    event: InvitationGiven
    given_at: str
    used_at: str | None
    version: int


def inviting(log: Log, command: RecordVisit, context: Context) -> list[Append]:
    """The append that gives the invitation of a visit; none for one that gives none."""
    if command.invitation is None:
        return []
    code, partner = command.invitation
    stream = invitation_stream(code)
    own = replace(context, partition=partition_of(stream, log.partitions), tag=None, answer=None)
    return [own.append(stream, [InvitationGiven(code, command.visit_id, command.site, partner)], NEW)]


async def find(log: Log, scope: Scope, code: str) -> Found | None:
    """The invitation of a code; None where none was given, and for a partner whom it does not invite to."""
    history = await log.read(invitation_stream(code))
    state = state_of(INVITATION, history)
    if isinstance(state, NoInvitation) or not scope.holds(state.event.partner):
        return None
    given_at = next(one.occurred_at for one in reversed(history) if isinstance(one.event, InvitationGiven))
    used_at = history[-1].occurred_at if isinstance(state, Used) else None
    return Found(state, state.event, given_at, used_at, len(history))


async def use(log: Log, scope: Scope, code: str, now: str, expected: int, answer: Answer | None) -> None:
    """They came. `now` carries the site's offset. Raises a refusal, or what `execute` raises."""
    found = await find(log, scope, code)
    if found is None:
        raise InvitationUnknown
    stream = invitation_stream(code)
    context = Context(now, partition_of(stream, log.partitions), actor=actor(), answer=answer)
    await execute(log, INVITATION, stream, UseInvitation(code, found.given_at[:10]), context, expected)


async def append_together(log: Log, appends: Sequence[Append]) -> Appended:
    """One transaction for several streams; what the first came to. Raises what any of them failed by."""

    def work(connection: object) -> Written:
        written = log.append_within(connection, appends)  # type: ignore[arg-type]
        for outcome in written.outcomes:
            # Raised, so that the other streams' events go with it.
            if not isinstance(outcome, Appended):
                raise outcome
        return written

    try:
        written = await log.database.write(work)
    except IntegrityError:
        # Another process was faster, and did not show it before the commit.
        raise VersionConflict(appends[0].stream, appends[0].expected, appends[0].expected + 1) from None
    log.announce(written)
    first = written.outcomes[0]
    assert isinstance(first, Appended)
    return first
