"""The rules of a collective action: nobody twice, never more named than were there, and nothing of what never was."""

from pathlib import Path

import msgspec
import pytest

from services.intake.actions.action import (
    ACTION,
    ActionThere,
    ActionUnknown,
    ActionVoidedAlready,
    Attendee,
    CorrectHeadcount,
    FewerThanNamed,
    HeadcountRight,
    HoldAction,
    NotThere,
    RecordAttendance,
    ThereAlready,
    VoidAction,
    WithdrawAttendance,
    partners_of,
)
from services.intake.actions.forms import ActionForms, AttendanceForm
from shared.catalogue import load_catalogue
from shared.events.intake import (
    AttendanceRecorded,
    AttendanceWithdrawn,
    CollectiveActionHeld,
    CollectiveActionVoided,
    HeadcountCorrected,
)
from shared.testing import given

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
SITE = "fontaine-d-ouche"
HELD = CollectiveActionHeld(
    "a1", SITE, "2008-03-11T09:30:00.000+01:00", "health_breakfast", "health", 2, None, ("p09", "p11"), ("p09", "p03")
)
CASE, PERSON, OTHER = Attendee("c1"), Attendee("q1", is_person=True), Attendee("c2")
PARTNERS = ("p03", "p09", "p11")
CASE_THERE = AttendanceRecorded("a1", SITE, "health_breakfast", "health", "2008-03-11", PARTNERS, case_id="c1")
PERSON_THERE = AttendanceRecorded("a1", SITE, "health_breakfast", "health", "2008-03-11", PARTNERS, person_id="q1")
CASE_GONE = AttendanceWithdrawn("a1", SITE, "health_breakfast", "health", "2008-03-11", PARTNERS, case_id="c1")
VOIDED = CollectiveActionVoided(HELD, ("c1",), ("q1",))


def test_an_action_is_held_once() -> None:
    given(ACTION).when(HoldAction(HELD)).then(HELD)
    given(ACTION, HELD).when(HoldAction(HELD)).then_refused(ActionThere)
    given(ACTION).when(RecordAttendance(CASE)).then_refused(ActionUnknown)


def test_somebody_is_named_once_as_a_case_or_as_a_person() -> None:
    given(ACTION, HELD).when(RecordAttendance(CASE)).then(CASE_THERE)
    given(ACTION, HELD, CASE_THERE).when(RecordAttendance(PERSON)).then(PERSON_THERE)
    given(ACTION, HELD, CASE_THERE).when(RecordAttendance(CASE)).then_refused(ThereAlready)


def test_no_more_people_are_named_than_were_there() -> None:
    full = (HELD, CASE_THERE, PERSON_THERE)
    given(ACTION, *full).when(RecordAttendance(OTHER)).then_refused(FewerThanNamed, named=2)
    given(ACTION, *full).when(CorrectHeadcount(1)).then_refused(FewerThanNamed, named=2)
    given(ACTION, *full, HeadcountCorrected(HELD, 3)).when(RecordAttendance(OTHER)).then(
        AttendanceRecorded("a1", SITE, "health_breakfast", "health", "2008-03-11", PARTNERS, case_id="c2")
    )


def test_who_was_not_there_is_taken_off_and_may_be_named_again() -> None:
    given(ACTION, HELD, CASE_THERE).when(WithdrawAttendance(CASE)).then(CASE_GONE)
    given(ACTION, HELD, CASE_THERE, CASE_GONE).when(WithdrawAttendance(CASE)).then_refused(NotThere)
    given(ACTION, HELD, CASE_THERE, CASE_GONE).when(RecordAttendance(CASE)).then(CASE_THERE)


def test_a_headcount_is_corrected_from_what_it_is_by_now() -> None:
    corrected = HeadcountCorrected(HELD, 12)
    given(ACTION, HELD).when(CorrectHeadcount(12)).then(corrected)
    given(ACTION, HELD).when(CorrectHeadcount(2)).then_refused(HeadcountRight)
    given(ACTION, HELD, corrected).when(CorrectHeadcount(2)).then(
        HeadcountCorrected(msgspec.structs.replace(HELD, headcount=12), 2)
    )


def test_an_action_that_never_was_takes_everybody_with_it() -> None:
    given(ACTION, HELD, CASE_THERE, PERSON_THERE).when(VoidAction()).then(VOIDED)
    for command in (VoidAction(), RecordAttendance(OTHER), CorrectHeadcount(5)):
        given(ACTION, HELD, CASE_THERE, PERSON_THERE, VOIDED).when(command).then_refused(ActionVoidedAlready)


def test_a_partner_that_leads_and_speaks_is_one_partner() -> None:
    assert partners_of(HELD) == PARTNERS


def test_an_action_has_no_field_for_a_text() -> None:
    fields = ActionForms(load_catalogue(HOUSE_FILE)).action.model_json_schema()["properties"]
    assert set(fields) == {
        "site", "kind", "held_at", "category", "topic", "leaders", "speakers", "headcount",
    }  # fmt: skip
    with pytest.raises(ValueError, match="one of the two"):
        AttendanceForm()
