"""An event heard -> commands to carry out: each request that a visit leaves open is handed to somebody.

Ids are computed from the request, so a visit heard twice decides nothing new.
"""

from collections.abc import Iterator
from datetime import datetime

from services.referral.commands import IssueReferral, ReportNeedUnmet
from services.referral.routing import Routed, Wanted, route
from shared.catalogue import Catalogue
from shared.envelope import Envelope
from shared.events.intake import RequestMade, VisitRecorded
from shared.ids import derive_id

HEARD = VisitRecorded.event_type


def react(envelope: Envelope, catalogue: Catalogue) -> Iterator[IssueReferral | ReportNeedUnmet]:
    """The commands that follow from an event. Raises when the event is not to be understood."""
    event = envelope.event
    if isinstance(event, VisitRecorded):
        at = datetime.fromisoformat(envelope.occurred_at)
        for request in event.requests:
            if not request.answered:
                yield _hand_over(event, request, catalogue, at, envelope.local_day)


def referral_id(request_id: str, attempt: int = 1) -> str:
    """The id of the attempt-th referral of a request."""
    return derive_id(request_id, "referral", attempt)


def _hand_over(
    visit: VisitRecorded, request: RequestMade, catalogue: Catalogue, at: datetime, day: str
) -> IssueReferral | ReportNeedUnmet:
    found = route(Wanted(visit.site, request.category, request.topic, request.partner), catalogue, at)
    if isinstance(found, Routed):
        return IssueReferral(
            referral_id=referral_id(request.request_id),
            request_id=request.request_id,
            visit_id=visit.visit_id,
            case_id=visit.case_id,
            site=visit.site,
            category=request.category,
            topic=request.topic,
            partner=found.partner,
            rule=found.rule,
            catalogue_version=found.catalogue_version,
            issued_on=day,
        )
    return ReportNeedUnmet(
        request_id=request.request_id,
        visit_id=visit.visit_id,
        case_id=visit.case_id,
        site=visit.site,
        category=request.category,
        topic=request.topic,
        reason=found.reason,
        catalogue_version=found.catalogue_version,
        found_on=day,
    )
