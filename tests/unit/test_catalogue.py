"""House files: the first house as it is, each kind of fault with its line, and the openings of a year."""

import tomllib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalogue import Catalogue, CatalogueError, Fault, UnknownCode, load_catalogue, read_catalogue
from shared.catalogue.lines import lines_of

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
SITE = "fontaine-d-ouche"
PARIS = ZoneInfo("Europe/Paris")

SMALL_HOUSE = """\
version = "1.0"
name = "Maison d'essai"

[[sites]]
code = "essai"
name = "Essai"
time_zone = "Europe/Paris"
calendar = "FR"
offices = [{ code = "b1", name = "Bureau 1" }, { code = "b2", name = "Bureau 2" }]
hours.monday = ["08:30-12:00", "13:30-17:30"]
hours.thursday = ["08:30-12:00"]

[[categories]]
code = "legal"
label_fr = "Aide juridique"
label_en = "Legal aid"
on_the_spot = false

[[categories]]
code = "administrative"
label_fr = "Aide administrative"
label_en = "Administrative help"
on_the_spot = true

[[topics]]
code = "famille--violences"
category = "legal"
label_fr = "Violences"
label_en = "Violence"
sensitive = true

[[topics]]
code = "famille--divorce"
category = "legal"
label_fr = "Divorce"
label_en = "Divorce"
sensitive = false

[[partners]]
code = "p01"
name = "Les Juristes Imaginaires"
categories = ["legal"]
topics = ["famille--violences"]
reached = "permanence"

[[partners]] # the second
code = "p02"
name = "Le Guichet Inventé"
categories = ["legal", "administrative"]
reached = "outside"

[schedule]
invented = true
permanences = [
    { site = "essai", office = "b1", partner = "p01", weekday = "monday", from = "09:00", until = "12:00", places = 6, weeks = "even" },
    { site = "essai", office = "b1", partner = "p01", weekday = "monday", from = "14:00", until = "16:00", places = 6, weeks = "every" },
]

[[rules]]
id = "violence"
category = "legal"
topic = "famille--violences"
partners = ["p01"]

[[rules]]
id = "legal-aid"
category = "legal"
partners = ["p01", "p02"]
"""  # noqa: E501


def small_house() -> Catalogue:
    return read_catalogue(SMALL_HOUSE, "essai.toml")


def spoilt(*changes: tuple[str, str]) -> str:
    """The small house with the first place of each text replaced."""
    text = SMALL_HOUSE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def faults_of(text: str) -> tuple[Fault, ...]:
    with pytest.raises(CatalogueError) as refused:
        read_catalogue(text, "essai.toml")
    return refused.value.faults


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def assert_only_fault(text: str, at: str, where: str, what: str) -> None:
    (fault,) = faults_of(text)
    assert (fault.line, fault.where) == (line_of(text, at), where)
    assert what in fault.what


def test_the_first_house_loads_with_its_eighteen_partners() -> None:
    house = load_catalogue(HOUSE_FILE)
    assert [partner.code for partner in house.partners] == [f"p{n:02}" for n in range(1, 19)]
    assert house.default_site.code == SITE
    assert len(house.default_site.offices) == 2
    assert house.schedule.invented
    assert [topic.code for topic in house.topics if topic.sensitive] == ["famille--violences-conjugales"]
    assert [category.code for category in house.categories if category.on_the_spot] == ["administrative"]


def test_the_first_house_has_the_thirteen_categories_of_the_review() -> None:
    assert {category.code for category in load_catalogue(HOUSE_FILE).categories} == {
        "social_rights", "financial", "administrative", "employment", "health", "early_childhood",
        "parenting", "legal", "housing", "training", "literacy", "elderly", "other",
    }  # fmt: skip


def test_every_organisation_of_the_first_house_is_in_the_building_at_some_time() -> None:
    house = load_catalogue(HOUSE_FILE)
    holding = {held.partner for held in house.schedule.permanences}
    assert {partner.code for partner in house.partners if partner.reached == "permanence"} == holding
    assert [partner.code for partner in house.partners if partner.code not in holding] == ["p18"]


def test_a_code_that_the_house_does_not_know_is_refused_by_name() -> None:
    house = small_house()
    assert house.site("essai").name == "Essai"
    assert house.deadlines("p02").outcome_days == 15
    assert house.category("legal").label_fr == "Aide juridique"
    assert house.topic("famille--divorce").category == "legal"
    with pytest.raises(UnknownCode, match="no partner has the code 'p99'"):
        house.partner("p99")


def test_a_catalogue_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        small_house().version = "2.0"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "at", "where", "what"),
    [
        ('version = "1.0"\n', "", 'name = "Maison', "version", "is missing"),
        ('version = "1.0"', "version = 1.0", "version = 1.0", "version", "should be a valid string"),
        ('version = "1.0"', 'version = "1.0"\ncolour = "red"', "colour", "colour", "key that nothing reads"),
        ("invented = true\n", "", "[schedule]", "schedule.invented", "is missing"),
        ('"Europe/Paris"', '"Europe/Lutece"', "time_zone", "sites[essai].time_zone", "Europe/Lutece"),
        ('calendar = "FR"', 'calendar = "QQ"', "calendar", "sites[essai].calendar", "QQ"),
        ("on_the_spot = false", 'on_the_spot = ""', "on_the_spot", "categories[legal].on_the_spot", "bool"),
        ('"famille--divorce"', '"A B"', '"A B"', "topics[A B].code", "'A B' does not have the form ^[a-z"),
        ('reached = "outside"', 'reached = "by boat"', '"by boat"', "partners[p02].reached", "'on_site'"),
        ('"Le Guichet Inventé"', '"Guichet\\n"', '"Guichet', "partners[p02].name", "does not have the form"),
        ('["legal", "adm', '[] # ["legal", "adm', "[] #", "partners[p02].categories", "should hold one"),
        ("places = 6", "places = 0", "places = 0", "schedule.permanences[#1].places", "greater than"),
        ("places = 6", "places = true", "places = true", "schedule.permanences[#1].places", "integer"),
        ('from = "09:00"', 'from = "9h"', '"9h"', "schedule.permanences[#1].from", 'as "09:00"'),
        ('from = "09:00"', 'from = "12:00"', '"12:00", un', "schedule.permanences[#1]", "not after it"),
        ('"monday", from', '"lundi", from', '"lundi"', "schedule.permanences[#1].weekday", "'monday'"),
        ('"08:30-12:00", ', '"08:30", ', '"08:30", ', "sites[essai].hours.monday[08:30]", "08:30-12:00"),
        ("13:30-17:30", "17:30-13:30", "17:30-", "sites[essai].hours.monday[17:30-13:30]", "not after it"),
        ("13:30-17:30", "11:30-17:30", "11:30-", "sites[essai].hours.monday", "before the one before it"),
        ('code = "p02"', 'outcome_days = 2\ncode = "p02"', "[[partners]] #", "partners[p02]", "outcome"),
        ('code = "p02"', 'identity_fields = ["iban"]\ncode = "p02"', '["iban"]', "partners[p02].identity_fields[iban]",
         "'given_name'"),
        ('id = "violence"', 'several = 1\nid = "violence"', "several", "rules[violence].several", "boolean"),
        ("[schedule]", "[deadlines]\nexpiry_after_days = 1\n[schedule]", "[deadlines]", "deadlines", "expire before"),
        ("[schedule]", "[deadlines]\noutcome_days = 2\n[schedule]", "[deadlines]", "deadlines", "before its first"),
        ("[schedule]", "[deadlines]\nanswer_days = 2\n[schedule]", "answer_d", "deadlines.answer_days", "nothing"),
        ("[schedule]", "[secrecy]\nk = 4\n[schedule]", "k = 4", "secrecy.k", "fewer than 5 is never published"),
        ("[schedule]", "[secrecy]\nk = 1001\n[schedule]", "k = 1001", "secrecy.k", "less than or equal"),
        ("[schedule]", "[secrecy]\ntables.visits = 0\n[schedule]", "visits =", "secrecy.tables.visits", "fewer than 5"),
        ("[schedule]", "[secrecy]\ntables.people = 9\n[schedule]", "people =", "secrecy.tables.people", "nothing"),
        ("[schedule]", '[live_to_city]\ndecided_by = "x"\n[schedule]', "[live_", "live_to_city.decided_on", "missing"),
        ("[schedule]", "[live_to_city]\ndecided_on = 2008-06-24\n[schedule]", "[live_", "live_to_city.decided_by",
         "missing"),
    ],
)  # fmt: skip
def test_a_part_that_is_wrong_in_itself_is_told_by_line(old: str, new: str, at: str, where: str, what: str) -> None:
    assert_only_fault(spoilt((old, new)), at, where, what)


def test_a_house_that_says_nothing_of_secrecy_withholds_below_eleven_and_shows_the_city_no_categories() -> None:
    house = read_catalogue(SMALL_HOUSE, "small.toml")
    assert [house.secrecy.of(table) for table in ("visits", "requests", "referrals")] == [11, 11, 11]
    assert house.live_to_city is None


def test_a_house_sets_its_threshold_and_that_of_a_table() -> None:
    text = SMALL_HOUSE.replace("[schedule]", "[secrecy]\nk = 5\ntables.referrals = 20\n[schedule]", 1)
    house = read_catalogue(text, "small.toml")
    assert [house.secrecy.of(table) for table in ("visits", "requests", "referrals")] == [5, 5, 20]


def test_a_decision_names_who_made_it_and_when() -> None:
    decision = '[live_to_city]\ndecided_by = "Conseil du CCAS"\ndecided_on = 2008-06-24\n[schedule]'
    house = read_catalogue(SMALL_HOUSE.replace("[schedule]", decision, 1), "small.toml")
    assert house.live_to_city
    assert (house.live_to_city.decided_by, house.live_to_city.decided_on) == ("Conseil du CCAS", date(2008, 6, 24))


P02_RULE = '\n[[rules]]\nid = "{id}"\ncategory = "{category}"\npartners = ["p02"]\n'
DIVORCE_RULE = """
[[rules]]
id = "divorce"
category = "legal"
topic = "famille--divorce"
partners = ["p02"]
"""


@pytest.mark.parametrize(
    ("old", "new", "at", "where", "what"),
    [
        ('["p01", "p02"]', '["p01", "p07"]', '["p01", "p07"]', "rules[legal-aid].partners[p07]", "no par"),
        ('["p01", "p02"]', '["p01", "p01"]', '["p01", "p01"]', "rules[legal-aid].partners[p01]", "twice"),
        ('"legal", "adm', '"lega", "legal", "adm', '"lega"', "partners[p02].categories[lega]", "no category"),
        ('topics = ["famille--v', 'topics = ["famille--x", "famille--v', '"famille--x"',
         "partners[p01].topics[famille--x]", "no topic"),
        ('site = "essai"', 'site = "ailleurs"', '"ailleurs"', "schedule.permanences[#1].site", "no site"),
        ('office = "b1"', 'office = "b9"', '"b9"', "schedule.permanences[#1].office", 'no office "b9"'),
        ('until = "12:00"', 'until = "12:30"', '"12:30"', "schedule.permanences[#1]", "outside the opening"),
        ('"monday", from', '"sunday", from', '"sunday"', "schedule.permanences[#1]", "outside the opening"),
        ('"b2", name', '"b1", name', "offices", "sites[essai].offices[b1].code", "used on line 9"),
        ('"outside"', '"permanence" # ', '"permanence" #', "partners[p02].reached", "holds none"),
        ('"permanence"', '"outside"', '"outside"', "partners[p01].reached", "holds a permanence"),
        ('id = "violence"', 'id = "wish"', '"wish"', "rules[wish].id", "choose another"),
        ('"p01", "p02"]\n', '"p01", "p02"]\n' + P02_RULE.format(id="papers", category="administrative"),
         'category = "administrative"', "rules[papers].category", "on the spot"),
        ('code = "p02"', 'code = "p02"\nidentity_fields = ["phone", "phone"]', '"phone", ',
         "partners[p02].identity_fields[phone]", "twice"),
    ],
)  # fmt: skip
def test_parts_that_contradict_each_other_are_told_by_line(old: str, new: str, at: str, where: str, what: str) -> None:
    assert_only_fault(spoilt((old, new)), at, where, what)


def test_a_code_used_twice_is_told_with_the_line_of_its_first_use() -> None:
    text = spoilt(('code = "famille--divorce"', 'code = "famille--violences" # again'))
    first = line_of(text, 'code = "famille--violences"')
    assert_only_fault(text, "# again", "topics[famille--violences].code", f"already used on line {first}")


def test_two_partners_in_one_office_at_one_time_are_refused_and_both_named() -> None:
    taken = (
        '    { site = "essai", office = "b1", partner = "p02", weekday = "monday", from = "11:00",'
        ' until = "12:00", places = 6, weeks = "every" },\n'
    )
    text = spoilt(("permanences = [\n", "permanences = [\n" + taken), ('"outside"', '"permanence"'))
    (fault,) = faults_of(text)
    assert fault.line == line_of(text, 'from = "09:00"')
    assert "p01 (Les Juristes Imaginaires) from 09:00 to 12:00" in fault.what
    assert "p02 (Le Guichet Inventé) from 11:00 to 12:00" in fault.what
    assert f"line {line_of(text, taken)} gives it" in fault.what


def test_even_and_odd_weeks_share_an_office() -> None:
    text = spoilt(('from = "14:00", until = "16:00"', 'from = "09:00", until = "12:00"'), ('"every"', '"odd"'))
    house = read_catalogue(text, "essai.toml")
    assert len(house.openings("essai", date(2008, 3, 3), date(2008, 3, 16))) == 2


def test_a_category_without_a_rule_is_told_where_it_stands() -> None:
    text = SMALL_HOUSE[: SMALL_HOUSE.index('[[rules]]\nid = "legal-aid"')]
    start = line_of(text, "[[categories]]")
    what = 'category "legal" has no rule of its own: its requests without a topic would all be unmet'
    assert faults_of(text) == (Fault(start, "categories[legal]", what),)
    text = text[: text.index("[[rules]]")]
    whats = [fault.what for fault in faults_of(text)]
    assert whats[0].endswith("its requests would all be unmet")
    assert whats[1].startswith('sensitive topic "famille--violences" has no rule of its own')


def test_a_topic_rule_behind_its_general_rule_never_fires() -> None:
    text = SMALL_HOUSE + DIVORCE_RULE
    general = line_of(text, 'id = "legal-aid"') - 1
    (fault,) = faults_of(text)
    assert fault.line == line_of(text, 'id = "divorce"') - 1
    assert fault.what == f'never fires: rule "legal-aid" on line {general} takes its requests first'


def test_a_rule_may_only_name_partners_that_answer() -> None:
    text = spoilt(('partners = ["p01"]', 'partners = ["p02"]'))
    assert_only_fault(text, 'partners = ["p02"]', "rules[violence].partners[p02]", "does not list topic")
    text = spoilt(('["legal", "administrative"]', '["administrative"]'))
    where = "rules[legal-aid].partners[p02]"
    assert_only_fault(text, '["p01", "p02"]', where, "p02 (Le Guichet Inventé) does not answer category")


def test_a_partner_lists_topics_of_its_own_categories_only() -> None:
    text = spoilt(
        ('["legal", "administrative"]', '["administrative"]\ntopics = ["famille--divorce"]'),
        ('partners = ["p01", "p02"]', 'partners = ["p01"]'),
    )
    where = "partners[p02].topics[famille--divorce]"
    assert_only_fault(text, 'topics = ["famille--d', where, "which p02 does not answer")


def test_a_rule_on_a_topic_of_another_category_is_refused() -> None:
    text = spoilt(
        ('--divorce"\ncategory = "legal"', '--divorce"\ncategory = "administrative"'),
        ('\n[[rules]]\nid = "legal-aid"', DIVORCE_RULE + '\n[[rules]]\nid = "legal-aid"'),
    )
    assert_only_fault(text, 'topic = "famille--divorce"', "rules[divorce].topic", 'of category "administrative"')


def test_all_faults_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = spoilt(
        ("on_the_spot = false", 'on_the_spot = "no"'),
        ('code = "p02"', 'kode = "p02"'),
        ('office = "b1"', 'office = "b9"'),
        ('["p01", "p02"]', '["p01", "p77"]'),
    )
    faults = faults_of(text)
    assert [(fault.line, fault.where) for fault in faults] == [
        (line_of(text, 'on_the_spot = "no"'), "categories[legal].on_the_spot"),
        (line_of(text, "kode") - 1, "partners[#2].code"),
        (line_of(text, "kode"), "partners[#2].kode"),
        (line_of(text, '"b9"'), "schedule.permanences[#1].office"),
        (line_of(text, '"p77"'), "rules[legal-aid].partners[p77]"),
    ]


def test_a_slip_in_one_part_is_not_told_again_by_those_that_refer_to_it() -> None:
    text = spoilt(('name = "Le Guichet Inventé"', "name = 12"))
    assert_only_fault(text, "name = 12", "partners[p02].name", "should be a valid string")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('version = "1"\nname = \n', 2, "is not TOML: Invalid value"),
        ('version = "1"\nversion = "2"\n', 2, "is not TOML: Cannot overwrite a value"),
        ('version = "1"\nname = [\n\n\n', 2, "is never ended"),
        ('version = "1"\nactive_from = 2008-02-30\n', 2, "is not TOML"),
        ('version = "1"\nplaces = ' + "9" * 5000, 2, "is not TOML"),
        ("x = " + "[" * 100_000, 0, "is nested too deeply"),
        ("#" * 1_000_001, 0, "is longer than"),
    ],
)
def test_a_text_that_is_no_toml_is_told_by_line(text: str, line: int, what: str) -> None:
    (fault,) = faults_of(text)
    assert fault.line == line
    assert what in fault.what


@pytest.mark.parametrize(
    "text",
    ["", "sites = 3\n", "partners = [1, 2]\n", "schedule = []\n", "[schedule]\npermanences = 4\n", "[rules]",
     "[[rules]]\ncategory = []\ntopic = {}\n", '[[partners]]\ncode = ["p01"]\n'],
)  # fmt: skip
def test_sections_of_the_wrong_shape_are_faults_and_nothing_else(text: str) -> None:
    assert all(fault.line >= 1 for fault in faults_of(text))


def test_a_file_that_cannot_be_read_is_a_fault_too(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"absent\.toml: absent\.toml: cannot be read"):
        load_catalogue(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes('version = "1"\nname = "Été"\n'.encode("latin-1"))
    with pytest.raises(CatalogueError, match=r"latin\.toml: line 2: latin\.toml: is not UTF-8"):
        load_catalogue(tmp_path / "latin.toml")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "essai.toml"
    file.write_bytes(SMALL_HOUSE.replace("\n", "\r\n").encode("utf-8-sig"))
    assert load_catalogue(file) == small_house()
    file.write_bytes(spoilt(('"b1", partner', '"b9", partner')).replace("\n", "\r\n").encode())
    with pytest.raises(CatalogueError, match=f"line {line_of(SMALL_HOUSE, 'from =')}:"):
        load_catalogue(file)


def test_nobody_is_in_the_building_on_a_public_holiday() -> None:
    house = load_catalogue(HOUSE_FILE)
    for holiday in (date(2008, 3, 24), date(2008, 11, 11)):
        assert house.openings(SITE, holiday, holiday) == []
        assert house.default_site.open_intervals(holiday) == ()
    assert house.openings(SITE, date(2008, 3, 25), date(2008, 3, 25))
    assert house.openings(SITE, date(2008, 3, 22), date(2008, 3, 23)) == []


def test_a_partner_holds_no_permanence_before_its_first_day() -> None:
    house = load_catalogue(HOUSE_FILE)
    days = [opening.start.date() for opening in house.openings(SITE, *YEAR) if opening.partner == "p02"]
    assert days[0] == date(2008, 11, 3)
    assert len(days) == 9


YEAR = (date(2008, 1, 1), date(2008, 12, 31))


def test_no_two_partners_are_in_one_office_at_one_time_all_year() -> None:
    openings = load_catalogue(HOUSE_FILE).openings(SITE, *YEAR)
    assert len(openings) > 900
    last: dict[str, datetime] = {}
    for opening in openings:
        assert opening.start.tzinfo is opening.end.tzinfo is not None
        assert last.get(opening.office, opening.start) <= opening.start < opening.end
        last[opening.office] = opening.end


AFTERNOON = 'office = "b1", partner = "p01", weekday = "monday", from = "14:00"'


@given(
    first=st.sampled_from(["even", "odd", "every"]),
    second=st.sampled_from(["even", "odd", "every"]),
    start=st.integers(9, 11),
    other=st.integers(8, 15),
    office=st.sampled_from(["b1", "b2"]),
)
def test_a_file_is_accepted_only_if_no_office_is_ever_held_twice(
    first: str, second: str, start: int, other: int, office: str
) -> None:
    text = spoilt(
        ("08:30-12:00", "06:00-13:00"),
        ('"every"', f'"{second}"'),
        ('"even"', f'"{first}"'),
        ('from = "09:00", until = "12:00"', f'from = "{start:02}:00", until = "13:00"'),
        (AFTERNOON, f'office = "{office}", partner = "p01", weekday = "monday", from = "{other:02}:00"'),
        ('until = "16:00"', f'until = "{other:02}:45"'),
    )
    try:
        house = read_catalogue(text, "essai.toml")
    except CatalogueError:
        return
    held: dict[str, datetime] = {}
    for opening in house.openings("essai", date(2020, 12, 1), date(2021, 2, 1)):
        assert held.get(opening.office, opening.start) <= opening.start
        held[opening.office] = opening.end


def test_the_next_opening_is_the_one_that_is_on_or_the_next_to_come() -> None:
    house = load_catalogue(HOUSE_FILE)
    thursday = datetime(2008, 3, 13, 15, 0, tzinfo=PARIS)
    on = house.next_opening("p03", SITE, thursday)
    assert on is not None
    assert (on.start, on.office) == (datetime(2008, 3, 13, 14, 0, tzinfo=PARIS), "bureau-1")
    later = house.next_opening("p03", SITE, thursday + timedelta(hours=2))
    assert later is not None
    assert later.start == datetime(2008, 3, 20, 14, 0, tzinfo=PARIS)
    assert house.next_opening("p03", SITE, thursday + timedelta(hours=2), within_days=6) is None
    assert house.next_opening("p02", SITE, thursday) is None
    assert house.next_opening("p18", SITE, thursday) is None
    with pytest.raises(ValueError, match="no time zone"):
        house.next_opening("p03", SITE, datetime(2008, 3, 13, 15, 0))  # noqa: DTZ001
    with pytest.raises(UnknownCode):
        house.next_opening("p03", "nowhere", thursday)


def test_permanences_keep_their_hour_when_the_clocks_change() -> None:
    house = load_catalogue(HOUSE_FILE)
    found = [o.start for o in house.openings(SITE, date(2008, 3, 17), date(2008, 4, 7)) if o.partner == "p10"]
    mondays = [start for start in found if start.weekday() == 0]
    assert [start.isoformat() for start in mondays] == [
        "2008-03-17T13:30:00+01:00", "2008-03-31T13:30:00+02:00", "2008-04-07T13:30:00+02:00",
    ]  # fmt: skip


ODD_TOML = '''\
"a b".c = 1 # [not] = "this"
d = """
[x]
e = 1
"""""
f = [[1, [2]], [], [
  { g = "]}#", h.i = 2 }, # ]
  1979-05-27 07:32:00, ]]
3.14 = {}
[k . "l.m"]
n = '\\'
[[k.o]]
[[k.o]]
p = \'\'\'
q\'\'\'
[k.o.r]
s = true
'''


def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*at, step)
        yield from paths(inner, (*at, step))


@pytest.mark.parametrize("text", [ODD_TOML, SMALL_HOUSE, HOUSE_FILE.read_text("utf-8")])
def test_the_reading_for_lines_knows_each_place_that_tomllib_knows(text: str) -> None:
    assert set(paths(tomllib.loads(text))) == set(lines_of(text).known)


def test_lines_are_those_an_editor_shows() -> None:
    lines = lines_of(ODD_TOML)
    expected: list[tuple[tuple[str | int, ...], int]] = [
        (("a b", "c"), 1), (("d",), 2), (("f", 0, 1, 0), 6), (("f", 2, 0, "h", "i"), 7), (("f", 2, 1), 8),
        (("3", "14"), 9), (("k", "l.m", "n"), 11), (("k", "o", 0), 12), (("k", "o", 1), 13),
        (("k", "o", 1, "p"), 14), (("k", "o", 1, "r", "s"), 17), (("k", "o", 1, "not"), 13), (("not",), 1),
    ]  # fmt: skip
    assert [(path, lines.of(path)) for path, _ in expected] == expected


NASTY = st.text(alphabet="a#\"'[]{}=,. \\é", max_size=6)
VALUES = st.recursive(
    st.integers(0, 99) | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=12,
)


def written(value: Any) -> str:
    if isinstance(value, list):
        return "[\n" + "".join(f"{written(inner)}, # ]\n" for inner in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{written(key)} = {written(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


@given(st.dictionaries(NASTY, VALUES, max_size=4))
def test_the_reading_for_lines_is_not_led_astray_by_what_stands_in_quotes(document: dict[str, Any]) -> None:
    text = "".join(f"{written(key)} = {written(value)}\n" for key, value in document.items())
    assert tomllib.loads(text) == document
    assert set(paths(document)) == set(lines_of(text).known)
