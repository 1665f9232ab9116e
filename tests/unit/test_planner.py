"""Who can be met where and when: places, cancellations, and the order in which partners are thought of."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.permanences.planner import HORIZON_DAYS, Door, coming, doors, free_place, places_left, planned
from services.referral.permanences.week import days_of_week, week_of
from services.referral.routing import Routed, Wanted, route
from shared.catalogue import Catalogue, Opening, UnknownCode, load_catalogue, read_catalogue

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
SITE = "fontaine-d-ouche"
VIOLENCE = "famille--violences-conjugales"
CAF, CRESUS, CIDFF, SECOURS, PETITE_ENFANCE, CCAS = "p01", "p03", "p05", "p07", "p18", "p17"

# One week of 2008 without a holiday; its ISO number, 11, is odd.
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2008, 3, day) for day in range(10, 15))
CRESUS_ON_THURSDAY = "fontaine-d-ouche_bureau-1_20080313T1400"


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


def paris(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo("Europe/Paris"))


def asked(
    category: str,
    at: datetime,
    topic: str | None = None,
    wish: str | None = None,
    taken: Mapping[str, set[int]] | None = None,
    cancelled: frozenset[str] = frozenset(),
) -> tuple[Door, ...]:
    return doors(house(), Wanted(SITE, category, topic, wish), at, taken or {}, cancelled)


def cresus_on_thursday() -> Opening:
    opening = house().opening(CRESUS_ON_THURSDAY)
    assert opening is not None
    return opening


def test_who_is_in_the_building_is_told_with_office_end_and_places() -> None:
    first, *others = asked("financial", paris(THURSDAY, 14, 30), taken={CRESUS_ON_THURSDAY: {1, 2, 5}})
    assert first == Door(
        partner=CRESUS,
        name=house().partner(CRESUS).name,
        now=True,
        office="bureau-1",
        start=paris(THURSDAY, 14),
        end=paris(THURSDAY, 17),
        places_left=3,
        permanence_id=CRESUS_ON_THURSDAY,
    )
    assert [(door.partner, door.now, door.start) for door in others] == [
        (SECOURS, False, paris(FRIDAY, 14)),
        (CCAS, False, paris(MONDAY + timedelta(days=7), 9)),
    ]


def test_who_has_no_place_left_is_met_at_the_next_permanence() -> None:
    full = {CRESUS_ON_THURSDAY: set(range(1, 7))}
    found = asked("financial", paris(THURSDAY, 14, 30), taken=full)
    assert [door.partner for door in found] == [SECOURS, CCAS, CRESUS]
    assert (found[-1].now, found[-1].start, found[-1].places_left) == (False, paris(date(2008, 3, 20), 14), 6)


def test_nobody_is_met_at_a_permanence_that_was_called_off() -> None:
    found = asked("financial", paris(THURSDAY, 14, 30), cancelled=frozenset({CRESUS_ON_THURSDAY}))
    assert [door.start for door in found if door.partner == CRESUS] == [paris(date(2008, 3, 20), 14)]


def test_whoever_has_no_permanence_with_a_place_is_still_told_and_comes_last() -> None:
    at = paris(THURSDAY, 14, 30)
    openings = coming(house(), Wanted(SITE, "financial"), at)
    off = frozenset(one.permanence_id for one in openings if one.partner == CRESUS)
    assert asked("financial", at, cancelled=off)[-1] == Door(CRESUS, house().partner(CRESUS).name)


def test_whoever_lives_in_the_building_is_there_while_the_doors_are_open() -> None:
    first, _ = asked("early_childhood", paris(MONDAY, 9))
    assert (first.partner, first.now, first.office, first.places_left) == (PETITE_ENFANCE, True, None, None)
    assert first.end == paris(MONDAY, 12)
    noon = {door.partner: door for door in asked("early_childhood", paris(MONDAY, 12))}
    assert (noon[PETITE_ENFANCE].now, noon[PETITE_ENFANCE].start) == (False, paris(MONDAY, 13, 30))


def test_whoever_lives_in_the_building_is_met_in_an_office_while_it_holds_one() -> None:
    text = HOUSE_FILE.read_text("utf-8")
    plan = "permanences = [\n"
    held = (
        f'{{ site = "{SITE}", office = "bureau-1", partner = "p18", weekday = "friday", weeks = "every",'
        ' from = "16:30", until = "17:00", places = 1 },\n'
    )
    other = read_catalogue(text.replace(plan, plan + held), "changed.toml")
    at = {hour: doors(other, Wanted(SITE, "early_childhood"), paris(FRIDAY, *hour), {}, frozenset())[0]
          for hour in ((16, 0), (16, 45))}  # fmt: skip
    assert [(door.now, door.office, door.places_left) for door in at.values()] == [
        (True, None, None), (True, "bureau-1", 1),
    ]  # fmt: skip


def test_a_moment_without_a_zone_has_no_doors() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        asked("legal", datetime(2008, 3, 13))  # noqa: DTZ001


def test_a_wish_stands_first_however_far_away_it_is() -> None:
    assert [door.partner for door in asked("financial", paris(THURSDAY, 14, 30), wish=CCAS)] == [CCAS, CRESUS, SECOURS]
    assert CAF not in {door.partner for door in asked("financial", paris(THURSDAY, 14, 30), wish=CAF)}


def test_what_the_house_answers_itself_has_a_door_only_for_a_wish() -> None:
    assert asked("administrative", paris(MONDAY, 9)) == ()
    assert [door.partner for door in asked("administrative", paris(MONDAY, 9), wish="p16")] == ["p16"]


def test_domestic_violence_has_the_doors_of_those_who_list_it_only() -> None:
    assert {door.partner for door in asked("legal", paris(MONDAY, 9), VIOLENCE, SECOURS)} == {"p04", CIDFF, "p06"}
    assert asked("financial", paris(MONDAY, 9), VIOLENCE, SECOURS) == ()


def test_a_site_that_is_not_there_has_no_doors() -> None:
    with pytest.raises(UnknownCode):
        doors(house(), Wanted("nowhere", "legal"), paris(MONDAY, 9), {}, frozenset())


def test_a_permanence_once_a_month_is_found_beyond_a_week() -> None:
    text = HOUSE_FILE.read_text("utf-8")
    weekly = 'partner = "p03", weekday = "thursday", from = "14:00", until = "17:00", places = 6, weeks = "every"'
    assert weekly in text
    monthly = 'partner = "p03", recurrence = "FREQ=MONTHLY;BYDAY=1TH", from = "14:00", until = "17:00", places = 6'
    other = read_catalogue(text.replace(weekly, monthly), "changed.toml")
    found = doors(other, Wanted(SITE, "financial"), paris(THURSDAY, 14, 30), {}, frozenset())
    assert [door.start for door in found if door.partner == CRESUS] == [paris(date(2008, 4, 3), 14)]


def test_places_taken_away_by_a_change_of_the_plan_are_not_counted_twice() -> None:
    many = {CRESUS_ON_THURSDAY: set(range(1, 11))}
    assert places_left(cresus_on_thursday(), many) == 0
    assert free_place(cresus_on_thursday(), many) is None


def test_a_week_shows_each_office_of_each_day_and_why_the_doors_are_closed() -> None:
    openings = house().openings(SITE, *days_of_week(date(2008, 5, 1)))
    held = planned(house(), openings, {}, frozenset({openings[0].permanence_id}))
    week = week_of(house().default_site, date(2008, 5, 1), held)
    assert (week.iso, week.before, week.after) == ("2008-W18", date(2008, 4, 21), date(2008, 5, 5))
    assert [day.day for day in week.days] == [date(2008, 4, 28) + timedelta(days=n) for n in range(7)]
    thursday = week.days[3]
    assert (thursday.holiday, thursday.hours) == ("Ascension; Fête du Travail", ())
    assert [[*office.held] for office in thursday.offices] == [[], []]
    monday = week.days[0].offices[0]
    assert monday.office.code == "bureau-1"
    assert [(one.is_cancelled, one.places_left) for one in monday.held] == [(True, 0), (False, 7)]
    assert [one for day in week.days for office in day.offices for one in office.held] == sorted(
        held, key=lambda one: (one.opening.start.date(), one.opening.office, one.opening.start)
    )


MOMENTS = st.datetimes(datetime(2008, 1, 1), datetime(2010, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))  # noqa: DTZ001
CATEGORIES = st.sampled_from([category.code for category in house().categories])
TOPICS = st.none() | st.sampled_from([topic.code for topic in house().topics])
WISHES = st.none() | st.sampled_from([partner.code for partner in house().partners])


@given(CATEGORIES, TOPICS, WISHES, MOMENTS)
def test_the_first_door_is_the_one_that_routing_chooses(
    category: str, topic: str | None, wish: str | None, at: datetime
) -> None:
    found = asked(category, at, topic, wish)
    routed = route(Wanted(SITE, category, topic, wish), house(), at)
    assert [door.partner for door in found[:1]] == ([routed.partner] if isinstance(routed, Routed) else [])


@given(CATEGORIES, MOMENTS, st.data())
def test_whatever_is_taken_or_called_off_a_door_that_is_told_has_a_place(
    category: str, at: datetime, data: st.DataObject
) -> None:
    openings = coming(house(), Wanted(SITE, category), at)
    numbers = st.lists(st.sampled_from(range(len(openings))), max_size=8) if openings else st.just([])
    full = {openings[n].permanence_id: {*range(1, openings[n].places + 1)} for n in data.draw(numbers)}
    off = frozenset(openings[n].permanence_id for n in data.draw(numbers))
    found = asked(category, at, taken=full, cancelled=off)
    assert {door.partner for door in found} == {door.partner for door in asked(category, at)}
    for door in found:
        if door.permanence_id is not None:
            assert door.permanence_id not in full
            assert door.permanence_id not in off
            assert door.places_left
        if door.start is not None and door.end is not None:
            assert door.now == (door.start <= at < door.end)
            assert at < door.end <= at + timedelta(days=HORIZON_DAYS + 1)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=60))
def test_never_more_people_than_places_whoever_comes_and_goes(moves: list[tuple[bool, int]]) -> None:
    opening = cresus_on_thursday()
    holders: dict[int, int] = {}
    for comes, number in moves:
        taken = {opening.permanence_id: set(holders)}
        place = free_place(opening, taken)
        if not comes:
            holders.pop(number, None)
        elif place is None:
            assert len(holders) == opening.places
        else:
            assert place == min(set(range(1, opening.places + 1)) - set(holders))
            holders[place] = number
        assert len(holders) <= opening.places
        left = places_left(opening, {opening.permanence_id: set(holders)})
        assert len(holders) + left == opening.places


@given(MOMENTS, st.lists(st.tuples(CATEGORIES, TOPICS, WISHES), min_size=2, max_size=6))
def test_no_two_partners_are_ever_told_to_be_in_one_office_at_once(
    at: datetime, requests: list[tuple[str, str | None, str | None]]
) -> None:
    there: dict[str, str] = {}
    for category, topic, wish in requests:
        for door in asked(category, at, topic, wish):
            if door.now and door.office is not None:
                assert there.setdefault(door.office, door.partner) == door.partner
