"""An event heard -> commands to carry out: each request that a visit leaves open is handed to somebody.

So is one that a partner did not take. Ids are computed from their cause, so a visit heard twice decides nothing new.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import structs

from services.referral.commands import HandOver, IssueReferral, ReportNeedUnmet
from services.referral.routing import Routed, Wanted, route, route_again
from services.referral.states import Standing
from shared.catalogue import Catalogue
from shared.envelope import Envelope
from shared.events.intake import RequestMade, VisitRecorded
from shared.events.referral import NeedUnmet, ReferralIssued
from shared.ids import derive_id

HEARD = VisitRecorded.event_type

BY_HAND = "by-hand"
"""The rule recorded when the house chose the partner itself."""


def react(envelope: Envelope, catalogue: Catalogue) -> Iterator[HandOver]:
    """The commands that follow from an event. Raises when the event is not to be understood."""
    event = envelope.event
    if isinstance(event, VisitRecorded):
        at = datetime.fromisoformat(envelope.occurred_at)
        for request in event.requests:
            if not request.answered:
                yield from _hand_over(event, request, catalogue, at, envelope.local_day)


def referral_id(request_id: str, attempt: int = 1) -> str:
    """The id of the attempt-th referral of a request."""
    return derive_id(request_id, "referral", attempt)


def follower_id(referral: str, version: int) -> str:
    """The id of what comes after a referral that ended at this version."""
    return derive_id(referral, "follower", version)


def _hand_over(
    visit: VisitRecorded, request: RequestMade, catalogue: Catalogue, at: datetime, day: str
) -> Iterator[HandOver]:
    found = route(Wanted(visit.site, request.category, request.topic, request.partner), catalogue, at)
    first = referral_id(request.request_id)
    if not isinstance(found, Routed):
        need = NeedUnmet(
            request_id=request.request_id,
            visit_id=visit.visit_id,
            case_id=visit.case_id,
            site=visit.site,
            category=request.category,
            reason=found.reason,
            catalogue_version=found.catalogue_version,
            found_on=day,
            topic=request.topic,
            safe_to_contact=request.safe_to_contact,
        )
        yield ReportNeedUnmet(first, need)
        return
    partners = (found.partner, *found.beside)
    for attempt, partner in enumerate(partners, 1):
        issued = ReferralIssued(
            referral_id=referral_id(request.request_id, attempt),
            request_id=request.request_id,
            visit_id=visit.visit_id,
            case_id=visit.case_id,
            site=visit.site,
            category=request.category,
            partner=partner,
            rule=found.rule,
            catalogue_version=found.catalogue_version,
            issued_on=day,
            topic=request.topic,
            tried=tuple(other for other in partners if other != partner),
            siblings=tuple(
                referral_id(request.request_id, other) for other in range(1, len(partners) + 1) if other != attempt
            ),
            beside=attempt > 1,
            safe_to_contact=request.safe_to_contact,
        )
        yield IssueReferral(issued)


def follow(
    ended: Standing, version: int, catalogue: Catalogue, at: datetime, refused: frozenset[str] = frozenset()
) -> HandOver:
    """What comes after a referral that its partner did not take: the next partner, or else the coordinator.

    `version` is the one at which it ends, `at` the moment; `refused` = others who did not take the request either.
    """
    tried = (*ended.handed.tried, *sorted(refused - {*ended.handed.tried, ended.handed.partner}))
    handed = structs.replace(ended.handed, tried=tried)
    wanted = Wanted(handed.site, handed.category, handed.topic)
    found = route_again(wanted, catalogue, at, frozenset({handed.partner, *tried}))
    if isinstance(found, Routed):
        return issue_again(handed, handed.referral_id, version, found, catalogue, at)
    need = NeedUnmet(
        **_request_of(handed),
        reason=found.reason,
        catalogue_version=found.catalogue_version,
        found_on=_local_day(handed.site, at, catalogue),
        request_was="referred",
        replaces=handed.referral_id,
        tried=(*handed.tried, handed.partner),
    )
    return ReportNeedUnmet(follower_id(handed.referral_id, version), need)


def issue_again(
    before: ReferralIssued | NeedUnmet, own_id: str, version: int, to: Routed, catalogue: Catalogue, at: datetime
) -> IssueReferral:
    """The referral to another partner that takes the place of a referral or an unmet need, which ends at `version`."""
    tried = (*before.tried, before.partner) if isinstance(before, ReferralIssued) else before.tried
    issued = ReferralIssued(
        **_request_of(before),
        referral_id=follower_id(own_id, version),
        partner=to.partner,
        rule=to.rule,
        catalogue_version=to.catalogue_version,
        issued_on=_local_day(before.site, at, catalogue),
        tried=tried,
        replaces=own_id,
    )
    return IssueReferral(issued)


def _request_of(fact: ReferralIssued | NeedUnmet) -> dict[str, Any]:
    """What all that becomes of one request has in common."""
    names = ("request_id", "visit_id", "case_id", "site", "category", "topic", "safe_to_contact")
    first_day = fact.issued_on if isinstance(fact, ReferralIssued) else fact.found_on
    return {**{name: getattr(fact, name) for name in names}, "requested_on": fact.requested_on or first_day}


def _local_day(site: str, at: datetime, catalogue: Catalogue) -> str:
    return at.astimezone(catalogue.site(site).zone).date().isoformat()
