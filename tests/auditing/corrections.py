"""Corrections and voids: what stands in the end, and that nobody keeps a request which its visit never brought."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tests.auditing.finding import Finding
from tests.auditing.lives import lives_of
from tests.auditing.stored import CORRECTED, DROPPED, VOIDED, Stored, Visit, visit_of, visits_of


def standing(intake: Iterable[Stored]) -> list[Visit]:
    """Every visit as its last correction left it, without those that never were."""
    log = list(intake)
    visits = {visit.visit_id: visit for visit in visits_of(log)}
    for event in log:
        if event.type == CORRECTED:
            visit = visit_of(event.data["now"], event.data["now_at"], event.version)
            visits[visit.visit_id] = visit
        elif event.type == VOIDED:
            visits.pop(event.data["was"]["visit_id"], None)
    return list(visits.values())


def ever_asked(intake: Iterable[Stored]) -> list[Visit]:
    """Every visit, and every visit again as a correction told it: all requests that there ever were."""
    log = list(intake)
    told = [
        visit_of(event.data["now"], event.data["now_at"], event.version) for event in log if event.type == CORRECTED
    ]
    return [*visits_of(log), *told]


def gone(intake: Iterable[Stored]) -> set[str]:
    """The requests that were to be handed over once, and are no requests any more."""
    log = list(intake)
    ever = {request for visit in ever_asked(log) for request in visit.open_requests}
    return ever - {request for visit in standing(log) for request in visit.open_requests}


def check_corrections(intake: Sequence[Stored], referral: Sequence[Stored]) -> Iterator[Finding]:
    """What is gone was taken back once and lies with nobody; what stands was never taken back."""
    dropped, right = Counter(event.data["request_id"] for event in referral if event.type == DROPPED), gone(intake)
    for request_id in right:
        if dropped[request_id] != 1:
            yield Finding("request not taken back", f"{request_id}: {dropped[request_id]} times")
    for request_id in dropped.keys() - right:
        yield Finding("request taken back unasked", request_id)
    for life in lives_of(referral).values():
        if life.made["request_id"] in dropped and (life.is_open or life.is_open_need):
            yield Finding("kept what was taken back", life.referral_id)
