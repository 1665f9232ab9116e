"""Different people: however often they came, by whatever ids, in whatever order it is heard, each counts once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from services.stats.actions import ACTIONS, ATTENDANCES
from services.stats.people.distinct import Range, different
from services.stats.people.families import Tie, families
from services.stats.people.keeping import PEOPLE_COUNTS, PRESENCES, TIES, Kept
from services.stats.people.presences import PARTICIPANTS, PEOPLE
from services.stats.periods import Grain, key
from services.stats.projections import count
from shared.envelope import Envelope, encode
from shared.events import Event
from shared.events.intake import (
    AttendanceRecorded,
    AttendanceWithdrawn,
    CasesMerged,
    CasesUnmerged,
    CollectiveActionHeld,
    CollectiveActionVoided,
    HeadcountCorrected,
    PersonAttached,
    PersonErased,
    RequestMade,
    VisitCorrected,
    VisitRecorded,
    VisitVoided,
)
from shared.events.referral import ReferralIssued

SITE, PLIE = "east", "p10"
DAYS = ("2008-02-29", "2008-03-11", "2008-12-31")
CASES = ("c1", "c2", "c3", "c4", "c5")


def told(stream: str, event: Event, day: str = DAYS[0]) -> Envelope:
    at = f"{day}T10:00:00.000+01:00"
    return Envelope("1.0", "x:0:1", "x", event.event_type, stream, at, at, "0000000001", 1, msgspec.Raw(encode(event)))


def visit(case: str, day: str = DAYS[0], site: str = SITE) -> Envelope:
    return told(
        f"case-{case}", VisitRecorded(f"v-{case}-{day}", case, site, "phone", (RequestMade("q", "legal"),)), day
    )


def attached(case: str, person: str) -> Envelope:
    return told(f"case-{case}", PersonAttached(case, person))


def merged(kept: str, absorbed: str) -> list[Envelope]:
    """A merge, as it is told in both streams."""
    return [told(f"case-{case}", CasesMerged(kept, absorbed)) for case in (absorbed, kept)]


def unmerged(kept: str, absorbed: str) -> list[Envelope]:
    return [told(f"case-{case}", CasesUnmerged(kept, absorbed)) for case in (absorbed, kept)]


def issued(case: str, partner: str = PLIE, day: str = DAYS[0]) -> Envelope:
    made = ReferralIssued(f"r-{case}", "q", "v", case, SITE, "employment", partner, "rule", "1", day)
    return told(f"referral-{case}", made, day)


def breakfast(action: str, headcount: int, day: str = DAYS[0]) -> CollectiveActionHeld:
    return CollectiveActionHeld(
        action, SITE, f"{day}T09:00:00.000+01:00", "health_breakfast", "health", headcount, None, ("p09",)
    )


def attendance(kind: type[Any], held: CollectiveActionHeld, case: str = "", person: str = "") -> Envelope:
    event = kind(
        held.action_id, SITE, held.kind, held.category, held.held_at[:10], ("p09",), case or None, person or None
    )
    return told(f"action-{held.action_id}", event, held.held_at[:10])


@pytest.fixture
def store() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        create_tables(connection)
        yield connection
    engine.dispose()


def create_tables(connection: Connection) -> None:
    for table in (PRESENCES, TIES, PEOPLE_COUNTS):
        table.create(connection)


def hear(store: Connection, *envelopes: Envelope) -> None:
    Kept(envelopes, "").apply(store)


def people(
    store: Connection, figure: str = PEOPLE, by: str | None = None, grain: Grain | None = None, **more: Any
) -> Any:
    asked = Range(figure, by, grain, more.get("first"), more.get("last"), more.get("site"))
    found = different(store, asked)
    return found.get(("", ""), 0) if by is None and grain is None else found


def kept_rows(store: Connection) -> tuple[Any, ...]:
    return tuple(
        sorted(map(tuple, store.execute(text(f"SELECT * FROM {table.name} WHERE {held}")).all()), key=repr)
        for table, held in ((PRESENCES, "true"), (TIES, "true"), (PEOPLE_COUNTS, "count <> 0"))
    )


def test_who_comes_twice_is_one_person_of_the_year_and_of_each_month(store: Connection) -> None:
    hear(store, visit("c1", "2008-02-29"), visit("c1", "2008-03-11"), visit("c2", "2008-03-11"))
    assert people(store) == 2
    assert people(store, grain=Grain.MONTH) == {("2008-02", ""): 1, ("2008-03", ""): 2}
    assert people(store, grain=Grain.YEAR) == {("2008", ""): 2}
    assert people(store, grain=Grain.WEEK) == {("2008-W09", ""): 1, ("2008-W11", ""): 2}
    assert people(store, first=date(2008, 3, 1), last=date(2008, 3, 11)) == 2


def test_cases_about_one_person_are_one_and_the_name_stays_in_intake(store: Connection) -> None:
    hear(store, visit("c1"), visit("c2"), visit("c3"), attached("c1", "z9"))
    assert people(store, by="identity") == {("", "anonymous"): 2, ("", "named"): 1}
    hear(store, attached("c2", "z9"))
    assert people(store, by="identity") == {("", "anonymous"): 1, ("", "named"): 1}


def test_a_merge_makes_one_of_two_and_taking_it_back_two_of_one(store: Connection) -> None:
    hear(store, visit("c1"), visit("c2"), issued("c1"), issued("c2"))
    before = kept_rows(store)
    hear(store, *merged("c1", "c2"))
    assert (people(store), people(store, by="partner")) == (1, {("", PLIE): 1})
    hear(store, *unmerged("c1", "c2"))
    assert kept_rows(store) == before


def test_whoever_is_erased_stays_counted(store: Connection) -> None:
    hear(store, visit("c1"), attached("c1", "z9"))
    before = kept_rows(store)
    hear(store, told("person-z9", PersonErased("z9", "decision")))
    assert kept_rows(store) == before


def test_the_people_of_a_partner_are_those_who_were_referred_to_it(store: Connection) -> None:
    hear(store, *(issued(f"plie-{n % 150}", day=DAYS[n % 3]) for n in range(420)), issued("other", "p01"))
    assert people(store, by="partner", grain=Grain.YEAR) == {("2008", PLIE): 150, ("2008", "p01"): 1}


def test_a_visit_that_is_put_right_or_never_was_takes_its_person_along(store: Connection) -> None:
    first = visit("c1").event
    assert isinstance(first, VisitRecorded)
    at = "2008-02-29T10:00:00.000+01:00"
    hear(store, visit("c1"), visit("c2"))
    hear(store, told("case-c1", VisitCorrected(first, at, msgspec.structs.replace(first, site="west"), at, 1)))
    assert people(store, by="site") == {("", SITE): 1, ("", "west"): 1}
    hear(store, told("case-c1", VisitVoided(msgspec.structs.replace(first, site="west"), at, "twice")))
    assert people(store, by="site") == {("", SITE): 1}
    assert not store.execute(text("SELECT 1 FROM presences WHERE who = 'c1'")).all()


def test_36_breakfasts_with_76_different_people_come_out_right(store: Connection) -> None:
    """About ten at each; who they are is known of some as a case, of some as a person, and everybody is one."""
    log: list[Envelope] = []
    # The same 76 people, every fourth under two cases: merged, or both about one person.
    for n in range(0, 76, 4):
        log += (
            merged(f"g{n}", f"g{n}-again") if n % 8 else [attached(f"g{n}", f"z{n}"), attached(f"g{n}-again", f"z{n}")]
        )
    seats = 0
    for session in range(36):
        held = breakfast(f"b{session}", 11, f"2008-{session // 3 + 1:02}-{session % 3 * 9 + 5:02}")
        log.append(told(f"action-b{session}", held))
        for _ in range(10):
            n, again = seats % 76, seats >= 76
            seats += 1
            if n % 4 == 0 and again:
                log.append(attendance(AttendanceRecorded, held, person=f"z{n}") if n % 8 == 0
                           else attendance(AttendanceRecorded, held, case=f"g{n}-again"))  # fmt: skip
            else:
                log.append(attendance(AttendanceRecorded, held, case=f"g{n}"))
    hear(store, *log)
    by_kind = people(store, PARTICIPANTS, "kind", Grain.YEAR)
    assert by_kind == {("2008", "health_breakfast"): 76}
    counted = count(log)
    totals: defaultdict[str, int] = defaultdict(int)
    for tally, step in counted.items():
        totals[tally.figure] += step if tally.dimension == "total" else 0
    # One at each table was counted and not named: an attendance, and nobody's.
    assert (totals[ACTIONS], totals[ATTENDANCES]) == (36, 36 * 11)


def test_what_is_taken_off_an_action_counts_no_more(store: Connection) -> None:
    held = breakfast("b1", 9)
    hear(store, attendance(AttendanceRecorded, held, "c1"), attendance(AttendanceRecorded, held, person="z1"))
    assert people(store, PARTICIPANTS, "identity") == {("", "anonymous"): 1, ("", "named"): 1}
    hear(store, attendance(AttendanceWithdrawn, held, "c1"))
    assert people(store, PARTICIPANTS, "partner") == {("", "p09"): 1}
    log = [told("a", held), told("a", HeadcountCorrected(held, 12))]
    assert {tally.figure: step for tally, step in count(log).items() if tally.dimension == "total"} == {
        ACTIONS: 1, ATTENDANCES: 12,
    }  # fmt: skip
    voided = CollectiveActionVoided(breakfast("b1", 12), (), ("z1",))
    hear(store, told("a", voided))
    assert people(store, PARTICIPANTS) == 0
    assert not any(count([*log, told("a", voided)]).values())


def test_a_ring_of_merges_heard_out_of_order_is_one_family() -> None:
    found = families({"c1": Tie("c2"), "c2": Tie("c1", "z1"), "c3": Tie(person="z1")})
    assert {known.root for known in found.values()} == {"z1"}


moves = st.lists(
    st.one_of(
        st.tuples(st.just("visit"), st.sampled_from(CASES), st.sampled_from(DAYS)),
        st.tuples(st.just("issue"), st.sampled_from(CASES), st.sampled_from(DAYS)),
        st.tuples(st.just("merge"), st.sampled_from(CASES), st.sampled_from(CASES)),
        st.tuples(st.just("unmerge"), st.sampled_from(CASES), st.just("")),
        st.tuples(st.just("attach"), st.sampled_from(CASES), st.sampled_from(("z1", "z2"))),
    ),
    max_size=25,
)


def lived(steps: Sequence[tuple[str, str, str]]) -> tuple[list[Envelope], dict[str, str], dict[str, str]]:
    """A history, with who was merged into whom and who each case is about in the end."""
    log: list[Envelope] = []
    into: dict[str, str] = {}
    about: dict[str, str] = {}
    for what, case, other in steps:
        if what == "visit":
            log.append(visit(case, other))
        elif what == "issue":
            log.append(issued(case, day=other))
        elif what == "merge" and case != other and not {case, other} & set(into):
            into[case] = other
            log += merged(other, case)
        elif what == "unmerge" and case in into:
            log += unmerged(into.pop(case), case)
        elif what == "attach" and case not in about:
            about[case] = other
            log.append(attached(case, other))
    return log, into, about


def by_hand(log: Sequence[Envelope], into: dict[str, str], about: dict[str, str]) -> dict[str, int]:
    """Different people by year, counted over a picture of who is whose, drawn by hand."""
    groups = [{case} for case in CASES]
    for one, other in [*into.items(), *about.items()]:
        joined = [group for group in groups if group & {one, other}]
        groups = [group for group in groups if group not in joined] + [{one, other}.union(*joined)]
    came: dict[str, set[int]] = {PEOPLE: set(), PLIE: set()}
    for envelope in log:
        event = envelope.event
        if isinstance(event, VisitRecorded | ReferralIssued):
            where = next(number for number, group in enumerate(groups) if event.case_id in group)
            came[PEOPLE if isinstance(event, VisitRecorded) else PLIE].add(where)
    return {figure: len(found) for figure, found in came.items()}


@settings(deadline=None, max_examples=150)
@given(steps=moves, data=st.data())
def test_any_history_in_any_order_of_its_streams_equals_a_count_by_hand(
    steps: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    log, into, about = lived(steps)
    # Streams lie in partitions that are heard side by side: their order among each other is nobody's.
    streams: defaultdict[str, list[Envelope]] = defaultdict(list)
    for envelope in log:
        streams[envelope.stream].append(envelope)
    shuffled: list[Envelope] = []
    while streams:
        name = data.draw(st.sampled_from(sorted(streams)))
        shuffled.append(streams[name].pop(0))
        if not streams[name]:
            del streams[name]
    tables = []
    for heard, size in ((log, 1000), (shuffled, data.draw(st.integers(1, 7)))):
        engine = create_engine("sqlite://")
        with engine.connect() as store:
            create_tables(store)
            for start in range(0, len(heard), size):
                hear(store, *heard[start : start + size])
            counted = by_hand(log, into, about)
            assert people(store) == counted[PEOPLE]
            assert people(store, by="partner").get(("", PLIE), 0) == counted[PLIE]
            tables.append(kept_rows(store))
        engine.dispose()
    assert tables[0] == tables[1]


SITES = (SITE, "west")
YEARS = date(2006, 12, 28), 800
"""The first of the days of the histories below, and how many there are."""
somewhen = st.integers(0, YEARS[1]).map(lambda days: YEARS[0] + timedelta(days=days))
lives = st.lists(
    st.one_of(
        st.tuples(st.just("visit"), st.sampled_from(CASES), somewhen, st.sampled_from(SITES)),
        st.tuples(st.just("moved"), st.sampled_from(CASES), somewhen, st.sampled_from(SITES)),
        st.tuples(st.just("void"), st.sampled_from(CASES), somewhen, st.just("")),
        st.tuples(st.just("merge"), st.sampled_from(CASES), somewhen, st.sampled_from(CASES)),
        st.tuples(st.just("unmerge"), st.sampled_from(CASES), somewhen, st.just("")),
        st.tuples(st.just("attach"), st.sampled_from(CASES), somewhen, st.sampled_from(("z1", "z2"))),
    ),
    min_size=4,
    max_size=30,
)


def put_right(steps: Sequence[tuple[str, str, date, str]]) -> list[Envelope]:
    """A history in which visits are also corrected to another day and site, and voided."""
    log: list[Envelope] = []
    into: dict[str, str] = {}
    standing: dict[str, list[VisitRecorded]] = defaultdict(list)
    held: dict[str, str] = {}
    for number, (what, case, when, other) in enumerate(steps):
        stream, at = f"case-{case}", f"{when}T10:00:00.000+01:00"
        if what == "visit":
            made = VisitRecorded(f"v{number}", case, other, "phone", (RequestMade("q", "legal"),))
            standing[case].append(made)
            held[made.visit_id] = at
            log.append(told(stream, made, when.isoformat()))
        elif what == "moved" and standing[case]:
            was = standing[case].pop()
            standing[case].append(msgspec.structs.replace(was, site=other))
            log.append(told(stream, VisitCorrected(was, held[was.visit_id], standing[case][-1], at, 1)))
            held[was.visit_id] = at
        elif what == "void" and standing[case]:
            gone = standing[case].pop()
            log.append(told(stream, VisitVoided(gone, held[gone.visit_id], "twice")))
        elif what == "merge" and case != other and not {case, other} & set(into):
            into[case] = other
            log += merged(other, case)
        elif what == "unmerge" and case in into:
            log += unmerged(into.pop(case), case)
        elif what == "attach":
            log.append(attached(case, other))
    return log


def naively(store: Connection, asked: Range) -> dict[tuple[str, str], int]:
    """Everybody's presences read, and each person put into a set."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for day, site, root, named in store.execute(text("SELECT day, site, root, named FROM presences")):
        when = date.fromisoformat(day)
        if (asked.first or when) <= when <= (asked.last or when) and asked.site in (None, site):
            value = {"site": site, "identity": "named" if named else "anonymous"}.get(asked.by or "", "")
            found[key(when, asked.grain or Grain.ALL), value].add(root)
    return {cell: len(roots) for cell, roots in found.items()}


@settings(deadline=None, max_examples=120)
@given(lives, st.integers(1, 40), st.data())
def test_any_range_of_days_equals_everybody_put_into_a_set(
    steps: list[tuple[str, str, date, str]], size: int, data: st.DataObject
) -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as store:
        create_tables(store)
        log = put_right(steps)
        for start in range(0, len(log), size):
            hear(store, *log[start : start + size])
        for _ in range(12):
            first, last = sorted((data.draw(somewhen), data.draw(somewhen)))
            asked = Range(
                PEOPLE,
                data.draw(st.sampled_from((None, "site", "identity"))),
                data.draw(st.sampled_from((None, *Grain))),
                data.draw(st.sampled_from((first, None))),
                data.draw(st.sampled_from((last, None))),
                data.draw(st.sampled_from((None, *SITES))),
            )
            assert different(store, asked) == naively(store, asked)
    engine.dispose()
