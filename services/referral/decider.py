"""The rules of a referral's life: issued, accepted or declined, completed with an outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.referral.commands import (
    AcceptReferral,
    Command,
    CompleteReferral,
    DeclineReferral,
    IssueReferral,
    ReportNeedUnmet,
)
from shared.decider import Decider, Refusal
from shared.events import ReferralEvent
from shared.events.referral import (
    NeedUnmet,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralIssued,
)


class Status(StrEnum):
    """Where a referral stands. FHIR Task.status: requested, accepted, rejected, completed, failed."""

    ISSUED = "issued"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    COMPLETED = "completed"
    UNMET = "unmet"


class DeclineReason(StrEnum):
    """Why not."""

    NO_CAPACITY = "no_capacity"
    NOT_ELIGIBLE = "not_eligible"
    NOT_OUR_MISSION = "not_our_mission"
    UNREACHABLE = "unreachable"
    NOT_INTERESTED = "not_interested"
    ALREADY_HELPED = "already_helped"
    MISSING_INFORMATION = "missing_information"
    DUPLICATE = "duplicate"
    MOVED = "moved"
    OTHER = "other"


class SaidBy(StrEnum):
    """Who said no."""

    PARTNER = "partner"
    PERSON = "person"


class Outcome(StrEnum):
    """What came of it."""

    HELPED = "helped"
    PARTLY_HELPED = "partly_helped"
    NOT_HELPED = "not_helped"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True)
class NoReferral:
    """Nothing was handed to anybody."""


@dataclass(frozen=True)
class Issued:
    """In the partner's queue, not answered yet."""

    referral_id: str
    partner: str
    site: str
    issued_on: str


@dataclass(frozen=True)
class Accepted:
    """The partner has taken it on."""

    referral_id: str
    partner: str
    site: str
    issued_on: str


@dataclass(frozen=True)
class Ended:
    """Declined, completed, or nobody's: nothing more is expected of a partner."""

    status: Status


Referral = NoReferral | Issued | Accepted | Ended


class WrongState(Refusal):
    """The move is not allowed from where the referral stands. `status` is None when there is no such referral."""

    def __init__(self, move: str, status: Status | None, allowed_from: Status) -> None:
        super().__init__(f"cannot {move} a referral that is {status}")
        self.move, self.status, self.allowed_from = move, status, allowed_from


def decide(command: Command, state: Referral) -> Sequence[ReferralEvent]:
    """The events that a command means. A referral that is issued again decides nothing: it exists."""
    match command, state:
        case (IssueReferral(), NoReferral()):
            return [_issued(command)]
        case (ReportNeedUnmet(), NoReferral()):
            return [_unmet(command)]
        case (IssueReferral() | ReportNeedUnmet(), _):
            return []
        case (AcceptReferral(), Issued(referral_id, partner, site, issued_on)):
            return [ReferralAccepted(referral_id, partner, site, issued_on, was=Status.ISSUED)]
        case (DeclineReferral(reason, said_by), Issued(referral_id, partner, site, issued_on)):
            return [ReferralDeclined(referral_id, partner, site, issued_on, Status.ISSUED, reason, said_by)]
        case (DeclineReferral(reason, said_by), Accepted(referral_id, partner, site, issued_on)):
            return [ReferralDeclined(referral_id, partner, site, issued_on, Status.ACCEPTED, reason, said_by)]
        case (CompleteReferral(outcome), Accepted(referral_id, partner, site, issued_on)):
            return [ReferralCompleted(referral_id, partner, site, issued_on, Status.ACCEPTED, outcome)]
        case (CompleteReferral(), _):
            raise WrongState("complete", status_of(state), Status.ACCEPTED)
        case (DeclineReferral(), _):
            raise WrongState("decline", status_of(state), Status.ISSUED)
    raise WrongState("accept", status_of(state), Status.ISSUED)


def evolve(state: Referral, event: ReferralEvent) -> Referral:
    """The referral after an event."""
    match event, state:
        case (ReferralIssued(), _):
            return Issued(event.referral_id, event.partner, event.site, event.issued_on)
        case (ReferralAccepted(), Issued(referral_id, partner, site, issued_on)):
            return Accepted(referral_id, partner, site, issued_on)
        case (ReferralDeclined(), _):
            return Ended(Status.DECLINED)
        case (ReferralCompleted(), _):
            return Ended(Status.COMPLETED)
        case (NeedUnmet(), _):
            return Ended(Status.UNMET)
    return state


def status_of(state: Referral) -> Status | None:
    """The word for a state."""
    match state:
        case Issued():
            return Status.ISSUED
        case Accepted():
            return Status.ACCEPTED
        case Ended(status):
            return status
    return None


def _issued(command: IssueReferral) -> ReferralIssued:
    return ReferralIssued(
        referral_id=command.referral_id,
        request_id=command.request_id,
        visit_id=command.visit_id,
        case_id=command.case_id,
        site=command.site,
        category=command.category,
        topic=command.topic,
        partner=command.partner,
        rule=command.rule,
        catalogue_version=command.catalogue_version,
        issued_on=command.issued_on,
    )


def _unmet(command: ReportNeedUnmet) -> NeedUnmet:
    return NeedUnmet(
        request_id=command.request_id,
        visit_id=command.visit_id,
        case_id=command.case_id,
        site=command.site,
        category=command.category,
        topic=command.topic,
        reason=command.reason,
        catalogue_version=command.catalogue_version,
        found_on=command.found_on,
    )


REFERRAL: Decider[Command, Referral, ReferralEvent] = Decider(NoReferral(), decide, evolve)


def referral_stream(referral_id: str) -> str:
    """The stream of a referral."""
    return f"referral-{referral_id}"
