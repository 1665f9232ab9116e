"""What a reader is told of a visit: what is sensitive, only who took the visit."""

from collections.abc import Sequence

from services.intake.queries import CaseView, RequestView, VisitView
from shared.access.principal import Principal
from shared.catalogue import Catalogue

CONFIDENTIAL = "confidential"


def visit_told_to(reader: Principal | None, visit: VisitView, catalogue: Catalogue) -> VisitView:
    """A visit as far as this reader may know it. `reader` None: nobody said who they are, so it may be anybody."""
    if reader is not None and reader.account_id == visit.recorded_by:
        return visit

    def told(requests: Sequence[RequestView]) -> list[RequestView]:
        return [_told(request, catalogue, is_signed_in=reader is not None) for request in requests]

    changes = [change.model_copy(update={"requests": told(change.requests)}) for change in visit.changes]
    requests = told(visit.requests)
    return visit.model_copy(update={"requests": requests, "changes": changes})


def case_told_to(reader: Principal | None, case: CaseView, catalogue: Catalogue) -> CaseView:
    """A case, likewise, visit by visit."""
    return case.model_copy(update={"visits": [visit_told_to(reader, visit, catalogue) for visit in case.visits]})


def _told(request: RequestView, catalogue: Catalogue, *, is_signed_in: bool) -> RequestView:
    found = catalogue.topics_by_code.get(request.topic or "")
    # A topic that the catalogue does not hold any more may have been a sensitive one.
    if request.topic is None or (found is not None and not found.sensitive):
        return request
    # Who the partner is would say what it is about, and by its id a referral is found in its partner's queue. In a
    # house without accounts that id is all that anybody can answer by.
    hidden = {"partner": CONFIDENTIAL, **({"referral_id": CONFIDENTIAL} if is_signed_in else {})}
    referrals = [one.model_copy(update=hidden) for one in request.referrals]
    return request.model_copy(update={"category": CONFIDENTIAL, "topic": None, "partner": None, "referrals": referrals})
