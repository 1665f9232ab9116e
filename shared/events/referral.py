"""What referral says: a request handed to a partner, and what became of it.

Events after the first repeat the few facts that figures are dated and filed by (`site`, `issued_on`, `was`),
so that a counter can be moved without looking anything up.
"""

from typing import ClassVar

from shared.events.base import Event

COORDINATOR = "coordinator"
"""Whose queue it is, when no partner answers."""


class ReferralIssued(Event, frozen=True):
    """One request was handed to one partner, by the catalogue rule named."""

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


class ReferralAccepted(Event, frozen=True):
    """The partner takes the request on."""

    event_type: ClassVar[str] = "referral.accepted.v1"

    referral_id: str
    partner: str
    site: str
    issued_on: str
    was: str


class ReferralDeclined(Event, frozen=True):
    """The partner, or the person through the partner, said no, for a coded reason."""

    event_type: ClassVar[str] = "referral.declined.v1"

    referral_id: str
    partner: str
    site: str
    issued_on: str
    was: str
    reason: str
    said_by: str


class ReferralCompleted(Event, frozen=True):
    """The partner has finished, with an outcome."""

    event_type: ClassVar[str] = "referral.completed.v1"

    referral_id: str
    partner: str
    site: str
    issued_on: str
    was: str
    outcome: str


class NeedUnmet(Event, frozen=True):
    """Nobody in the catalogue answers this request: it is the coordinator's now."""

    event_type: ClassVar[str] = "referral.need-unmet.v1"

    request_id: str
    visit_id: str
    case_id: str
    site: str
    category: str
    reason: str
    catalogue_version: str
    found_on: str
    topic: str | None = None


ReferralEvent = ReferralIssued | ReferralAccepted | ReferralDeclined | ReferralCompleted | NeedUnmet
