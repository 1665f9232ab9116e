"""The life of a referral, told as stories."""

from typing import Any

import pytest

from services.referral.commands import (
    AcceptReferral,
    CompleteReferral,
    DeclineReferral,
    IssueReferral,
    ReportNeedUnmet,
)
from services.referral.decider import REFERRAL, Status, WrongState, status_of
from shared.events import ReferralEvent
from shared.events.referral import (
    NeedUnmet,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralIssued,
)
from shared.testing import given

WHERE: dict[str, Any] = {
    "request_id": "q1",
    "visit_id": "v1",
    "case_id": "c1",
    "site": "s1",
    "category": "legal",
    "topic": None,
}
ISSUE = IssueReferral("r1", **WHERE, partner="p07", rule="legal", catalogue_version="1", issued_on="2008-03-11")
ISSUED = ReferralIssued("r1", **WHERE, partner="p07", rule="legal", catalogue_version="1", issued_on="2008-03-11")
REPORT = ReportNeedUnmet(**WHERE, reason="no_rule", catalogue_version="1", found_on="2008-03-11")
UNMET = NeedUnmet(**WHERE, reason="no_rule", catalogue_version="1", found_on="2008-03-11")
ACCEPTED = ReferralAccepted("r1", "p07", "s1", "2008-03-11", "issued")
ACCEPT, DECLINE, COMPLETE = AcceptReferral(), DeclineReferral("no_capacity", "partner"), CompleteReferral("helped")
COMPLETED = ReferralCompleted("r1", "p07", "s1", "2008-03-11", "accepted", "helped")


def declined(was: str) -> ReferralDeclined:
    return ReferralDeclined("r1", "p07", "s1", "2008-03-11", was, "no_capacity", "partner")


def test_a_request_is_handed_to_a_partner() -> None:
    given(REFERRAL).when(ISSUE).then(ISSUED)


def test_a_need_that_nobody_answers_is_the_coordinators() -> None:
    given(REFERRAL).when(REPORT).then(UNMET)


@pytest.mark.parametrize("history", [(ISSUED,), (ISSUED, ACCEPTED), (ISSUED, declined("issued")), (UNMET,)])
def test_what_was_handed_over_is_not_handed_over_again(history: tuple[ReferralEvent, ...]) -> None:
    given(REFERRAL, *history).when(ISSUE).then_nothing()
    given(REFERRAL, *history).when(REPORT).then_nothing()


def test_a_partner_accepts_and_completes() -> None:
    given(REFERRAL, ISSUED).when(ACCEPT).then(ACCEPTED)
    given(REFERRAL, ISSUED, ACCEPTED).when(COMPLETE).then(COMPLETED)


def test_a_partner_declines_before_or_after_it_has_accepted() -> None:
    given(REFERRAL, ISSUED).when(DECLINE).then(declined("issued"))
    given(REFERRAL, ISSUED, ACCEPTED).when(DECLINE).then(declined("accepted"))


ENDS: tuple[tuple[tuple[ReferralEvent, ...], Status | None], ...] = (
    ((), None),
    ((ISSUED, declined("issued")), Status.DECLINED),
    ((ISSUED, ACCEPTED, COMPLETED), Status.COMPLETED),
    ((UNMET,), Status.UNMET),
)


@pytest.mark.parametrize(("history", "status"), ENDS)
def test_nothing_is_answered_before_it_is_issued_or_after_it_has_ended(
    history: tuple[ReferralEvent, ...], status: Status | None
) -> None:
    given(REFERRAL, *history).when(ACCEPT).then_refused(WrongState, status=status, allowed_from=Status.ISSUED)
    given(REFERRAL, *history).when(DECLINE).then_refused(WrongState, status=status, move="decline")
    given(REFERRAL, *history).when(COMPLETE).then_refused(WrongState, status=status, allowed_from=Status.ACCEPTED)


def test_what_is_accepted_is_not_accepted_again() -> None:
    given(REFERRAL, ISSUED, ACCEPTED).when(ACCEPT).then_refused(WrongState, status=Status.ACCEPTED)


def test_what_is_not_accepted_is_not_completed() -> None:
    given(REFERRAL, ISSUED).when(COMPLETE).then_refused(WrongState, status=Status.ISSUED)


@pytest.mark.parametrize(
    ("history", "status"), [*ENDS, ((ISSUED,), Status.ISSUED), ((ISSUED, ACCEPTED), Status.ACCEPTED)]
)
def test_every_state_has_its_word(history: tuple[ReferralEvent, ...], status: Status | None) -> None:
    assert status_of(given(REFERRAL, *history).state) == status


def test_an_acceptance_of_nothing_changes_nothing() -> None:
    assert status_of(given(REFERRAL, ACCEPTED).state) is None
