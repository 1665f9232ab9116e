"""Properties of the planned year: it is repeatable, possible at a real desk, and has the published shares."""

from collections import Counter
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.demo.collective import plan_actions
from services.demo.play import visit_body
from services.demo.seed import SEED_2008, SHARES
from services.demo.year import (
    DeskView,
    Opening,
    PlannedVisit,
    desk_view,
    largest_remainder,
    opening_days,
    plan_year,
)
from shared.catalogue import Catalogue, load_catalogue

FIRST_HOUSE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"

HOUSE = DeskView(
    site="maison-inventee",
    zone="Europe/Paris",
    calendar="FR",
    openings=tuple(
        Opening(weekday, time(start, 30), time(end)) for weekday in range(5) for start, end in ((8, 12), (13, 17))
    ),
    on_the_spot=frozenset({"administrative"}),
    topics={"housing": ("impayes", "recherche"), "administrative": ("courrier",)},
    partners={
        ("health", None): ("p91", "p92"),
        ("housing", "impayes"): ("p94",),
        ("administrative", None): ("p93",),
    },
)
HOLIDAYS_2008 = (
    date(2008, 1, 1), date(2008, 3, 24), date(2008, 5, 1), date(2008, 5, 8), date(2008, 5, 12),
    date(2008, 7, 14), date(2008, 8, 15), date(2008, 11, 11), date(2008, 12, 25),
)  # fmt: skip


@pytest.fixture(scope="module")
def year() -> list[PlannedVisit]:
    return list(plan_year(HOUSE))


def _requests_by_category(year: list[PlannedVisit]) -> Counter[str]:
    return Counter(request.category for visit in year for request in visit.requests)


def test_the_same_seed_plays_the_same_year(year: list[PlannedVisit]) -> None:
    assert list(plan_year(HOUSE)) == year


def test_another_seed_plays_another_year_of_the_same_size(year: list[PlannedVisit]) -> None:
    other = list(plan_year(HOUSE, seed=7))
    assert len(other) == len(year)
    assert [visit.occurred_at for visit in other] != [visit.occurred_at for visit in year]
    assert not {visit.idempotency_key for visit in other} & {visit.idempotency_key for visit in year}


def test_the_year_has_close_to_six_thousand_visits(year: list[PlannedVisit]) -> None:
    assert len(year) == 5_970
    assert SEED_2008.visits_band.holds(len(year))


def test_visits_come_in_the_order_of_time(year: list[PlannedVisit]) -> None:
    moments = [visit.occurred_at for visit in year]
    assert moments == sorted(moments)
    assert [visit.number for visit in year] == list(range(1, len(year) + 1))


def test_every_visit_has_its_own_idempotency_key(year: list[PlannedVisit]) -> None:
    assert len({visit.idempotency_key for visit in year}) == len(year)


def test_nobody_is_received_on_a_public_holiday_or_a_weekend(year: list[PlannedVisit]) -> None:
    days = {visit.occurred_at.date() for visit in year}
    assert not days & set(HOLIDAYS_2008)
    assert all(day.year == 2008 and day.weekday() < 5 for day in days)


def test_a_leap_year_of_weekdays_leaves_253_opening_days() -> None:
    # 262 weekdays, less nine holidays: All Saints' Day of 2008 is a Saturday.
    assert len(opening_days(HOUSE, 2008)) == 262 - len(HOLIDAYS_2008)


def test_everyone_is_received_within_opening_hours(year: list[PlannedVisit]) -> None:
    for visit in year:
        at = visit.occurred_at
        assert any(
            opening.weekday == at.weekday() and opening.start <= at.time() < opening.end for opening in HOUSE.openings
        )


def test_moments_carry_the_zone_of_the_site_through_both_clock_changes(year: list[PlannedVisit]) -> None:
    assert all(visit.occurred_at.tzinfo == ZoneInfo("Europe/Paris") for visit in year)
    offsets = {visit.occurred_at.month: visit.occurred_at.isoformat()[-6:] for visit in year}
    assert (offsets[1], offsets[7], offsets[12]) == ("+01:00", "+02:00", "+01:00")


def test_a_house_open_two_half_days_a_week_is_visited_then_only() -> None:
    openings = (Opening(1, time(9), time(12)), Opening(3, time(14), time(17)))
    house = replace(HOUSE, openings=openings)
    visits = list(plan_year(house, visits=300))
    assert len(visits) == 300
    assert {(visit.occurred_at.weekday(), visit.occurred_at.hour < 12) for visit in visits} == {
        (1, True),
        (3, False),
    }


def test_shares_come_out_within_half_a_point_of_the_seed(year: list[PlannedVisit]) -> None:
    counts = _requests_by_category(year)
    for category, figure in SHARES.items():
        assert abs(100 * counts[category] / counts.total() - figure.value) <= 0.5
    assert set(counts) == set(SHARES)


def test_the_shares_of_the_seed_make_a_whole_of_which_three_quarters_were_published() -> None:
    assert sum(figure.value for figure in SHARES.values()) == 100
    assert sum(figure.value for figure in SHARES.values() if figure.published) == 75


def test_about_one_visit_in_twelve_has_two_requests_about_different_things(year: list[PlannedVisit]) -> None:
    pairs = [visit.requests for visit in year if len(visit.requests) == 2]
    assert {len(visit.requests) for visit in year} == {1, 2}
    assert 0.07 <= len(pairs) / len(year) <= 0.09
    assert all(first.category != second.category for first, second in pairs)


def test_administrative_requests_and_no_others_are_answered_on_the_spot(year: list[PlannedVisit]) -> None:
    for request in (request for visit in year for request in visit.requests):
        assert request.answered == (request.category == "administrative")
        assert not (request.answered and request.partner)


def test_topics_and_wishes_are_those_the_house_offers_for_the_category(year: list[PlannedVisit]) -> None:
    asked = [request for visit in year for request in visit.requests]
    assert all(not request.topic or request.topic in HOUSE.topics[request.category] for request in asked)
    assert all(
        request.partner in HOUSE.partners[request.category, request.topic] for request in asked if request.partner
    )
    assert {request.partner for request in asked} == {None, "p91", "p92", "p94"}


def test_most_people_come_in_person_and_some_telephone(year: list[PlannedVisit]) -> None:
    channels = Counter(visit.channel for visit in year)
    assert set(channels) == {"in_person", "phone"}
    assert 0.9 <= channels["in_person"] / channels.total() <= 0.96


def test_three_desks_share_the_work_and_the_half_time_one_works_mornings(year: list[PlannedVisit]) -> None:
    assert {visit.desk for visit in year} == {1, 2, 3}
    assert all(visit.occurred_at.hour < 12 for visit in year if visit.desk == 2)


def test_august_is_the_slackest_month(year: list[PlannedVisit]) -> None:
    months = Counter(visit.occurred_at.month for visit in year)
    assert min(months, key=months.__getitem__) == 8
    assert months[8] < 0.6 * months.total() / 12


def test_a_topic_added_to_the_catalogue_moves_no_date_and_no_category(year: list[PlannedVisit]) -> None:
    house = replace(HOUSE, topics={"legal": ("travail",)})
    for planned, other in zip(year, plan_year(house), strict=True):
        assert planned.occurred_at == other.occurred_at
        assert [request.category for request in planned.requests] == [r.category for r in other.requests]


def test_a_planned_visit_becomes_a_body_that_leaves_out_what_is_not_known(year: list[PlannedVisit]) -> None:
    visit = next(visit for visit in year if visit.requests[0].category == "administrative")
    body = visit_body(visit)
    assert body["occurred_at"] == visit.occurred_at.isoformat()
    assert body["requests"][0]["answered"] is True
    assert "partner" not in body["requests"][0]


@given(
    st.integers(0, 10_000),
    st.dictionaries(st.text(max_size=3), st.floats(0.01, 1_000), min_size=1, max_size=12),
)
def test_whole_counts_add_up_and_stray_less_than_one_from_their_quota(total: int, weights: dict[str, float]) -> None:
    counts = largest_remainder(total, weights)
    assert sum(counts.values()) == total
    whole = sum(weights.values())
    assert all(abs(count - total * weights[key] / whole) < 1 + 1e-6 for key, count in counts.items())


def test_weights_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="weights above 0"):
        largest_remainder(10, {"a": 0.0})


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(FIRST_HOUSE)


def test_the_first_house_can_receive_the_whole_planned_year(catalogue: Catalogue) -> None:
    site = catalogue.default_site
    for visit in plan_year(desk_view(catalogue)):
        at = visit.occurred_at
        assert any(door.start <= at.time() < door.end for door in site.open_intervals(at.date()))
        for request in visit.requests:
            assert request.answered == catalogue.category(request.category).on_the_spot
            assert request.topic is None or catalogue.topic(request.topic).category == request.category


def test_wishes_name_partners_of_the_first_house_that_answer_such_requests(catalogue: Catalogue) -> None:
    asked = [request for visit in plan_year(desk_view(catalogue)) for request in visit.requests]
    wished = [request for request in asked if request.partner]
    assert wished
    for request in wished:
        partner = catalogue.partner(str(request.partner))
        assert partner.active_on(date(2008, 1, 1))
        assert catalogue.answers(partner, request.category, request.topic)


def test_whoever_returns_was_at_the_same_desk_before_for_the_same(year: list[PlannedVisit]) -> None:
    by_number = {visit.number: visit for visit in year}
    returning = [visit for visit in year if visit.returns_to is not None]
    assert returning
    for visit in returning:
        first = by_number[visit.returns_to or 0]
        assert (first.desk, first.requests, first.returns_to) == (visit.desk, visit.requests, None)
        assert first.number < visit.number


def test_36_breakfasts_for_76_different_people_and_two_meetings_are_planned(catalogue: Catalogue) -> None:
    plan = list(plan_actions(desk_view(catalogue), catalogue, SEED_2008))
    breakfasts = [action for action in plan if action.body["kind"] == "health_breakfast"]
    assert (len(breakfasts), len(plan)) == (36, 38)
    assert len({guest for action in breakfasts for guest in action.guests}) == 76
    assert {len(action.guests) for action in breakfasts} == {action.body["headcount"] for action in breakfasts} == {10}
    assert all(len(set(action.guests)) == 10 for action in breakfasts)
    assert len({action.body["held_at"] for action in plan}) == 38
    assert {action.body["headcount"] for action in plan} == {10, 40}
