"""The closed lists that a referral is spoken of in: where it stands, why not, what came of it."""

from enum import StrEnum


class Status(StrEnum):
    """Where a referral stands.

    FHIR Task.status: requested, accepted, in-progress (booked, walked, received), failed (missed), completed,
    rejected, cancelled (rerouted, expired, withdrawn). `unmet` is a need that no partner answers.
    """

    ISSUED = "issued"
    ACCEPTED = "accepted"
    BOOKED = "booked"
    WALKED = "walked"
    RECEIVED = "received"
    MISSED = "missed"
    COMPLETED = "completed"
    DECLINED = "declined"
    REROUTED = "rerouted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    UNMET = "unmet"


OPEN = frozenset({Status.ISSUED, Status.ACCEPTED, Status.BOOKED, Status.WALKED, Status.RECEIVED, Status.MISSED})
"""Something is still expected of the partner."""
ENDS = frozenset({Status.COMPLETED, Status.DECLINED, Status.REROUTED, Status.EXPIRED, Status.WITHDRAWN})
"""Nothing is; each can be reopened."""


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


NEED_IS_GONE = frozenset(
    {DeclineReason.NOT_INTERESTED, DeclineReason.ALREADY_HELPED, DeclineReason.DUPLICATE, DeclineReason.MOVED}
)
"""Reasons after which no other partner is asked: there is nothing left to ask for."""


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


class ChangeReason(StrEnum):
    """Why the desk withdraws or reopens a referral: what a partner may say, and what only the house knows."""

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
    MISTAKE = "mistake"
    CAME_BACK = "came_back"
    NO_LONGER_NEEDED = "no_longer_needed"


PARTNER_CANNOT = frozenset({ChangeReason.NO_CAPACITY, ChangeReason.NOT_ELIGIBLE, ChangeReason.NOT_OUR_MISSION})
"""Reasons for which the desk withdraws a request that the person still has: the next partner is asked."""

VISIT_VOIDED, VISIT_CORRECTED = "visit_voided", "visit_corrected"
"""Why the house withdraws a request that its visit never brought, or brought as another one: only it can say so."""

TAKEN_BACK = "taken_back"
"""Why the house itself withdraws what took the place of a referral that goes on: nobody else can say so."""
