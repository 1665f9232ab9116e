"""What can be asked of referral. Ids, times and the chosen partner are in the command already."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IssueReferral:
    """Hand one request to one partner."""

    referral_id: str
    request_id: str
    visit_id: str
    case_id: str
    site: str
    category: str
    topic: str | None
    partner: str
    rule: str
    catalogue_version: str
    issued_on: str


@dataclass(frozen=True, slots=True)
class ReportNeedUnmet:
    """Nobody answers this request: hand it to the coordinator."""

    request_id: str
    visit_id: str
    case_id: str
    site: str
    category: str
    topic: str | None
    reason: str
    catalogue_version: str
    found_on: str


@dataclass(frozen=True, slots=True)
class AcceptReferral:
    """The partner takes it on."""


@dataclass(frozen=True, slots=True)
class DeclineReferral:
    """The partner, or the person, says no."""

    reason: str
    said_by: str


@dataclass(frozen=True, slots=True)
class CompleteReferral:
    """The partner has finished."""

    outcome: str


Command = IssueReferral | ReportNeedUnmet | AcceptReferral | DeclineReferral | CompleteReferral
