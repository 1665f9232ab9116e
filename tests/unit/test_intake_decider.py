"""The rules of a case, told as stories."""

from services.intake.commands import RecordVisit
from services.intake.decider import CASE, CaseUnknown, NoCase, OpenCase
from shared.events.intake import CaseOpened, RequestMade, VisitRecorded
from shared.testing import given

CASE_ID, SITE = "case-of-nobody", "fontaine-d-ouche"
REQUESTS = (RequestMade("r1", "legal"), RequestMade("r2", "administrative", answered=True))
OPENED = CaseOpened(CASE_ID, SITE)


def visit(visit_id: str = "v1") -> VisitRecorded:
    return VisitRecorded(visit_id, CASE_ID, SITE, "phone", REQUESTS)


def record(visit_id: str = "v1", *, opens_case: bool = False) -> RecordVisit:
    return RecordVisit(visit_id, CASE_ID, SITE, "phone", REQUESTS, opens_case)


def test_the_first_visit_of_somebody_unknown_opens_a_case() -> None:
    given(CASE).when(record(opens_case=True)).then(OPENED, visit())


def test_a_visit_joins_the_case_it_names() -> None:
    given(CASE, OPENED, visit("v1")).when(record("v2")).then(visit("v2"))


def test_a_case_that_exists_is_not_opened_again() -> None:
    given(CASE, OPENED, visit("v1")).when(record("v2", opens_case=True)).then(visit("v2"))


def test_a_visit_to_a_case_that_does_not_exist_is_refused() -> None:
    given(CASE).when(record()).then_refused(CaseUnknown, case_id=CASE_ID)


def test_a_case_counts_its_visits() -> None:
    assert given(CASE).state == NoCase()
    assert given(CASE, OPENED).state == OpenCase(CASE_ID, 0)
    assert given(CASE, OPENED, visit("v1"), visit("v2")).state == OpenCase(CASE_ID, 2)


def test_a_visit_without_a_case_changes_nothing() -> None:
    assert given(CASE, visit()).state == NoCase()
