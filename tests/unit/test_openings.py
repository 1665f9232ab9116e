"""The plan of the offices: what comes again, what is different one day, and every way to write it wrongly."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import combinations

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from shared.catalogue import Catalogue, CatalogueError, Fault, Opening, Permanence, read_catalogue
from shared.catalogue.recurrence import days_of_year

HOUSE = """\
version = "1.0"
name = "Maison d'essai"

[[sites]]
code = "essai"
name = "Essai"
time_zone = "Europe/Paris"
calendar = "FR"
offices = [{ code = "b1", name = "Bureau 1" }, { code = "b2", name = "Bureau 2" }]
hours.monday = ["08:00-18:00"]
hours.thursday = ["08:00-18:00"]

[[categories]]
code = "legal"
label_fr = "Aide juridique"
label_en = "Legal aid"
on_the_spot = false

[[partners]]
code = "p01"
name = "Les Juristes Imaginaires"
categories = ["legal"]
reached = "permanence"

[[partners]]
code = "p02"
name = "Le Guichet Inventé"
categories = ["legal"]
reached = "permanence"

[[rules]]
id = "legal-aid"
category = "legal"
partners = ["p01", "p02"]

[schedule]
invented = true
permanences = [
    { site = "essai", office = "b1", partner = "p01", weekday = "thursday", weeks = "every", from = "09:00", until = "12:00", places = 6 },
    { site = "essai", office = "b1", partner = "p02", recurrence = "FREQ=MONTHLY;BYDAY=+1TH", from = "14:00", until = "17:00", places = 4 },
]
"""  # noqa: E501

WEEKLY = 'weekday = "thursday", weeks = "every"'
FIRST_THURSDAYS = 'recurrence = "FREQ=MONTHLY;BYDAY=+1TH"'
YEAR = (date(2008, 1, 1), date(2008, 12, 31))
# The first Thursday of June 2008, on which both are there.
DAY = date(2008, 6, 5)


def house(*changes: tuple[str, str], exceptions: str = "") -> str:
    text = HOUSE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text + exceptions


def exception(kind: str, start: str = "14:00", office: str = "b1", day: date = DAY, **more: str | int) -> str:
    stated = {"kind": kind, "site": "essai", "office": office, "from": start, **more}
    lines = (f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in stated.items())
    return "\n".join(("[[schedule.exceptions]]", f"day = {day}", *lines, ""))


def read(text: str) -> Catalogue:
    return read_catalogue(text, "essai.toml")


def openings(text: str, first: date = DAY, last: date | None = None) -> list[Opening]:
    return read(text).openings("essai", first, last or first)


def faults(text: str) -> tuple[Fault, ...]:
    with pytest.raises(CatalogueError) as refused:
        read(text)
    return refused.value.faults


def told(text: str) -> Fault:
    (fault,) = faults(text)
    return fault


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_permanence_comes_on_the_first_thursday_of_each_month() -> None:
    days = [one.start.date() for one in openings(HOUSE, *YEAR) if one.partner == "p02"]
    # Not on the first of May, which was a Thursday and a holiday.
    assert [(day.month, day.day) for day in days[:6]] == [(1, 3), (2, 7), (3, 6), (4, 3), (6, 5), (7, 3)]
    assert len(days) == 11


def test_an_opening_has_an_id_that_names_its_site_its_office_and_its_hour() -> None:
    first, second = openings(HOUSE)
    assert first.permanence_id == "essai_b1_20080605T0900"
    assert second.permanence_id == "essai_b1_20080605T1400"
    assert read(HOUSE).opening(second.permanence_id) == second


@pytest.mark.parametrize(
    "unknown",
    ["", "essai", "ailleurs_b1_20080605T1400", "essai_b1_20080606T1400", "essai_b1_2008", "essai_b1_20081399"],
)
def test_an_id_that_names_nothing_finds_nothing(unknown: str) -> None:
    assert read(HOUSE).opening(unknown) is None


def test_the_plan_of_a_quarter_begins_and_ends_on_its_days() -> None:
    text = house((WEEKLY, WEEKLY + ", first = 2008-04-03, last = 2008-06-26"))
    days = [one.start.date() for one in openings(text, *YEAR) if one.partner == "p01"]
    assert (days[0], days[-1]) == (date(2008, 4, 3), date(2008, 6, 26))


def test_one_plan_follows_another_in_the_same_office() -> None:
    last, first = f"{WEEKLY}, last = 2008-06-30", f'{WEEKLY}, first = 2008-07-01, from = "14:00"'
    text = house((WEEKLY, last), (FIRST_THURSDAYS, first.replace("14:00", "09:00")), (', from = "14:00"', ""))
    assert [one.partner for one in openings(text, date(2008, 6, 26), date(2008, 7, 3))] == ["p01", "p02"]


@pytest.mark.parametrize(
    ("recurrence", "what"),
    [
        ("FREQ=DAILY;BYDAY=MO", 'FREQ cannot be "DAILY"'),
        ("BYDAY=MO", "begin with how often"),
        ("FREQ=MONTHLY", "name its days"),
        ("FREQ=WEEKLY;BYDAY=+1TH", "weekdays without a number"),
        ("FREQ=MONTHLY;BYDAY=+6TH", "BYDAY cannot"),
        ("FREQ=MONTHLY;BYDAY=TH;BYDAY=MO", "each once"),
        ("FREQ=MONTHLY;BYDAY=TH;COUNT=3", '"COUNT" is not read'),
        ("FREQ=MONTHLY;BYDAY=TH;INTERVAL=0", "INTERVAL cannot"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never falls"),
        ("FREQ=MONTHLY;BYDAY=TH\\nDTSTART:19970902T090000", "BYDAY cannot"),
    ],
)
def test_a_recurrence_that_no_plan_can_need_is_told_by_line(recurrence: str, what: str) -> None:
    text = house(("FREQ=MONTHLY;BYDAY=+1TH", recurrence))
    fault = told(text)
    assert (fault.line, fault.where) == (line_of(text, "recurrence ="), "schedule.permanences[#2].recurrence")
    assert what in fault.what


@pytest.mark.parametrize(
    ("new", "what"),
    [
        ('weekday = "thursday"', "weekday and weeks, or a recurrence"),
        ('weeks = "every"', "weekday and weeks, or a recurrence"),
        (f"{WEEKLY}, {FIRST_THURSDAYS}", "weekday and weeks, or a recurrence"),
        (f"{FIRST_THURSDAYS}, first = 2008-05-01, last = 2008-04-01", "last day 2008-04-01 before its first"),
        (f"{FIRST_THURSDAYS}, first = 2008-05-02, last = 2008-06-04", "falls on no day"),
        ('recurrence = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH"', "It needs a first day"),
        ('recurrence = "FREQ=MONTHLY;BYMONTHDAY=15"', "on tuesday is outside the opening hours"),
    ],
)
def test_a_rhythm_that_makes_no_sense_is_told_by_line(new: str, what: str) -> None:
    text = house((FIRST_THURSDAYS, new))
    fault = told(text)
    assert (fault.line, fault.where) == (line_of(text, 'partner = "p02"'), "schedule.permanences[#2]")
    assert what in fault.what


def test_a_recurrence_in_the_way_of_a_weekly_permanence_is_refused_and_both_named() -> None:
    text = house(('from = "14:00"', 'from = "11:30"'))
    fault = told(text)
    assert fault.line == line_of(text, FIRST_THURSDAYS)
    assert "p02 (Le Guichet Inventé) from 11:30 to 17:00 on 2000-01-06" in fault.what
    assert f"line {line_of(text, WEEKLY)} gives it to p01 (Les Juristes Imaginaires)" in fault.what


def test_the_other_thursdays_leave_room_for_the_first() -> None:
    others = 'recurrence = "FREQ=MONTHLY;BYDAY=2TH,3TH,4TH,5TH"'
    text = house((WEEKLY, others), ('from = "14:00"', 'from = "11:30"'))
    assert len(openings(text, *YEAR)) == 49


def test_two_who_meet_once_in_many_years_are_still_in_each_other_s_way() -> None:
    text = house(
        (WEEKLY, 'recurrence = "FREQ=MONTHLY;BYDAY=1TH,2TH,3TH,4TH"'),
        (FIRST_THURSDAYS, 'recurrence = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;BYDAY=TH"'),
        ('from = "14:00"', 'from = "11:30"'),
    )
    # The last of February is a fourth Thursday in most of the years in which it is a Thursday at all.
    assert "on 2002-02-28" in told(text).what


def test_a_cancelled_day_has_no_permanence() -> None:
    assert [one.partner for one in openings(house(exceptions=exception("cancelled")))] == ["p01"]


def test_a_moved_permanence_keeps_its_id() -> None:
    moved = exception("changed", new_from="15:00", new_until="16:00", new_office="b2", new_places=2)
    _, one = openings(house(exceptions=moved))
    assert (one.office, one.start.time(), one.end.time(), one.places) == ("b2", time(15), time(16), 2)
    assert one.permanence_id == "essai_b1_20080605T1400"


def test_an_extra_permanence_may_stand_where_the_plan_had_somebody_else() -> None:
    text = house(exceptions=exception("cancelled") + exception("extra", partner="p01", until="15:00", places=3))
    _, one = openings(text)
    assert (one.partner, one.places) == ("p01", 3)
    # Whoever had a place at the cancelled one has none at this one.
    assert one.permanence_id == "essai_b1_20080605T1400x"
    assert read(text).opening(one.permanence_id) == one


def test_an_exception_frees_the_office_on_the_only_day_on_which_two_would_meet() -> None:
    meeting = house((FIRST_THURSDAYS, f"{FIRST_THURSDAYS}, first = 2008-06-01, last = 2008-06-30"),
                    ('from = "14:00"', 'from = "11:30"'))  # fmt: skip
    assert "on 2008-06-05" in told(meeting).what
    assert [one.partner for one in openings(meeting + exception("cancelled", "09:00"))] == ["p02"]


@pytest.mark.parametrize(
    ("written", "what"),
    [
        (exception("cancelled", places=3), "that is cancelled has no places"),
        (exception("changed"), "needs one of new_from, new_office, new_places, new_until"),
        (exception("changed", until="16:00", new_places=2), "that is changed has no until"),
        (exception("extra", partner="p01", places=3), "that is extra needs until"),
        (exception("extra", "15:00", partner="p01", places=3, until="14:00"), "not after it starts"),
        (exception("cancelled", "14:30"), 'nothing that begins in office "b1" at 14:30 on 2008-06-05'),
        (exception("cancelled", day=date(2008, 6, 12)), 'begins in office "b1" at 14:00 on 2008-06-12'),
        (exception("cancelled", day=date(2008, 5, 1)), 'doors of "essai" are closed on 2008-05-01'),
        (exception("changed", new_from="07:00", new_until="08:30"), "from 07:00 to 08:30 on 2008-06-05 is outside"),
        (exception("changed", new_from="17:30"), "ends at 17:00, not after it starts at 17:30"),
        (exception("changed", new_until="19:00"), "from 14:00 to 19:00 on 2008-06-05 is outside"),
        (exception("extra", "18:00", partner="p01", places=3, until="19:00"), "is outside the opening hours"),
        (exception("changed", "09:00", new_until="14:30"), "p01 (Les Juristes Imaginaires) from 09:00 to 14:30"),
        (exception("extra", "16:00", partner="p01", places=3, until="18:00"), "gives it to p02 (Le Guichet Inventé)"),
    ],
)
def test_an_exception_that_makes_no_sense_is_told_by_line(written: str, what: str) -> None:
    text = house(exceptions=written)
    fault = told(text)
    assert (fault.line, fault.where) == (line_of(text, "[[schedule.exceptions]]"), "schedule.exceptions[#1]")
    assert what in fault.what


@pytest.mark.parametrize(
    ("written", "key", "what"),
    [
        (exception("changed", new_office="b9"), "new_office", 'no office "b9"'),
        (exception("extra", "09:00", "b9", partner="p01", places=3, until="11:00"), "office", 'no office "b9"'),
        (exception("extra", "09:00", "b2", partner="p09", places=3, until="11:00"), "partner", 'no partner "p09"'),
        (exception("gone"), "kind", "'cancelled'"),
        (exception("cancelled", day=date(1789, 7, 14)), "day", "1900-01-01"),
    ],
)
def test_what_an_exception_names_must_be_there(written: str, key: str, what: str) -> None:
    text = house(exceptions=written)
    fault = told(text)
    start = line_of(text, "[[schedule.exceptions]]") - 1
    line = start + line_of("\n".join(text.splitlines()[start:]), f"\n{key} =") + 1
    assert (fault.line, fault.where) == (line, f"schedule.exceptions[#1].{key}")
    assert what in fault.what


def test_two_exceptions_to_one_permanence_are_told_with_the_line_of_the_first() -> None:
    text = house(exceptions=exception("cancelled") + exception("changed", new_places=2))
    assert told(text).what == f"says something else of what line {line_of(text, '[[schedule.exc')} speaks of"


def test_two_moved_into_one_office_by_two_exceptions_are_both_named() -> None:
    both = exception("changed", "09:00", new_office="b2", new_until="13:00")
    both += exception("changed", new_office="b2", new_from="12:00")
    text = house(exceptions=both)
    fault = told(text)
    assert fault.where == "schedule.exceptions[#2]"
    assert f"line {line_of(text, '[[schedule.exceptions]]')} gives it to p01" in fault.what


def test_an_unsound_permanence_is_not_told_again_by_its_exceptions() -> None:
    assert told(house(("places = 4", "places = 0"), exceptions=exception("cancelled"))).where.endswith("places")


RECURRENCES = (
    "FREQ=MONTHLY;BYDAY=+1TH", "FREQ=MONTHLY;BYDAY=-1TH", "FREQ=MONTHLY;BYDAY=2TH,4TH", "FREQ=WEEKLY;BYDAY=TH",
    "FREQ=WEEKLY;INTERVAL=3;BYDAY=TH", "FREQ=MONTHLY;INTERVAL=2;BYDAY=MO,TH;BYSETPOS=-1",
    "FREQ=YEARLY;INTERVAL=3;BYMONTH=5,9;BYDAY=+2MO", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO,TH",
)  # fmt: skip
DAYS = st.dates(date(2000, 1, 1), date(2020, 12, 31))


@given(st.sampled_from(RECURRENCES), DAYS, st.integers(2000, 2030))
def test_the_days_of_a_year_are_those_that_counting_from_the_first_day_finds(rule: str, first: date, year: int) -> None:
    counted = rrulestr(rule, dtstart=datetime.combine(first, time())).between(
        datetime(year, 1, 1), datetime(year, 12, 31), inc=True  # noqa: DTZ001
    )  # fmt: skip
    assert days_of_year(rule, first, year) == {day.date() for day in counted}


RHYTHMS = st.one_of(
    st.builds(
        lambda weekday, weeks: {"weekday": weekday, "weeks": weeks},
        st.sampled_from(["monday", "thursday"]),
        st.sampled_from(["every", "even", "odd"]),
    ),
    st.builds(lambda rule: {"recurrence": rule}, st.sampled_from([rule for rule in RECURRENCES if "INT" not in rule])),
)
SPANS = st.tuples(st.none() | DAYS, st.none() | st.integers(0, 400))


@given(RHYTHMS, SPANS, st.integers(2000, 2022))
def test_the_days_of_a_year_are_those_on_which_a_permanence_is_held(
    rhythm: dict[str, str], span: tuple[date | None, int | None], year: int
) -> None:
    first, length = span
    last = None if first is None or length is None else first + timedelta(days=length)
    said = {"site": "essai", "office": "b1", "partner": "p01", "from": "09:00", "until": "10:00", "places": 1}
    held = Permanence.model_validate({**said, **rhythm, "first": first, "last": last})
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    assert held.days_of(year) == [day for day in days if day.year == year and held.held_on(day)]


def written(plan: list[tuple[dict[str, str], str, int, str]]) -> str:
    held = []
    for number, (rhythm, office, start, partner) in enumerate(plan):
        said = ", ".join(f'{key} = "{value}"' for key, value in rhythm.items())
        hours = f'from = "{start:02}:00", until = "{start + 1 + number % 3:02}:30"'
        held.append(f'{{ site = "essai", office = "{office}", partner = "{partner}", {said}, {hours}, places = 2 }},')
    return HOUSE[: HOUSE.index("permanences = [")] + "permanences = [\n" + "\n".join(held) + "\n]\n"


PLANS = st.lists(
    st.tuples(RHYTHMS, st.sampled_from(["b1", "b2"]), st.integers(8, 15), st.sampled_from(["p01", "p02"])),
    min_size=2, max_size=5,
)  # fmt: skip


@given(PLANS, st.lists(st.tuples(st.sampled_from(["cancelled", "changed", "extra"]), st.integers(0, 40)), max_size=3))
def test_a_plan_is_accepted_only_if_no_office_ever_holds_two_partners(
    plan: list[tuple[dict[str, str], str, int, str]], others: list[tuple[str, int]]
) -> None:
    text = written(plan).replace('reached = "permanence"', 'reached = "on_site"')
    try:
        regular = openings(text, date(2008, 1, 1), date(2009, 12, 31))
    except CatalogueError:
        return
    text += "".join(unplanned(regular, others))
    try:
        found = openings(text, date(2008, 1, 1), date(2009, 12, 31))
    except CatalogueError:
        return
    assert len({one.permanence_id for one in found}) == len(found)
    for one, other in combinations(found, 2):
        if one.office == other.office and one.start.date() == other.start.date():
            assert one.end <= other.start or other.end <= one.start


def unplanned(regular: list[Opening], others: list[tuple[str, int]]) -> Iterator[str]:
    for kind, number in others if regular else ():
        one = regular[number % len(regular)]
        start, office = f"{one.start:%H:%M}", one.office
        if kind == "cancelled":
            yield exception(kind, start, office, one.start.date())
        elif kind == "changed":
            yield exception(kind, start, office, one.start.date(), new_office="b2", new_until="17:30")
        else:
            yield exception(kind, "12:00", "b1", one.start.date(), partner="p02", until="13:00", places=1)
