"""The rules of a referral's life: from the partner's queue, through every turn it may take, to an end with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.referral.commands import (
    AcceptReferral,
    BookAppointment,
    CancelAppointment,
    Command,
    CompleteReferral,
    DeclineReferral,
    DropNeed,
    EscalateReferral,
    ExpireReferral,
    IssueReferral,
    MissPerson,
    ReceivePerson,
    RemindPartner,
    ReopenReferral,
    ReportNeedUnmet,
    RerouteReferral,
    SettleNeed,
    UndoMove,
    WalkPerson,
    WithdrawReferral,
)
from services.referral.reckoning import ANSWERS, Told, reckoned, with_place
from services.referral.states import (
    Appointment,
    Dropped,
    NoReferral,
    Referral,
    Settled,
    Standing,
    Unmet,
    deadline_of,
    status_of,
)
from services.referral.words import ENDS, OPEN, Status
from shared.decider import Decider, Refusal
from shared.events import ReferralEvent
from shared.events.needs import NeedDropped, NeedSettled, NeedUnmet
from shared.events.referral import (
    AppointmentBooked,
    AppointmentCancelled,
    Moved,
    PersonMissed,
    PersonReceived,
    PersonWalked,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralEscalated,
    ReferralExpired,
    ReferralIssued,
    ReferralMoveUndone,
    ReferralReminded,
    ReferralReopened,
    ReferralRerouted,
    ReferralWithdrawn,
)

FROM: Mapping[type, frozenset[Status]] = {
    AcceptReferral: frozenset({Status.ISSUED}),
    DeclineReferral: frozenset({Status.ISSUED, Status.ACCEPTED, Status.BOOKED, Status.WALKED, Status.MISSED}),
    BookAppointment: frozenset({Status.ISSUED, Status.ACCEPTED, Status.BOOKED, Status.MISSED}),
    # Who was walked to a door behind which nobody sits any more is put back like who has yet to come.
    CancelAppointment: frozenset({Status.BOOKED, Status.WALKED}),
    WalkPerson: frozenset({Status.ISSUED, Status.ACCEPTED, Status.BOOKED, Status.MISSED}),
    ReceivePerson: frozenset({Status.ISSUED, Status.ACCEPTED, Status.BOOKED, Status.WALKED, Status.MISSED}),
    MissPerson: frozenset({Status.ISSUED, Status.ACCEPTED, Status.BOOKED, Status.WALKED}),
    CompleteReferral: frozenset({Status.ACCEPTED, Status.BOOKED, Status.RECEIVED, Status.MISSED}),
    WithdrawReferral: OPEN,
    RerouteReferral: OPEN - {Status.RECEIVED},
    RemindPartner: OPEN,
    EscalateReferral: OPEN,
    # Somebody who was received has been answered: only its outcome is late, and nobody else shall start again.
    ExpireReferral: OPEN - {Status.RECEIVED},
    ReopenReferral: ENDS,
    SettleNeed: frozenset({Status.UNMET}),
    DropNeed: frozenset({Status.UNMET}),
}
"""From where each move is allowed."""


class WrongState(Refusal):
    """The move is not allowed from where the referral stands. `status` is None when there is no such referral."""

    def __init__(self, move: type, status: Status | None, allowed_from: frozenset[Status]) -> None:
        super().__init__(f"{move.__name__}: not for a referral that is {status}")
        self.move, self.status, self.allowed_from = move, status, allowed_from


class NothingToUndo(Refusal):
    """The last move was undone already, or there was none."""

    def __init__(self, status: Status | None) -> None:
        super().__init__(f"nothing to undo in a referral that is {status}")
        self.status = status


def decide(command: Command, state: Referral) -> Sequence[ReferralEvent]:
    """The events that a command means. A referral that is issued again decides nothing: it exists."""
    if isinstance(command, IssueReferral):
        return [command.referral] if isinstance(state, NoReferral) else []
    if isinstance(command, ReportNeedUnmet):
        return [command.need] if isinstance(state, NoReferral) else []
    if isinstance(command, UndoMove):
        return [_placed(_undone(command, state), state)]
    status = status_of(state)
    # A need that was settled is over for good: it can be found again, and is another one then.
    if status not in FROM[type(command)] or isinstance(state, NoReferral | Settled | Dropped):
        raise WrongState(type(command), status, FROM[type(command)])
    if isinstance(state, Unmet):
        need = state.need
        if isinstance(command, DropNeed):
            own = (need.category, need.reason, need.found_on)
            return [NeedDropped(need.request_id, need.site, *own, command.because)]
        assert isinstance(command, SettleNeed)
        day = need.requested_on or need.found_on
        own = (need.category, need.reason, need.found_on)
        return [NeedSettled(need.request_id, need.site, day, command.follower, *own)]
    assert isinstance(state, Standing)
    told = _decided(command, state)
    return [_placed(reckoned(told, command, state), state) if isinstance(told, Moved) else told]


def _decided(command: Command, state: Standing) -> ReferralEvent:  # noqa: C901, PLR0912 - a case for each move
    handed = state.handed
    facts = (handed.referral_id, handed.partner, handed.site, handed.issued_on, state.status.value)
    match command:
        case AcceptReferral():
            return ReferralAccepted(*facts)
        case DeclineReferral(reason, said_by, follower):
            return ReferralDeclined(*facts, reason, said_by, follower)
        case RerouteReferral(follower):
            return ReferralRerouted(*facts, follower)
        case BookAppointment(permanence_id, place, starts_at, ends_at, places):
            return AppointmentBooked(*facts, permanence_id, place, starts_at, ends_at, places, keeps=permanence_id)
        case CancelAppointment(permanence_id):
            return AppointmentCancelled(*facts, permanence_id, _without_appointment(state).value)
        case WalkPerson(now):
            return PersonWalked(*facts, now)
        case ReceivePerson(now):
            return PersonReceived(*facts, *_walk_ended(state.walked_at, now))
        case MissPerson(now):
            return PersonMissed(*facts, *_walk_ended(state.walked_at, now))
        case CompleteReferral(outcome):
            return ReferralCompleted(*facts, outcome)
        case WithdrawReferral(reason, follower):
            return ReferralWithdrawn(*facts, reason, follower)
        case ReopenReferral(reason):
            return ReferralReopened(*facts, reason)
        case ExpireReferral(follower):
            return ReferralExpired(*facts, deadline_of(state), follower)
        case RemindPartner(next_step_at):
            return ReferralReminded(handed.referral_id, handed.partner, handed.site, deadline_of(state), next_step_at)
        case EscalateReferral(next_step_at):
            last = None if state.status is Status.RECEIVED else next_step_at
            return ReferralEscalated(handed.referral_id, handed.partner, handed.site, deadline_of(state), last)
    raise AssertionError(command)


def _undone(command: UndoMove, state: Referral) -> ReferralMoveUndone:
    if not isinstance(state, Standing) or state.before is None:
        raise NothingToUndo(status_of(state))
    handed, before = state.handed, state.before
    place = before.appointment
    return ReferralMoveUndone(
        handed.referral_id,
        handed.partner,
        handed.site,
        handed.issued_on,
        state.status.value,
        before.status.value,
        place.permanence_id if place else None,
        place.place if place else None,
        place.starts_at if place else None,
        place.ends_at if place else None,
        before.outcome,
        before.reason,
        command.follower,
        state.waited_min,
        state.walk_ended_on,
        answer_days=state.answer_days,
        outcome_days=state.outcome_days,
    )


def _placed(move: Told, state: Referral) -> Told:
    """The move with what it does to places: whatever the rules below make of them."""
    after = evolve(state, move)
    assert isinstance(state, Standing)
    assert isinstance(after, Standing)
    return with_place(move, state, after)


def evolve(state: Referral, event: ReferralEvent | Moved) -> Referral:
    """The referral after an event."""
    match event, state:
        case ReferralIssued(), _:
            return Standing(event)
        case NeedUnmet(), _:
            return Unmet(event)
        case NeedSettled(), Unmet(need):
            return Settled(need)
        case NeedDropped(), Unmet(need):
            return Dropped(need)
        case ReferralReminded() | ReferralEscalated(), Standing():
            return replace(state, chased=state.chased + 1)
        case ReferralMoveUndone(), Standing(before=Standing() as before):
            return replace(before, before=None, chased=0, follower=event.follower or before.follower)
        case Moved(), Standing():
            return _moved(state, event)
    return state


def _moved(state: Standing, event: Moved) -> Standing:
    after = replace(
        state,
        status=Status(event.becomes),
        # Somebody did something: what was overdue is asked for anew, from the deadline that counts now.
        chased=0,
        outcome=None,
        reason=None,
        waited_min=None,
        walk_ended_on=None,
        is_touched=True,
        is_answered=state.is_answered or isinstance(event, ANSWERS),
        answer_days=event.answer_days,
        outcome_days=event.outcome_days,
        before=replace(state, before=None),
    )
    match event:
        case ReferralAccepted():
            return replace(after, is_taken_on=True)
        case AppointmentBooked():
            is_counted = event.keeps is not None
            place = Appointment(event.permanence_id, event.place, event.starts_at, event.ends_at, is_counted)
            return replace(after, appointment=place, walked_at=None)
        case AppointmentCancelled():
            return replace(after, appointment=None, walked_at=None, before=None)
        case PersonWalked():
            return replace(after, walked_at=event.walked_at)
        case PersonReceived() | PersonMissed():
            waited = (event.waited_min, event.walk_ended_on)
            return replace(after, walked_at=None, waited_min=waited[0], walk_ended_on=waited[1])
        case ReferralCompleted():
            return replace(after, outcome=event.outcome)
        case ReferralDeclined() | ReferralWithdrawn():
            return replace(after, appointment=None, follower=event.follower, reason=event.reason)
        case ReferralExpired() | ReferralRerouted():
            return replace(after, appointment=None, follower=event.follower)
        case ReferralReopened():
            return Standing(
                state.handed,
                reason=event.reason,
                is_touched=True,
                is_answered=after.is_answered,
                outcome_days=after.outcome_days,
                before=after.before,
            )
    return after


def _without_appointment(state: Standing) -> Status:
    return Status.ACCEPTED if state.is_taken_on else Status.ISSUED


def _walk_ended(since: str | None, now: str) -> tuple[int | None, str | None]:
    """The minutes of a walk, and the day of its end; nothing where nobody was walked."""
    if since is None:
        return None, None
    waited = datetime.fromisoformat(now) - datetime.fromisoformat(since)
    return max(0, int(waited.total_seconds() // 60)), now[:10]


REFERRAL: Decider[Command, Referral, ReferralEvent] = Decider(NoReferral(), decide, evolve)


def referral_stream(referral_id: str) -> str:
    """The stream of a referral."""
    return f"referral-{referral_id}"
