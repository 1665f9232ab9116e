"""Whom a request goes to: the wish, the rules, who is in the building, and who must never be named."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.routing import HouseStaff, Routed, Unroutable, Wanted, may_have, route, route_again
from shared.catalogue import Catalogue, load_catalogue, read_catalogue

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
SITE = "fontaine-d-ouche"
VIOLENCE = "famille--violences-conjugales"
HEALTH_COVER = "acces-aux-droits--couverture-maladie"

CAF, CPAM, CRESUS, ADAVIP, CIDFF, SOLIDARITE, SECOURS = (f"p0{n}" for n in range(1, 8))
PIMMS, CCAS, PETITE_ENFANCE = "p16", "p17", "p18"


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


def house_with(old: str, new: str) -> Catalogue:
    text = HOUSE_FILE.read_text("utf-8")
    assert old in text
    return read_catalogue(text.replace(old, new), "changed.toml")


def paris(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo("Europe/Paris"))


# One week of 2008 without a holiday; its ISO number, 11, is odd.
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2008, 3, day) for day in range(10, 15))


def partner_for(category: str, at: datetime, topic: str | None = None, wish: str | None = None) -> str:
    found = route(Wanted(SITE, category, topic, wish), house(), at)
    assert isinstance(found, Routed)
    return found.partner


def test_a_route_names_its_rule_and_the_version_that_decided() -> None:
    found = route(Wanted(SITE, "social_rights"), house(), paris(MONDAY, 9, 30))
    assert found == Routed(CAF, "social-rights", house().version)


def test_the_partner_who_is_in_the_building_now_comes_first() -> None:
    assert partner_for("financial", paris(THURSDAY, 9, 30)) == CCAS
    assert partner_for("financial", paris(THURSDAY, 14, 30)) == CRESUS
    assert partner_for("financial", paris(FRIDAY, 14, 30)) == SECOURS


def test_the_partner_who_comes_soonest_is_next() -> None:
    assert partner_for("financial", paris(THURSDAY, 12, 15)) == CRESUS
    assert partner_for("financial", paris(THURSDAY, 17, 0)) == SECOURS
    assert partner_for("financial", paris(FRIDAY, 16, 30)) == CCAS


def test_between_two_who_are_both_in_the_building_the_order_of_the_rule_decides() -> None:
    assert partner_for("social_rights", paris(MONDAY, 8, 45)) == CAF
    assert partner_for("social_rights", paris(MONDAY, 11, 59)) == CAF


def test_whoever_lives_in_the_building_is_there_at_every_opening_hour() -> None:
    assert partner_for("early_childhood", paris(TUESDAY, 9, 30)) == PETITE_ENFANCE
    assert partner_for("early_childhood", paris(FRIDAY, 16, 45)) == PETITE_ENFANCE


def test_on_a_public_holiday_the_request_waits_for_who_comes_first_after_it() -> None:
    armistice = date(2008, 11, 11)
    # An ordinary Tuesday morning is the CAF's; this one is closed, and Wednesday is the Conseil Général's.
    assert partner_for("social_rights", paris(armistice, 9, 30)) == "p13"
    assert partner_for("social_rights", paris(armistice + timedelta(days=7), 9, 30)) == CAF


def test_when_nobody_comes_within_a_week_the_order_of_the_rule_decides() -> None:
    every = 'until = "11:30", places = {}, weeks = "every"'
    text = HOUSE_FILE.read_text("utf-8")
    for places in (10, 8):
        held = every.format(places)
        assert held in text
        text = text.replace(held, held.replace("every", "odd"))
    other, at = read_catalogue(text, "changed.toml"), paris(FRIDAY, 12)
    soonest = [other.next_opening(code, SITE, at) for code in ("p11", "p08")]
    assert [opening.start.date() - FRIDAY for opening in soonest if opening] == [
        timedelta(days=14),
        timedelta(days=11),
    ]
    assert route(Wanted(SITE, "literacy"), other, at) == Routed("p11", "literacy", other.version)


def test_a_partner_not_yet_active_is_passed_over() -> None:
    before, first = date(2008, 10, 31), date(2008, 11, 3)
    assert partner_for("social_rights", paris(before, 14), HEALTH_COVER) == CCAS
    assert partner_for("social_rights", paris(first, 14), HEALTH_COVER) == CPAM
    assert partner_for("social_rights", paris(before, 14), HEALTH_COVER, wish=CPAM) == CCAS


def test_the_day_is_the_house_s_own_not_that_of_utc() -> None:
    last_hour = datetime(2008, 11, 2, 23, 30, tzinfo=UTC)
    assert partner_for("health", last_hour, wish=CPAM) == CPAM
    assert partner_for("health", last_hour - timedelta(hours=1), wish=CPAM) != CPAM


def test_a_wish_comes_before_every_rule() -> None:
    found = route(Wanted(SITE, "financial", None, SECOURS), house(), paris(THURSDAY, 14, 30))
    assert found == Routed(SECOURS, "wish", house().version)


@pytest.mark.parametrize("wish", [CAF, "p99", "", "queue:*"])
def test_a_wish_for_somebody_who_does_not_answer_is_passed_over(wish: str) -> None:
    assert partner_for("financial", paris(THURSDAY, 14, 30), wish=wish) == CRESUS


def test_what_the_house_answers_itself_stays_with_its_staff() -> None:
    found = route(Wanted(SITE, "administrative"), house(), paris(MONDAY, 9))
    assert found == HouseStaff(house().version)
    assert HouseStaff.reason == "house_staff"
    assert partner_for("administrative", paris(MONDAY, 9), wish=PIMMS) == PIMMS


def test_domestic_violence_goes_only_to_those_who_list_it() -> None:
    day = date(2008, 1, 1)
    found = {partner_for("legal", paris(day + timedelta(days=n), 10), VIOLENCE) for n in range(366)}
    assert found <= {SOLIDARITE, ADAVIP, CIDFF}
    assert SOLIDARITE in found


SECOURS_ANSWERS_LEGAL = 'categories = ["financial", "other"]', 'categories = ["financial", "other", "legal"]'


def test_no_wish_takes_a_sensitive_request_to_another_door() -> None:
    found = route(Wanted(SITE, "legal", VIOLENCE, SECOURS), house_with(*SECOURS_ANSWERS_LEGAL), paris(FRIDAY, 15))
    assert isinstance(found, Routed)
    assert (found.partner, found.rule) == (CIDFF, "domestic-violence")


def test_a_sensitive_topic_under_the_wrong_category_goes_to_the_coordinator_alone() -> None:
    found = route(Wanted(SITE, "financial", VIOLENCE, SECOURS), house(), paris(FRIDAY, 15))
    assert found == Unroutable("topic_of_another_category", house().version)


def test_an_ordinary_topic_under_the_wrong_category_or_unknown_is_passed_over() -> None:
    for topic in ("sante--prevention", "no-such-topic", ""):
        assert partner_for("financial", paris(THURSDAY, 14, 30), topic) == CRESUS


def test_what_the_catalogue_does_not_know_is_unroutable_with_its_reason() -> None:
    at = paris(MONDAY, 9)
    assert route(Wanted("elsewhere", "legal"), house(), at) == Unroutable("unknown_site", house().version)
    assert route(Wanted(SITE, "gardening"), house(), at) == Unroutable("unknown_category", house().version)


def test_a_rule_whose_partners_are_not_yet_active_leaves_the_need_unmet() -> None:
    other = house_with('partners = ["p02", "p17"]', 'partners = ["p02"]')
    found = route(Wanted(SITE, "social_rights", HEALTH_COVER), other, paris(MONDAY, 9))
    assert found == Unroutable("no_active_partner", "2008.1", "health-cover")


def test_a_rule_whose_partners_answer_other_topics_only_leaves_the_need_unmet() -> None:
    other = house_with('partners = ["p05", "p04"]', 'partners = ["p04"]')
    found = route(Wanted(SITE, "legal", "travail--droit-du-travail"), other, paris(MONDAY, 9))
    assert found == Unroutable("no_partner_for_topic", "2008.1", "legal-aid")


def test_who_has_tried_already_is_not_asked_again() -> None:
    at, wanted = paris(THURSDAY, 14, 30), Wanted(SITE, "financial")
    tried = set[str]()
    while isinstance(found := route_again(wanted, house(), at, frozenset(tried)), Routed):
        assert found.partner not in tried
        tried.add(found.partner)
    assert found == Unroutable("no_partner_left", house().version, "money-trouble")
    assert tried == {CRESUS, SECOURS, CCAS}


def test_a_request_of_the_house_itself_goes_to_no_partner_again() -> None:
    found = route_again(Wanted(SITE, "administrative"), house(), paris(MONDAY, 9), frozenset())
    assert found == Unroutable("no_rule", house().version)


def test_a_rule_with_several_partners_names_them_all_at_once() -> None:
    other = house_with('id = "legal-aid"', 'id = "legal-aid"\nseveral = true')
    assert route(Wanted(SITE, "legal"), other, paris(MONDAY, 9)) == Routed(CIDFF, "legal-aid", "2008.1", (ADAVIP,))
    assert route(Wanted(SITE, "legal"), house(), paris(MONDAY, 9)) == Routed(CIDFF, "legal-aid", "2008.1")


def test_the_house_hands_violence_to_nobody_who_does_not_take_it() -> None:
    at = paris(MONDAY, 9)
    assert may_have(house(), CIDFF, Wanted(SITE, "legal"), at)
    assert not may_have(house(), SECOURS, Wanted(SITE, "parenting", VIOLENCE), at)
    assert not may_have(house(), "p99", Wanted(SITE, "legal"), at)
    assert not may_have(house(), CIDFF, Wanted("elsewhere", "legal"), at)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        route(Wanted(SITE, "legal"), house(), datetime(2008, 3, 10, 9))  # noqa: DTZ001


def test_two_versions_of_a_house_do_not_answer_for_each_other() -> None:
    other = house_with('partners = ["p01", "p17", "p13", "p02"]', 'partners = ["p17", "p01"]')
    wanted, at, version = Wanted(SITE, "social_rights"), paris(MONDAY, 9, 30), house().version
    assert route(wanted, house(), at) == Routed(CAF, "social-rights", version)
    assert route(wanted, other, at) == Routed(CCAS, "social-rights", version)


def requests() -> st.SearchStrategy[Wanted]:
    """Requests with codes of the house, now and then with others."""
    categories, topics, partners = house().categories, house().topics, house().partners
    return st.builds(
        Wanted,
        st.just(SITE),
        st.sampled_from([category.code for category in categories]) | st.text(max_size=3),
        st.none() | st.sampled_from([topic.code for topic in topics]) | st.text(max_size=3),
        st.none() | st.sampled_from([partner.code for partner in partners]) | st.text(max_size=3),
    )


REQUESTS = st.deferred(requests)
MOMENTS = st.datetimes(datetime(2007, 12, 1), datetime(2009, 2, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(REQUESTS, MOMENTS)
def test_nobody_is_sent_to_a_partner_who_is_away_or_does_not_answer(request: Wanted, at: datetime) -> None:
    found = route(request, house(), at)
    if isinstance(found, Routed):
        chosen = house().partner(found.partner)
        assert chosen.active_on(at.astimezone(house().default_site.zone).date())
        assert request.category in chosen.categories
        assert request.topic != VIOLENCE or VIOLENCE in chosen.topics
        assert found.rule == "wish" or house().answers(chosen, request.category, request.topic)


@given(REQUESTS, MOMENTS)
def test_the_same_request_at_the_same_moment_goes_the_same_way(request: Wanted, at: datetime) -> None:
    fresh = house().model_copy()
    assert route(request, house(), at) == route(request, fresh, at.astimezone(ZoneInfo("Asia/Tokyo")))


@given(REQUESTS, MOMENTS)
def test_no_other_active_partner_of_the_rule_is_in_the_building_sooner(request: Wanted, at: datetime) -> None:
    found = route(request, house(), at)
    if not isinstance(found, Routed) or found.rule == "wish":
        return
    rule = next(rule for rule in house().rules if rule.id == found.rule)
    today = at.astimezone(house().default_site.zone).date()
    waits = {code: wait(code, at) for code in rule.partners if takes(code, request, today)}
    best = min(waits.values())
    assert found.partner == next(code for code, seconds in waits.items() if seconds == best)


def takes(code: str, request: Wanted, today: date) -> bool:
    chosen = house().partner(code)
    return chosen.active_on(today) and house().answers(chosen, request.category, request.topic)


def wait(code: str, at: datetime) -> float:
    """Seconds until somebody of the partner can be met; infinity = not within a week."""
    if house().partner(code).reached == "on_site":
        return 0 if code == PETITE_ENFANCE else float("inf")
    opening = house().next_opening(code, SITE, at, within_days=7)
    return float("inf") if opening is None else max(0.0, (opening.start - at).total_seconds())
