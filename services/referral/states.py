"""What a referral can be, and the words for it."""

from dataclasses import dataclass

from services.referral.words import Status
from shared.events.needs import NeedUnmet
from shared.events.referral import ReferralIssued

FIRST_ANSWER, OUTCOME = "first_answer", "outcome"


@dataclass(frozen=True)
class NoReferral:
    """Nothing was handed to anybody."""


@dataclass(frozen=True)
class Appointment:
    """A place kept in a permanence. `is_counted`: its event said so for the figures, as all have for some time."""

    permanence_id: str
    place: int
    starts_at: str
    ends_at: str
    is_counted: bool = False


@dataclass(frozen=True)
class Standing:
    """A request that was handed to a partner, and where that stands.

    `before` = what it was before its last move, for as long as that can be undone; `follower` = what took its place.
    `waited_min`, `walk_ended_on` = what the last move said of a walk that it ended. `chased` = how often the house has
    asked for an answer since the last move. `is_touched`: somebody has moved it, and that stands. `is_answered`: there
    was a first answer; `answer_days`, `outcome_days` = what the last move said of delays.
    """

    handed: ReferralIssued
    status: Status = Status.ISSUED
    is_taken_on: bool = False
    appointment: Appointment | None = None
    walked_at: str | None = None
    chased: int = 0
    follower: str | None = None
    outcome: str | None = None
    reason: str | None = None
    waited_min: int | None = None
    walk_ended_on: str | None = None
    is_touched: bool = False
    is_answered: bool = False
    answer_days: int | None = None
    outcome_days: int | None = None
    before: "Standing | None" = None


@dataclass(frozen=True)
class Unmet:
    """Nobody answers the request: it is on the coordinator's list."""

    need: NeedUnmet


@dataclass(frozen=True)
class Settled:
    """The need was unmet; a partner has the request by now."""

    need: NeedUnmet


@dataclass(frozen=True)
class Dropped:
    """The need was unmet; the desk took its request back."""

    need: NeedUnmet


Referral = NoReferral | Standing | Unmet | Settled | Dropped


def status_of(state: Referral) -> Status | None:
    """The word for a state."""
    match state:
        case Standing():
            return state.status
        case Unmet():
            return Status.UNMET
        case Settled():
            return Status.REROUTED
        case Dropped():
            return Status.WITHDRAWN
    return None


def deadline_of(state: Standing) -> str:
    """Which deadline counts: the first answer's, until there was any answer."""
    return FIRST_ANSWER if state.status is Status.ISSUED else OUTCOME
