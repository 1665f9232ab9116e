"""The life of a case, told as stories: closed and reopened, about somebody, merged and taken apart again."""

from collections.abc import Sequence

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from services.intake.commands import (
    AttachPerson,
    CloseCase,
    CloseReason,
    RecordVisit,
    ReopenCase,
    SealCase,
    SealGround,
    UnsealCase,
)
from services.intake.decider import CASE, Case, ClosedCase, MergedCase, NoCase, OpenCase, evolve, merge, unmerge
from services.intake.refusals import (
    CaseAlreadyOpen,
    CaseClosedAlready,
    CaseKnowsPerson,
    CaseMergedAway,
    CaseNotMerged,
    CaseNotSealed,
    CaseRefusal,
    CaseSealedAlready,
    CaseUnknown,
    PeopleDiffer,
    SameCase,
)
from shared.decider import Refusal
from shared.events import IntakeEvent
from shared.events.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseSealed,
    CasesMerged,
    CaseUnsealed,
    PersonAttached,
    VisitRecorded,
)
from shared.testing import given

A, B, C, SITE = "case-a", "case-b", "case-c", "fontaine-d-ouche"
OPENED = CaseOpened(A, SITE)
CLOSED = CaseClosed(A, SITE, "done")
ATTACHED = PersonAttached(A, "p1")
AWAY = CasesMerged(B, A)
VISIT = RecordVisit("v1", A, SITE, "phone", (), opens_case=False)
SEAL = SealCase(A, SealGround.IN_DANGER)
SEALED = CaseSealed(A, SITE, "in_danger")
CLOSE = CloseCase(A, CloseReason.DONE)


def test_an_open_case_is_closed_for_a_reason() -> None:
    given(CASE, OPENED).when(CLOSE).then(CLOSED)


def test_a_closed_case_takes_no_new_visit() -> None:
    given(CASE, OPENED, CLOSED).when(VISIT).then_refused(CaseClosedAlready, case_id=A)


def test_a_case_is_sealed_once_open_or_closed_and_unsealed_again() -> None:
    given(CASE, OPENED).when(SEAL).then(SEALED)
    given(CASE, OPENED, CLOSED).when(SEAL).then(SEALED)
    given(CASE, OPENED, SEALED).when(SEAL).then_refused(CaseSealedAlready, case_id=A)
    given(CASE, OPENED, SEALED, CLOSED).when(SEAL).then_refused(CaseSealedAlready)
    given(CASE, OPENED, SEALED, CLOSED).when(UnsealCase(A)).then(CaseUnsealed(A, SITE))
    given(CASE, OPENED, SEALED, CaseUnsealed(A, SITE)).when(UnsealCase(A)).then_refused(CaseNotSealed)


def test_a_sealed_case_lives_on() -> None:
    given(CASE, OPENED, SEALED).when(VISIT).then(VisitRecorded("v1", A, SITE, "phone", ()))
    given(CASE, OPENED, SEALED).when(CLOSE).then(CLOSED)
    given(CASE, OPENED, AWAY).when(SEAL).then_refused(CaseMergedAway, kept=B)
    given(CASE).when(SEAL).then_refused(CaseUnknown)


def test_a_closed_case_is_not_closed_again() -> None:
    given(CASE, OPENED, CLOSED).when(CLOSE).then_refused(CaseClosedAlready)


def test_a_reopened_case_takes_visits_again() -> None:
    given(CASE, OPENED, CLOSED).when(ReopenCase(A)).then(CaseReopened(A, SITE))
    given(CASE, OPENED, CLOSED, CaseReopened(A, SITE)).when(VISIT).then(VisitRecorded("v1", A, SITE, "phone", ()))


def test_an_open_case_is_not_reopened() -> None:
    given(CASE, OPENED).when(ReopenCase(A)).then_refused(CaseAlreadyOpen)


@pytest.mark.parametrize("history", [[OPENED], [OPENED, CLOSED]])
def test_a_person_is_attached_to_an_anonymous_case_open_or_closed(history: Sequence[IntakeEvent]) -> None:
    given(CASE, *history).when(AttachPerson(A, "p1")).then(ATTACHED)


def test_a_case_is_about_one_person() -> None:
    given(CASE, OPENED, ATTACHED).when(AttachPerson(A, "p2")).then_refused(CaseKnowsPerson, case_id=A)
    given(CASE, OPENED, CasesMerged(A, B, "p1")).when(AttachPerson(A, "p2")).then_refused(CaseKnowsPerson)


@pytest.mark.parametrize("command", [VISIT, CLOSE, ReopenCase(A), AttachPerson(A, "p1")])
def test_a_merged_case_takes_nothing_and_names_the_case_it_is_a_part_of(command: RecordVisit) -> None:
    given(CASE, OPENED, AWAY).when(command).then_refused(CaseMergedAway, kept=B)


@pytest.mark.parametrize("command", [CLOSE, ReopenCase(A), AttachPerson(A, "p1")])
def test_nothing_is_asked_of_a_case_that_is_not_there(command: CloseCase) -> None:
    given(CASE).when(command).then_refused(CaseUnknown, case_id=A)


def opened(case_id: str, person: str | None = None) -> OpenCase:
    return OpenCase(case_id, 1, SITE, person)


def refused(kind: type[CaseRefusal], kept: Case, absorbed: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        merge(kept, absorbed)
    assert type(refusal.value) is kind


def test_what_is_not_merged() -> None:
    refused(SameCase, opened(A), opened(A))
    refused(CaseUnknown, opened(A), NoCase())
    refused(CaseUnknown, NoCase(), opened(A))
    refused(CaseClosedAlready, ClosedCase(opened(A), "done"), opened(B))
    refused(CaseMergedAway, MergedCase(opened(A), C), opened(B))
    refused(CaseMergedAway, opened(A), MergedCase(opened(B), C))
    refused(PeopleDiffer, opened(A, "p1"), opened(B, "p2"))
    with pytest.raises(CaseNotMerged):
        unmerge(opened(A))
    with pytest.raises(CaseUnknown):
        unmerge(NoCase())


def test_a_case_is_about_whom_it_absorbed() -> None:
    event = merge(opened(A), opened(B, "p1"))
    kept = evolve(opened(A), event)
    assert isinstance(kept, OpenCase)
    assert kept.person_id == "p1"
    assert evolve(kept, unmerge(evolve(opened(B, "p1"), event))) == opened(A)


people = st.sampled_from([None, "p1"])
absorbed_before = st.lists(st.tuples(st.uuids().map(str), people), max_size=2).map(tuple)


def cases(case_id: str) -> st.SearchStrategy[OpenCase]:
    return st.builds(OpenCase, st.just(case_id), st.integers(0, 3), st.just(SITE), people, absorbed_before)


@over(kept=cases(A), one=cases(B), two=cases(C), is_closed=st.booleans(), first=st.booleans())
def test_merges_taken_back_in_any_order_leave_everything_as_it_was(
    kept: OpenCase, one: OpenCase, two: OpenCase, is_closed: bool, first: bool
) -> None:
    apart: list[OpenCase | ClosedCase] = [ClosedCase(one, "done") if is_closed else one, two]
    whole: Case = kept
    merged: list[Case] = []
    for absorbed in apart:
        event = merge(whole, absorbed)
        whole = evolve(whole, event)
        merged.append(evolve(absorbed, event))
    order = [0, 1] if first else [1, 0]
    for number in order:
        event_back = unmerge(merged[number])
        whole = evolve(whole, event_back)
        assert evolve(merged[number], event_back) == apart[number]
    assert whole == kept


def test_a_case_inside_a_merged_one_is_taken_out_again() -> None:
    inner, outer = merge(opened(B), opened(A)), merge(opened(C), evolve(opened(B), merge(opened(B), opened(A))))
    middle = CASE.fold([inner, outer], opened(B))
    assert isinstance(middle, MergedCase)
    back = unmerge(evolve(opened(A), inner))
    assert evolve(middle, back) == MergedCase(opened(B), C)
