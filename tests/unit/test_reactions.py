"""What follows from a visit: one command a request that was left open, and the same ones however often it is heard."""

import re
from functools import cache
from pathlib import Path

import msgspec

from services.referral.commands import IssueReferral, ReportNeedUnmet
from services.referral.reactions import react, referral_id
from shared.catalogue import Catalogue, load_catalogue, read_catalogue
from shared.envelope import Envelope, encode
from shared.events import Event
from shared.events.intake import CaseOpened, RequestMade, VisitRecorded
from shared.ids import new_id

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
SITE = "fontaine-d-ouche"
AT = "2008-03-11T09:30:00.000+01:00"


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


def heard(event: Event, at: str = AT) -> Envelope:
    data = msgspec.Raw(encode(event))
    return Envelope("1.0", "intake:0:1", "intake", event.event_type, "case-1", at, at, "0000000001", 1, data)


def visit(*requests: RequestMade) -> VisitRecorded:
    return VisitRecorded("v1", "c1", SITE, "phone", requests)


def test_each_request_left_open_is_handed_to_a_partner() -> None:
    social, health = RequestMade(new_id(), "social_rights"), RequestMade(new_id(), "health")
    commands = list(react(heard(visit(social, health)), house()))
    assert all(isinstance(command, IssueReferral) for command in commands)
    assert [command.request_id for command in commands] == [social.request_id, health.request_id]
    assert [command.category for command in commands] == ["social_rights", "health"]
    assert {command.catalogue_version for command in commands} == {house().version}


def test_a_request_answered_on_the_spot_goes_to_nobody() -> None:
    answered = RequestMade(new_id(), "administrative", answered=True)
    assert list(react(heard(visit(answered)), house())) == []


def test_a_request_for_the_house_itself_that_stays_open_is_the_coordinators() -> None:
    (command,) = react(heard(visit(RequestMade(new_id(), "administrative"))), house())
    assert isinstance(command, ReportNeedUnmet)
    assert command.reason == "house_staff"


def test_a_need_that_nobody_answers_is_reported_and_never_lost() -> None:
    text = re.sub(r"\nactive_from = \S+", "", HOUSE_FILE.read_text("utf-8"))
    later = read_catalogue(re.sub(r"(\nreached = \S+)", r"\1\nactive_from = 2030-01-01", text), "later.toml")
    (command,) = react(heard(visit(RequestMade(new_id(), "legal"))), later)
    assert isinstance(command, ReportNeedUnmet)
    assert command.reason == "no_active_partner"
    assert command.found_on == "2008-03-11"


def test_a_visit_heard_twice_decides_the_same_twice() -> None:
    event = heard(visit(RequestMade(new_id(), "legal"), RequestMade(new_id(), "housing")))
    assert list(react(event, house())) == list(react(event, house()))


def test_a_referral_is_named_by_its_request_and_attempt() -> None:
    request = new_id()
    assert referral_id(request) == referral_id(request, 1) != referral_id(request, 2)
    assert referral_id(request) != referral_id(new_id())


def test_a_referral_is_dated_by_the_day_at_the_site() -> None:
    event = heard(visit(RequestMade(new_id(), "legal")), "2009-01-01T00:30:00.000+01:00")
    (command,) = react(event, house())
    assert isinstance(command, IssueReferral)
    assert command.issued_on == "2009-01-01"


def test_other_events_lead_to_nothing() -> None:
    assert list(react(heard(CaseOpened("c1", SITE)), house())) == []
