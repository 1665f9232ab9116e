"""What a reader is told of a visit: what is sensitive, only who took the visit."""

from services.intake.queries import CaseView, RequestView, VisitView
from shared.access.principal import Principal
from shared.catalogue import Catalogue

CONFIDENTIAL = "confidential"


def visit_told_to(reader: Principal | None, visit: VisitView, catalogue: Catalogue) -> VisitView:
    """A visit as far as this reader may know it. `reader` None: nobody said who they are, so it may be anybody."""
    if reader is not None and reader.account_id == visit.recorded_by:
        return visit
    changes = [
        change.model_copy(update={"requests": [_told(request, catalogue) for request in change.requests]})
        for change in visit.changes
    ]
    requests = [_told(request, catalogue) for request in visit.requests]
    return visit.model_copy(update={"requests": requests, "changes": changes})


def case_told_to(reader: Principal | None, case: CaseView, catalogue: Catalogue) -> CaseView:
    """A case, likewise, visit by visit."""
    return case.model_copy(update={"visits": [visit_told_to(reader, visit, catalogue) for visit in case.visits]})


def _told(request: RequestView, catalogue: Catalogue) -> RequestView:
    found = catalogue.topics_by_code.get(request.topic or "")
    # A topic that the catalogue does not hold any more may have been a sensitive one.
    if request.topic is None or (found is not None and not found.sensitive):
        return request
    # Who the partner is would say what it is about.
    referrals = [one.model_copy(update={"partner": CONFIDENTIAL}) for one in request.referrals]
    return request.model_copy(update={"category": CONFIDENTIAL, "topic": None, "partner": None, "referrals": referrals})
