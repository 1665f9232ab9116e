"""What follows from a visit, and from a referral that was not taken: one command a request that was left open."""

import re
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec

from services.referral.commands import IssueReferral, ReportNeedUnmet
from services.referral.reactions import follow, follower_id, react, referral_id
from services.referral.states import Standing
from shared.catalogue import Catalogue, load_catalogue, read_catalogue
from shared.envelope import Envelope, encode
from shared.events import Event
from shared.events.intake import CaseOpened, RequestMade, VisitRecorded
from shared.events.referral import ReferralIssued
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
    referrals = [command.referral for command in commands if isinstance(command, IssueReferral)]
    assert [referral.request_id for referral in referrals] == [social.request_id, health.request_id]
    assert [referral.category for referral in referrals] == ["social_rights", "health"]
    assert {referral.catalogue_version for referral in referrals} == {house().version}
    assert [referral.replaces for referral in referrals] == [None, None]


def test_a_request_answered_on_the_spot_goes_to_nobody() -> None:
    answered = RequestMade(new_id(), "administrative", answered=True)
    assert list(react(heard(visit(answered)), house())) == []


def test_a_request_for_the_house_itself_that_stays_open_is_the_coordinators() -> None:
    (command,) = react(heard(visit(RequestMade(new_id(), "administrative"))), house())
    assert isinstance(command, ReportNeedUnmet)
    assert command.need.reason == "house_staff"


def test_a_need_that_nobody_answers_is_reported_and_never_lost() -> None:
    text = re.sub(r"\nactive_from = \S+", "", HOUSE_FILE.read_text("utf-8"))
    later = read_catalogue(re.sub(r"(\nreached = \S+)", r"\1\nactive_from = 2030-01-01", text), "later.toml")
    (command,) = react(heard(visit(RequestMade(new_id(), "legal"))), later)
    assert isinstance(command, ReportNeedUnmet)
    assert command.need.reason == "no_active_partner"
    assert command.need.found_on == "2008-03-11"
    assert command.need.request_was == "open"


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
    assert command.referral.issued_on == "2009-01-01"


def test_other_events_lead_to_nothing() -> None:
    assert list(react(heard(CaseOpened("c1", SITE)), house())) == []


def several_house() -> Catalogue:
    """The house, but that whoever needs legal aid is sent to every partner for it at once."""
    text = HOUSE_FILE.read_text("utf-8")
    start = text.index('id = "legal-aid"')
    return read_catalogue(text[:start] + "several = true\n" + text[start:], "several.toml")


def test_where_a_rule_says_so_a_request_goes_to_several_partners_and_is_counted_once() -> None:
    request = RequestMade(new_id(), "legal")
    commands = list(react(heard(visit(request)), several_house()))
    referrals = [command.referral for command in commands if isinstance(command, IssueReferral)]
    assert len(referrals) == len(commands) > 1
    ids = [referral.referral_id for referral in referrals]
    assert ids == [referral_id(request.request_id, attempt) for attempt in range(1, len(referrals) + 1)]
    assert [referral.beside for referral in referrals] == [False, *[True] * (len(referrals) - 1)]
    for referral in referrals:
        assert set(referral.siblings) == set(ids) - {referral.referral_id}
        assert set(referral.tried) == {other.partner for other in referrals} - {referral.partner}


def issued(category: str = "legal", topic: str | None = None) -> ReferralIssued:
    (command,) = react(heard(visit(RequestMade(new_id(), category, topic))), house())
    assert isinstance(command, IssueReferral)
    return command.referral


LATER = datetime.fromisoformat("2008-03-13T23:30:00+00:00")


def test_what_a_partner_did_not_take_goes_to_the_next_of_the_rule_with_its_chain() -> None:
    first = issued()
    command = follow(Standing(first), 2, house(), LATER)
    assert isinstance(command, IssueReferral)
    second = command.referral
    assert second.referral_id == follower_id(first.referral_id, 2)
    assert (second.replaces, second.tried) == (first.referral_id, (first.partner,))
    assert second.partner != first.partner
    # Half past midnight in Dijon; what is counted of the request stays with the day of its visit.
    assert (second.issued_on, second.requested_on) == ("2008-03-14", "2008-03-11")
    assert (second.request_id, second.visit_id, second.case_id) == (first.request_id, "v1", "c1")
    third = follow(Standing(second), 3, house(), LATER)
    tried = third.referral.tried if isinstance(third, IssueReferral) else third.need.tried
    assert tried == (first.partner, second.partner)


def test_when_nobody_is_left_the_need_is_the_coordinators() -> None:
    everybody = tuple(partner.code for partner in house().partners)
    ended = Standing(replace_tried(issued(), everybody))
    command = follow(ended, 2, house(), LATER)
    assert isinstance(command, ReportNeedUnmet)
    assert command.referral_id == follower_id(ended.handed.referral_id, 2)
    assert (command.need.reason, command.need.request_was) == ("no_partner_left", "referred")
    assert (command.need.found_on, command.need.requested_on) == ("2008-03-14", "2008-03-11")
    assert command.need.replaces == ended.handed.referral_id


def test_who_has_refused_the_request_elsewhere_is_not_asked_again() -> None:
    first = Standing(issued())
    command = follow(first, 2, house(), LATER)
    assert isinstance(command, IssueReferral)
    other = follow(first, 2, house(), LATER, frozenset({command.referral.partner}))
    tried = other.referral.tried if isinstance(other, IssueReferral) else other.need.tried
    assert set(tried) == {first.handed.partner, command.referral.partner}


def test_what_follows_twice_from_one_end_is_one_thing() -> None:
    ended = Standing(issued())
    assert follow(ended, 2, house(), LATER) == follow(replace(ended), 2, house(), LATER)
    assert follower_id("r1", 2) != follower_id("r1", 3) != follower_id("r2", 3)


def replace_tried(referral: ReferralIssued, tried: tuple[str, ...]) -> ReferralIssued:
    return msgspec.structs.replace(referral, tried=tried)
