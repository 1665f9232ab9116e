"""An event heard -> commands to carry out: each request that a visit leaves open is handed to somebody.

So is one that a partner did not take. What a visit never brought is taken back from whoever has it.
Ids are computed from their cause, so a visit heard twice decides nothing new.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from msgspec import structs

from services.referral.commands import (
    DropRequest,
    HandOver,
    IssueReferral,
    Reaction,
    RedateRequest,
    ReportNeedUnmet,
)
from services.referral.routing import Routed, Wanted, route, route_again
from services.referral.states import Standing
from services.referral.words import VISIT_CORRECTED, VISIT_VOIDED
from shared.catalogue import Catalogue
from shared.envelope import Envelope
from shared.events.intake import RequestMade, VisitCorrected, VisitRecorded, VisitVoided
from shared.events.needs import NeedUnmet
from shared.events.referral import ReferralIssued
from shared.ids import derive_id

HEARD = frozenset({VisitRecorded.event_type, VisitCorrected.event_type, VisitVoided.event_type})

BY_HAND = "by-hand"
"""The rule recorded when the house chose the partner itself."""


def react(envelope: Envelope, catalogue: Catalogue) -> Iterator[Reaction]:
    """The commands that follow from an event. Raises when the event is not to be understood."""
    match event := envelope.event:
        case VisitRecorded():
            yield from _handed_over(event, event.requests, catalogue, envelope.occurred_at)
        case VisitCorrected():
            yield from _corrected(event, catalogue)
        case VisitVoided():
            yield from (DropRequest(one.request_id, VISIT_VOIDED) for one in event.was.requests if not one.answered)


def happened_at(envelope: Envelope) -> str:
    """When a visit that is heard of happened, whenever that was told."""
    event = envelope.event
    return event.now_at if isinstance(event, VisitCorrected) else envelope.occurred_at


def _corrected(event: VisitCorrected, catalogue: Catalogue) -> Iterator[Reaction]:
    """What is no request any more is taken back, what stays counts on the right day, what is new is handed over."""
    before = {one.request_id: one for one in event.was.requests if not one.answered}
    after = {one.request_id: one for one in event.now.requests if not one.answered}
    yield from (DropRequest(gone, VISIT_CORRECTED) for gone in before if gone not in after)
    day = event.now_at[:10]
    if day != event.was_at[:10]:
        yield from (RedateRequest(kept, day) for kept in after if kept in before)
    yield from _handed_over(
        event.now, [one for one in after.values() if one.request_id not in before], catalogue, event.now_at
    )


def _handed_over(
    visit: VisitRecorded, requests: Iterable[RequestMade], catalogue: Catalogue, happened_at: str
) -> Iterator[HandOver]:
    at = datetime.fromisoformat(happened_at)
    for request in requests:
        if not request.answered:
            yield from _hand_over(visit, request, catalogue, at, happened_at[:10])


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
        yield ReportNeedUnmet(referral_id(request.request_id), need)
        return
    partners = (found.partner, *found.beside)
    ids = [referral_id(request.request_id, attempt) for attempt in range(1, len(partners) + 1)]
    for own_id, partner in zip(ids, partners, strict=True):
        issued = ReferralIssued(
            referral_id=own_id,
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
            tried=tuple([other for other in partners if other != partner]),
            siblings=tuple([other for other in ids if other != own_id]),
            beside=own_id != ids[0],
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
