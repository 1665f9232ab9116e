"""What referral says: a request handed to a partner, and what became of it.

Events after the first repeat the few facts that figures are dated and filed by (`site`, `issued_on`, `was`),
so that a counter can be moved without looking anything up.
"""

from typing import ClassVar

from shared.events.base import Event
from shared.events.needs import NeedDropped, NeedSettled, NeedUnmet, RequestDropped, RequestRedated

COORDINATOR = "coordinator"
"""Whose queue it is, when no partner answers."""


class ReferralIssued(Event, frozen=True):
    """One request was handed to one partner, by the catalogue rule named.

    `tried` = the partners that had it before, or have it at the same time; `replaces` = the referral or need that it
    follows, `requested_on` = the day of the visit then (else it is `issued_on`).
    `beside` = another partner has the same request at the same time, and the request is counted there.
    """

    event_type: ClassVar[str] = "referral.issued.v1"

    referral_id: str
    request_id: str
    visit_id: str
    case_id: str
    site: str
    category: str
    partner: str
    rule: str
    catalogue_version: str
    issued_on: str
    topic: str | None = None
    tried: tuple[str, ...] = ()
    replaces: str | None = None
    requested_on: str | None = None
    siblings: tuple[str, ...] = ()
    beside: bool = False
    safe_to_contact: bool | None = None


class Reckoned(Event, frozen=True, kw_only=True):
    """What a move adds to figures of delays and places, or takes off them.

    Whole days at the site from `issued_on` on, never below 0: `answer_days` of the first answer, which this move is
    (undone: was), `outcome_days` of the outcome that it brings, or takes back. `keeps`, `frees` = the permanence in
    which a place is now kept, or not kept any more. Events of before these were told have none of them, and what goes
    back on such an event has none either.
    """

    answer_days: int | None = None
    outcome_days: int | None = None
    keeps: str | None = None
    frees: str | None = None


class Moved(Reckoned, frozen=True):
    """What every move of a referral repeats. `was` = its status before; `becomes` = its status after."""

    leads_to: ClassVar[str]

    referral_id: str
    partner: str
    site: str
    issued_on: str
    was: str

    @property
    def becomes(self) -> str:
        """The status after the move."""
        return self.leads_to


class ReferralAccepted(Moved, frozen=True):
    """The partner takes the request on."""

    event_type: ClassVar[str] = "referral.accepted.v1"
    leads_to = "accepted"


class ReferralDeclined(Moved, frozen=True):
    """The partner, or the person, said no, for a coded reason.

    `follower` = the referral or unmet need that takes its place.
    """

    event_type: ClassVar[str] = "referral.declined.v1"
    leads_to = "declined"

    reason: str
    said_by: str
    follower: str | None = None


class ReferralRerouted(Moved, frozen=True):
    """The house handed the request to another partner instead: withdrawn here, `follower` is the new referral."""

    event_type: ClassVar[str] = "referral.rerouted.v1"
    leads_to = "rerouted"

    follower: str


class AppointmentBooked(Moved, frozen=True):
    """A place of a permanence is kept for the person. Places are numbered from 1; moments carry the site's offset.

    `places` = how many the permanence had then.
    """

    event_type: ClassVar[str] = "referral.appointment-booked.v1"
    leads_to = "booked"

    permanence_id: str
    place: int
    starts_at: str
    ends_at: str
    places: int | None = None


class AppointmentCancelled(Moved, frozen=True):
    """The permanence does not take place: the referral stands in its partner's queue again, as it did before."""

    event_type: ClassVar[str] = "referral.appointment-cancelled.v1"

    permanence_id: str
    back_to: str

    @property
    def becomes(self) -> str:
        """The status that it falls back to."""
        return self.back_to


class PersonWalked(Moved, frozen=True):
    """The desk walked the person to the partner's door, at this moment."""

    event_type: ClassVar[str] = "referral.person-walked.v1"
    leads_to = "walked"

    walked_at: str


class PersonReceived(Moved, frozen=True):
    """The partner received the person. `waited_min` = whole minutes since the desk walked them to the door.

    `walk_ended_on` = the local day on which that walk came to its end.
    """

    event_type: ClassVar[str] = "referral.person-received.v1"
    leads_to = "received"

    waited_min: int | None = None
    walk_ended_on: str | None = None


class PersonMissed(Moved, frozen=True):
    """The person did not come, or (`was` = walked) left without being seen."""

    event_type: ClassVar[str] = "referral.person-missed.v1"
    leads_to = "missed"

    waited_min: int | None = None
    walk_ended_on: str | None = None


class ReferralCompleted(Moved, frozen=True):
    """The partner has finished, with an outcome."""

    event_type: ClassVar[str] = "referral.completed.v1"
    leads_to = "completed"

    outcome: str


class ReferralExpired(Moved, frozen=True):
    """Nobody answered in time. `deadline` = `first_answer` or `outcome`."""

    event_type: ClassVar[str] = "referral.expired.v1"
    leads_to = "expired"

    deadline: str
    follower: str | None = None


class ReferralWithdrawn(Moved, frozen=True):
    """The desk takes the request back, for a coded reason. `follower` = what takes its place, if the need goes on."""

    event_type: ClassVar[str] = "referral.withdrawn.v1"
    leads_to = "withdrawn"

    reason: str
    follower: str | None = None


class ReferralReopened(Moved, frozen=True):
    """What had ended stands in the partner's queue again, for a coded reason; its deadlines begin anew."""

    event_type: ClassVar[str] = "referral.reopened.v1"
    leads_to = "issued"

    reason: str


class ReferralMoveUndone(Moved, frozen=True):
    """The last move was a mistake: the referral is what it was before it, place in a permanence included.

    `outcome`, `reason` = those of before. `follower` = what takes the place of a referral that ends (again).
    `waited_min`, `walk_ended_on` = what the undone move had said of a walk, so that it can be taken off the figures.
    """

    event_type: ClassVar[str] = "referral.move-undone.v1"

    back_to: str
    permanence_id: str | None = None
    place: int | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    outcome: str | None = None
    reason: str | None = None
    follower: str | None = None
    waited_min: int | None = None
    walk_ended_on: str | None = None

    @property
    def becomes(self) -> str:
        """The status before the move."""
        return self.back_to


class ReferralReminded(Event, frozen=True):
    """A deadline has passed without a word: the partner sees a reminder. `next_step_at` (UTC) = when more follows."""

    event_type: ClassVar[str] = "referral.reminded.v1"

    referral_id: str
    partner: str
    site: str
    deadline: str
    next_step_at: str


class ReferralEscalated(Event, frozen=True):
    """The reminder had no answer: it is on the coordinator's list. Without `next_step_at` it never expires."""

    event_type: ClassVar[str] = "referral.escalated.v1"

    referral_id: str
    partner: str
    site: str
    deadline: str
    next_step_at: str | None = None


class PermanenceCancelled(Event, frozen=True):
    """A dated opening does not take place.

    `put_back` = the referrals that had a place: an event of their own puts each back into the queue.
    """

    event_type: ClassVar[str] = "referral.permanence-cancelled.v1"

    permanence_id: str
    partner: str
    site: str
    starts_at: str
    put_back: tuple[str, ...] = ()


ReferralEvent = (
    ReferralIssued | ReferralAccepted | ReferralDeclined | ReferralRerouted | AppointmentBooked
    | AppointmentCancelled | PersonWalked | PersonReceived | PersonMissed | ReferralCompleted | ReferralExpired
    | ReferralWithdrawn | ReferralReopened | ReferralMoveUndone | ReferralReminded | ReferralEscalated
    | NeedUnmet | NeedSettled | NeedDropped | RequestDropped | RequestRedated | PermanenceCancelled
)  # fmt: skip
