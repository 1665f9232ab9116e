"""The rules of an invitation: given, used once; withdrawn, if its visit was not what it had been written down as."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from shared.decider import Decider, Refusal
from shared.events.desk import InvitationGiven, InvitationUsed, InvitationWithdrawn
from shared.events.intake import IntakeEvent


@dataclass(frozen=True, slots=True)
class UseInvitation:
    """They came with their slip, which was given on `given_on`."""

    invitation: str
    given_on: str


@dataclass(frozen=True)
class NoInvitation:
    """No such code was given."""


@dataclass(frozen=True)
class Given:
    """They have not come yet."""

    event: InvitationGiven

    status: ClassVar[str] = "given"


@dataclass(frozen=True)
class Used:
    """They came."""

    event: InvitationGiven

    status: ClassVar[str] = "used"


@dataclass(frozen=True)
class Withdrawn:
    """It is good no longer. Its code may be given again, for the same visit."""

    event: InvitationGiven

    status: ClassVar[str] = "withdrawn"


Invitation = NoInvitation | Given | Used | Withdrawn


class InvitationUnknown(Refusal):
    """There is no such code."""


class InvitationUsedAlready(Refusal):
    """They came before: an invitation counts once."""


class InvitationNoMore(Refusal):
    """It was withdrawn."""


def decide(command: UseInvitation, state: Invitation) -> Sequence[IntakeEvent]:
    """What coming with a slip means. Raises a refusal."""
    match state:
        case Given(given):
            return [InvitationUsed(given.invitation, given.site, given.partner, command.given_on)]
        case Used():
            raise InvitationUsedAlready
        case Withdrawn():
            raise InvitationNoMore
    raise InvitationUnknown


def evolve(state: Invitation, event: IntakeEvent) -> Invitation:
    """The invitation after an event."""
    match event, state:
        case InvitationGiven(), NoInvitation() | Withdrawn():
            return Given(event)
        case InvitationUsed(), Given(given):
            return Used(given)
        case InvitationWithdrawn(), Given(given):
            return Withdrawn(given)
    return state


INVITATION: Decider[UseInvitation, Invitation, IntakeEvent] = Decider(NoInvitation(), decide, evolve)


def invitation_stream(code: str) -> str:
    """The stream of an invitation."""
    return f"invitation-{code}"
