"""What can be asked of referral. Ids, times and the chosen partner are in the command already."""

from dataclasses import dataclass

from shared.events.needs import NeedUnmet
from shared.events.referral import ReferralIssued

NOW = ""
"""The moment at which it is carried out, whatever that is: so that what is asked twice is the same thing twice."""


@dataclass(frozen=True, slots=True)
class IssueReferral:
    """Hand one request to one partner."""

    referral: ReferralIssued


@dataclass(frozen=True, slots=True)
class ReportNeedUnmet:
    """Nobody answers this request: hand it to the coordinator, under this id."""

    referral_id: str
    need: NeedUnmet


@dataclass(frozen=True, slots=True)
class AcceptReferral:
    """The partner takes it on, now (RFC 3339)."""

    now: str = NOW


@dataclass(frozen=True, slots=True)
class DeclineReferral:
    """The partner, or the person, says no, now (RFC 3339). `follower` is what takes its place, if anything does."""

    reason: str
    said_by: str
    follower: str | None = None
    now: str = NOW


@dataclass(frozen=True, slots=True)
class AskForPlace:
    """Keep a place of this permanence, whichever is free: becomes `BookAppointment` once one is found."""

    permanence_id: str


@dataclass(frozen=True, slots=True)
class BookAppointment:
    """Keep this place of a permanence, now (RFC 3339)."""

    permanence_id: str
    place: int
    starts_at: str
    ends_at: str
    places: int | None = None
    now: str = NOW


@dataclass(frozen=True, slots=True)
class CancelAppointment:
    """The permanence does not take place."""

    permanence_id: str


@dataclass(frozen=True, slots=True)
class WalkPerson:
    """The desk walks the person to the partner's door, now (RFC 3339)."""

    now: str = NOW


@dataclass(frozen=True, slots=True)
class ReceivePerson:
    """The partner receives the person, now (RFC 3339)."""

    now: str = NOW


@dataclass(frozen=True, slots=True)
class MissPerson:
    """The person did not come, or has left, as is seen now (RFC 3339)."""

    now: str = NOW


@dataclass(frozen=True, slots=True)
class CompleteReferral:
    """The partner has finished, now (RFC 3339)."""

    outcome: str
    now: str = NOW


@dataclass(frozen=True, slots=True)
class WithdrawReferral:
    """The desk takes the request back. `follower` is what takes its place, if the partner cannot help."""

    reason: str
    follower: str | None = None


@dataclass(frozen=True, slots=True)
class ReopenReferral:
    """What has ended goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class UndoMove:
    """The last move was a mistake. `follower` is what takes the place of a referral that ends (again)."""

    follower: str | None = None


@dataclass(frozen=True, slots=True)
class HandToPartner:
    """The house chooses the partner: becomes `RerouteReferral` or `SettleNeed` once the new referral has its id."""

    partner: str


@dataclass(frozen=True, slots=True)
class RerouteReferral:
    """The house hands the request to another partner, whose referral is `follower`."""

    follower: str


@dataclass(frozen=True, slots=True)
class RemindPartner:
    """The deadline that counts has passed. `next_step_at` (UTC): when more follows."""

    next_step_at: str


@dataclass(frozen=True, slots=True)
class EscalateReferral:
    """The reminder had no answer. `next_step_at` (UTC): when it expires."""

    next_step_at: str


@dataclass(frozen=True, slots=True)
class ExpireReferral:
    """Nobody answered at all. `follower` is what takes its place, if anything does."""

    follower: str | None = None


@dataclass(frozen=True, slots=True)
class SettleNeed:
    """A partner has the request after all: its referral is `follower`."""

    follower: str


@dataclass(frozen=True, slots=True)
class DropNeed:
    """The desk took the request of an unmet need back, for a coded reason."""

    because: str


@dataclass(frozen=True, slots=True)
class DropRequest:
    """The desk took a request back, for a coded reason: whoever has it is to have it no longer."""

    request_id: str
    because: str


@dataclass(frozen=True, slots=True)
class RedateRequest:
    """The visit of a request was on this local day."""

    request_id: str
    requested_on: str


Answer = AcceptReferral | DeclineReferral | BookAppointment | WalkPerson | ReceivePerson | MissPerson | CompleteReferral
"""What somebody does for the person, or says to them: the first of these is the first answer."""
HandOver = IssueReferral | ReportNeedUnmet
Reaction = HandOver | DropRequest | RedateRequest
"""What follows from an event of intake."""
Move = (
    AcceptReferral
    | DeclineReferral
    | BookAppointment
    | CancelAppointment
    | WalkPerson
    | ReceivePerson
    | MissPerson
    | CompleteReferral
    | WithdrawReferral
    | ReopenReferral
    | UndoMove
    | RerouteReferral
    | RemindPartner
    | EscalateReferral
    | ExpireReferral
    | SettleNeed
    | DropNeed
)
Command = HandOver | Move
Asked = Move | AskForPlace | HandToPartner
"""What can be asked of a referral that exists."""
