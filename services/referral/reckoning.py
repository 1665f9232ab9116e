"""What a move says for the figures: the days waited for an answer or an outcome, the place kept or given back.

Counters are moved by what an event says alone. So a move that takes back what another had added repeats it.
"""

from datetime import date
from typing import TypeVar

from msgspec import structs

from services.referral.commands import NOW, Answer, Command, CompleteReferral, ReopenReferral
from services.referral.states import Standing
from services.referral.words import Status
from shared.events.referral import (
    AppointmentBooked,
    Moved,
    PersonMissed,
    PersonReceived,
    PersonWalked,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
)

Told = TypeVar("Told", bound=Moved)

ANSWERS = (
    ReferralAccepted, ReferralDeclined, AppointmentBooked, PersonWalked, PersonReceived, PersonMissed,
    ReferralCompleted,
)  # fmt: skip
"""What answers a referral: somebody did something with the request, or said no to it."""


def reckoned(move: Told, command: Command, state: Standing) -> Told:
    """The move, with the days that it adds to the delays or takes off them. Untold where the moment is not known."""
    if isinstance(command, ReopenReferral) and state.status is Status.COMPLETED:
        return structs.replace(move, outcome_days=state.outcome_days)
    if not isinstance(command, Answer) or command.now == NOW:
        return move
    days = days_between(state.handed.issued_on, command.now[:10])
    is_outcome = isinstance(command, CompleteReferral)
    return structs.replace(
        move, answer_days=None if state.is_answered else days, outcome_days=days if is_outcome else None
    )


def with_place(move: Told, was: Standing, becomes: Standing) -> Told:
    """The move, with the permanences in which it takes a place and gives one back; untold where it does neither."""
    before, after = _counted(was), _counted(becomes)
    # Another place of the same permanence, or the same again, is a place given back and one taken.
    if before == after and not isinstance(move, AppointmentBooked):
        return move
    return structs.replace(move, keeps=after, frees=before)


def _counted(state: Standing) -> str | None:
    place = state.appointment
    return place.permanence_id if place and place.is_counted else None


def days_between(first: str, last: str) -> int:
    """Whole days from one local day to another; none when clocks disagree."""
    return max(0, (date.fromisoformat(last) - date.fromisoformat(first)).days)
