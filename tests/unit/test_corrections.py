"""What a correction makes of a visit, and what follows from it for those who have its requests: told as stories."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.intake.corrections.forms import CorrectionForms
from services.intake.corrections.visits import (
    CorrectVisit,
    NothingToCorrect,
    RequestRight,
    RequestUnknown,
    Visit,
    VisitIsVoid,
    VoidReason,
    correct,
    visits_of,
    void,
)
from services.referral.commands import DropRequest, IssueReferral, RedateRequest
from services.referral.reactions import react
from shared.catalogue import Catalogue, load_catalogue
from shared.envelope import Envelope, encode
from shared.events import Event
from shared.events.intake import CaseOpened, RequestMade, VisitRecorded, VisitVoided
from shared.web.problems import Problem

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
ELSEWHERE = "essai-les-pins"
SITE, V1 = "fontaine-d-ouche", "01900000-0000-7000-8000-000000000001"
AT, NEXT_DAY = "2008-03-11T23:30:00.000+01:00", "2008-03-12T00:10:00.000+01:00"
LEGAL = RequestMade("01900000-0000-8000-8000-00000000000a", "legal", safe_to_contact=True)
HEALTH = RequestMade("01900000-0000-8000-8000-00000000000b", "health", partner="p09")
HERE = RequestMade("01900000-0000-8000-8000-00000000000c", "administrative", answered=True)


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


def heard(event: Event, version: int, at: str = AT) -> Envelope:
    data = msgspec.Raw(encode(event))
    return Envelope("1.0", "intake:0:1", "intake", event.event_type, "case-1", at, at, f"{version:010}", version, data)


def standing(*events: Event) -> Visit:
    """The visit of a history: recorded, then corrected."""
    recorded = VisitRecorded(V1, "c1", SITE, "phone", (LEGAL, HEALTH, HERE))
    told = [CaseOpened("c1", SITE), recorded, *events]
    return visits_of([heard(event, version) for version, event in enumerate(told, 1)])[V1]


def right(*requests: RequestRight) -> CorrectVisit:
    return CorrectVisit(requests=requests)


KEPT = tuple(RequestRight(one.request_id) for one in (LEGAL, HEALTH, HERE))


def test_a_visit_stands_as_it_was_recorded_until_it_is_corrected() -> None:
    visit = standing()
    assert (visit.at, visit.version, visit.revision, visit.voided_for) == (AT, 2, 0, None)
    event = correct(visit, CorrectVisit(channel="mail"))
    after = standing(event)
    assert (after.told.channel, after.version, after.revision) == ("mail", 3, 1)
    assert event.was == visit.told
    assert event.was_at == event.now_at == AT


def test_a_request_that_is_changed_is_another_request_and_what_stays_keeps_its_id() -> None:
    event = correct(standing(), right(RequestRight(LEGAL.request_id, {"category": "housing"}), *KEPT[1:]))
    changed, *others = event.now.requests
    assert others == [HEALTH, HERE]
    assert changed.request_id not in {LEGAL.request_id, HEALTH.request_id, HERE.request_id}
    # Nobody has to be asked again whether the person may be rung.
    assert (changed.category, changed.safe_to_contact) == ("housing", True)
    again = correct(standing(), right(RequestRight(LEGAL.request_id, {"category": "housing"}), *KEPT[1:]))
    assert again == event


def test_a_category_that_changes_takes_topic_and_partner_along() -> None:
    event = correct(standing(), right(KEPT[0], RequestRight(HEALTH.request_id, {"category": "legal"}), KEPT[2]))
    assert event.now.requests[1].partner is None


def test_a_request_that_is_not_named_is_taken_for_the_one_that_says_the_same() -> None:
    same = RequestRight(None, {"category": "health", "partner": "p09"})
    event = correct(standing(), right(same, RequestRight(None, {"category": "health"})))
    assert event.now.requests[0] == HEALTH
    assert event.now.requests[1].request_id not in {LEGAL.request_id, HEALTH.request_id}


def test_site_language_needs_and_children_are_put_right() -> None:
    said = {"language": "tr", "needs": ("reader",), "children": True}
    event = correct(standing(), CorrectVisit(said=said))
    assert (event.now.language, event.now.needs, event.now.children) == ("tr", ("reader",), True)
    assert event.now.requests == event.was.requests
    back = correct(standing(event), CorrectVisit(said={"language": None, "needs": (), "children": False}))
    assert back.now == event.was


def test_what_is_open_at_another_site_is_another_request_and_what_was_answered_stays() -> None:
    event = correct(standing(), CorrectVisit(said={"site": ELSEWHERE}))
    legal, health, here = event.now.requests
    assert here == HERE
    assert {legal.request_id, health.request_id}.isdisjoint({LEGAL.request_id, HEALTH.request_id})
    assert [one.category for one in event.now.requests] == ["legal", "health", "administrative"]
    # There and back again is another request once more: the first one was taken back.
    again = correct(standing(event), CorrectVisit(said={"site": SITE}))
    assert {one.request_id for one in again.now.requests[:2]}.isdisjoint({LEGAL.request_id, legal.request_id})


@pytest.mark.parametrize("command", [CorrectVisit(), CorrectVisit(said={"site": SITE, "language": None})])
def test_what_was_said_right_is_no_correction(command: CorrectVisit) -> None:
    with pytest.raises(NothingToCorrect):
        correct(standing(), command)


@pytest.mark.parametrize("command", [CorrectVisit(), CorrectVisit(channel="phone", occurred_at=AT), right(*KEPT)])
def test_what_changes_nothing_is_no_correction(command: CorrectVisit) -> None:
    with pytest.raises(NothingToCorrect):
        correct(standing(), command)


@pytest.mark.parametrize("twice", [KEPT[:1] * 2, (KEPT[0], RequestRight("01900000-0000-8000-8000-0000000000ff"))])
def test_a_request_that_the_visit_does_not_have_cannot_be_corrected(twice: Sequence[RequestRight]) -> None:
    with pytest.raises(RequestUnknown) as refusal:
        correct(standing(), right(*twice))
    assert refusal.value.number == 1


def test_a_voided_visit_is_voided_for_good() -> None:
    voided = standing(void(standing(), VoidReason.DUPLICATE))
    assert (voided.voided_for, voided.version) == ("duplicate", 3)
    for again in (lambda: correct(voided, CorrectVisit(channel="mail")), lambda: void(voided, VoidReason.TEST)):
        with pytest.raises(VisitIsVoid):
            again()


def test_a_correction_of_a_correction_begins_where_the_first_ended() -> None:
    first = correct(standing(), CorrectVisit(channel="mail", occurred_at=NEXT_DAY))
    second = correct(standing(first), CorrectVisit(channel="home"))
    assert (second.was, second.was_at, second.revision) == (first.now, NEXT_DAY, 2)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "requests"),
        ({"occurred_at": "2031-01-01T10:00:00Z"}, "occurred_at"),
        ({"requests": [{}]}, "requests.0.category"),
        ({"requests": [{"request_id": LEGAL.request_id, "topic": "surendettement"}]}, "requests.0.topic"),
    ],
)
def test_what_cannot_be_right_is_named(body: Any, field: str) -> None:
    forms = CorrectionForms(house())
    topic = next(one.code for one in house().topics if one.category != "legal")
    if "topic" in str(body):
        body = {"requests": [{"request_id": LEGAL.request_id, "topic": topic}]}
    form = forms.correction.model_validate_json(msgspec.json.encode(body))
    with pytest.raises(Problem) as problem:
        forms.command(form, standing(), datetime.fromisoformat("2030-01-01T00:00:00+00:00"))
    assert problem.value.errors[0]["field"] == field


def test_a_moment_is_written_with_the_offset_of_the_site() -> None:
    form = CorrectionForms(house()).correction.model_validate_json(b'{"occurred_at": "2008-10-26T01:30:00Z"}')
    command = CorrectionForms(house()).command(form, standing(), datetime.fromisoformat("2030-01-01T00:00:00+00:00"))
    assert command.occurred_at == "2008-10-26T02:30:00.000+01:00"


def follows(event: Event) -> list[Any]:
    return list(react(heard(event, 3, "2008-03-20T10:00:00.000+01:00"), house()))


def test_of_a_voided_visit_everything_is_taken_back() -> None:
    commands = follows(void(standing(), VoidReason.TEST))
    assert commands == [DropRequest(one.request_id, "visit_voided") for one in (LEGAL, HEALTH)]


def test_a_changed_request_is_taken_back_and_handed_over_anew_on_the_day_of_the_visit() -> None:
    dropped, issued = follows(
        correct(standing(), right(RequestRight(LEGAL.request_id, {"category": "housing"}), *KEPT[1:]))
    )
    assert dropped == DropRequest(LEGAL.request_id, "visit_corrected")
    assert isinstance(issued, IssueReferral)
    assert (issued.referral.category, issued.referral.issued_on) == ("housing", "2008-03-11")
    assert issued.referral.replaces is None


def test_another_hour_of_the_same_day_concerns_nobody_and_another_day_whoever_has_a_request() -> None:
    assert follows(correct(standing(), CorrectVisit(occurred_at="2008-03-11T08:00:00.000+01:00"))) == []
    assert follows(correct(standing(), CorrectVisit(occurred_at=NEXT_DAY))) == [
        RedateRequest(LEGAL.request_id, "2008-03-12"),
        RedateRequest(HEALTH.request_id, "2008-03-12"),
    ]


def test_at_another_site_each_open_request_is_taken_back_and_handed_over_there() -> None:
    commands = follows(correct(standing(), CorrectVisit(said={"site": ELSEWHERE})))
    assert commands[:2] == [DropRequest(one.request_id, "visit_corrected") for one in (LEGAL, HEALTH)]
    # Nobody in the catalogue answers there: the coordination is told, of that site.
    assert [one.need.site for one in commands[2:]] == [ELSEWHERE] * 2


def test_a_request_that_was_answered_after_all_is_taken_back_and_nobody_has_it() -> None:
    event = correct(standing(), right(RequestRight(LEGAL.request_id, {"answered": True}), *KEPT[1:]))
    assert follows(event) == [DropRequest(LEGAL.request_id, "visit_corrected")]
    (issued,) = follows(correct(standing(), right(*KEPT[:2], RequestRight(HERE.request_id, {"answered": False}))))
    assert not isinstance(issued, DropRequest)


def test_what_was_never_recorded_here_is_passed_over() -> None:
    stray = VisitVoided(replace_id(standing().told), AT, "test")
    assert visits_of([heard(stray, 1)]) == {}
    assert replace(standing(), revision=0) == standing()


def replace_id(visit: VisitRecorded) -> VisitRecorded:
    return msgspec.structs.replace(visit, visit_id="another")
