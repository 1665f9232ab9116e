"""The rules of a collective action: it was held once, nobody is named twice, and never more than were there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import msgspec

from shared.decider import Decider, Refusal
from shared.events.intake import (
    AttendanceRecorded,
    AttendanceWithdrawn,
    CollectiveActionHeld,
    CollectiveActionVoided,
    HeadcountCorrected,
    IntakeEvent,
)

_Attendance = TypeVar("_Attendance", AttendanceRecorded, AttendanceWithdrawn)
KINDS = ("thematic_meeting", "health_morning", "health_breakfast", "workshop")


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody whom the house knows: as a case, or (`is_person`) as somebody in the vault."""

    known_as: str
    is_person: bool = False


@dataclass(frozen=True, slots=True)
class HoldAction:
    """An action took place: `held` is what there is to say of it."""

    held: CollectiveActionHeld


@dataclass(frozen=True, slots=True)
class RecordAttendance:
    """Somebody was there."""

    attendee: Attendee


@dataclass(frozen=True, slots=True)
class WithdrawAttendance:
    """They were not."""

    attendee: Attendee


@dataclass(frozen=True, slots=True)
class CorrectHeadcount:
    """There were more, or fewer."""

    headcount: int


@dataclass(frozen=True, slots=True)
class VoidAction:
    """It was entered by mistake."""


Command = HoldAction | RecordAttendance | WithdrawAttendance | CorrectHeadcount | VoidAction


@dataclass(frozen=True)
class NoAction:
    """Nothing was held under that id."""


@dataclass(frozen=True)
class Held:
    """An action as it stands: its headcount is today's, `named` those of them whom the house knows, in their order."""

    held: CollectiveActionHeld
    named: tuple[Attendee, ...] = ()

    status: ClassVar[str] = "held"


@dataclass(frozen=True)
class Voided:
    """An action that never was."""

    before: Held

    status: ClassVar[str] = "voided"


Action = NoAction | Held | Voided


class ActionRefusal(Refusal):
    """A command that an action does not allow."""


class ActionUnknown(ActionRefusal):
    """There is no such action."""


class ActionThere(ActionRefusal):
    """There is an action under that id."""


class ActionVoidedAlready(ActionRefusal):
    """It never was."""


class ThereAlready(ActionRefusal):
    """They are named among those who were there."""


class NotThere(ActionRefusal):
    """They are not named there."""


class FewerThanNamed(ActionRefusal):
    """More people would be named than were counted. `named` = how many are."""

    def __init__(self, named: int) -> None:
        super().__init__(named)
        self.named = named


class HeadcountRight(ActionRefusal):
    """There is nothing to correct."""


def decide(command: Command, state: Action) -> Sequence[IntakeEvent]:
    """What a command means for the action. Raises a refusal."""
    match command, state:
        case HoldAction(held), NoAction():
            return [held]
        case HoldAction(), _:
            raise ActionThere
        case _, NoAction():
            raise ActionUnknown
        case _, Voided():
            raise ActionVoidedAlready
        case _, Held():
            return _of_held(command, state)
    raise AssertionError(command)


def _of_held(command: Command, state: Held) -> Sequence[IntakeEvent]:
    match command:
        case RecordAttendance(attendee):
            if attendee in state.named:
                raise ThereAlready
            _check_room(state, len(state.named) + 1)
            return [attendance(AttendanceRecorded, state, attendee)]
        case WithdrawAttendance(attendee):
            if attendee not in state.named:
                raise NotThere
            return [attendance(AttendanceWithdrawn, state, attendee)]
        case CorrectHeadcount(headcount):
            _check_room(state, len(state.named), headcount)
            if headcount == state.held.headcount:
                raise HeadcountRight
            return [HeadcountCorrected(state.held, headcount)]
    cases = tuple(one.known_as for one in state.named if not one.is_person)
    people = tuple(one.known_as for one in state.named if one.is_person)
    return [CollectiveActionVoided(state.held, cases, people)]


def evolve(state: Action, event: IntakeEvent) -> Action:
    """The action after an event."""
    match event, state:
        case CollectiveActionHeld(), NoAction():
            return Held(event)
        case HeadcountCorrected(was, headcount), Held():
            return replace(state, held=msgspec.structs.replace(was, headcount=headcount))
        case AttendanceRecorded(), Held(named=named):
            return replace(state, named=(*named, attendee_of(event)))
        case AttendanceWithdrawn(), Held(named=named):
            return replace(state, named=tuple(one for one in named if one != attendee_of(event)))
        case CollectiveActionVoided(), Held():
            return Voided(state)
    return state


def partners_of(held: CollectiveActionHeld) -> tuple[str, ...]:
    """The partners that led an action or spoke at it, each once."""
    return tuple(sorted({*held.leaders, *held.speakers}))


def attendee_of(event: AttendanceRecorded | AttendanceWithdrawn) -> Attendee:
    """Whom an attendance names."""
    return Attendee(event.person_id, is_person=True) if event.person_id else Attendee(event.case_id or "")


def attendance(kind: type[_Attendance], state: Held, attendee: Attendee) -> _Attendance:
    """The event that somebody was there, or was not."""
    held = state.held
    return kind(
        action_id=held.action_id,
        site=held.site,
        kind=held.kind,
        category=held.category,
        held_on=held.held_at[:10],
        partners=partners_of(held),
        case_id=None if attendee.is_person else attendee.known_as,
        person_id=attendee.known_as if attendee.is_person else None,
    )


def _check_room(state: Held, named: int, headcount: int | None = None) -> None:
    """Raise where more people would be named than were there."""
    if named > (state.held.headcount if headcount is None else headcount):
        raise FewerThanNamed(len(state.named))


ACTION: Decider[Command, Action, IntakeEvent] = Decider(NoAction(), decide, evolve)


def action_stream(action_id: str) -> str:
    """The stream of an action."""
    return f"action-{action_id}"


def actions_tag(site: str, year: int) -> str:
    """What the actions of a site in a year are found by."""
    return f"actions-{site}-{year:04}"
