"""The auditor bites: each fault planted in a small house is found by the check of its name."""

import asyncio
import fcntl
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest
from rich.console import Console

from services.intake.actions.action import (
    ACTION,
    Attendee,
    Command,
    CorrectHeadcount,
    HoldAction,
    RecordAttendance,
    WithdrawAttendance,
    action_stream,
    actions_tag,
)
from services.intake.case_life import change_case, merge_cases
from services.intake.commands import AttachPerson, MergeCases, RecordVisit
from services.intake.handlers import record_visit
from services.intake.invitations.giving import use
from services.intake.waiting.room import ROOM, LetVisitorGo, NoteArrival, ReceiveVisitor, room_stream
from services.verify import CannotVerify, print_document, verify
from services.verify.audit import audit
from services.verify.sources import opened
from services.verify.stores import Stopped
from shared.access.scope import INNER
from shared.bus import connect
from shared.catalogue import load_catalogue
from shared.events.intake import CollectiveActionHeld, RequestMade
from shared.execute import Context, execute
from shared.ids import derive_id, new_id
from shared.log import Log, partition_of
from shared.relay import Relay
from shared.settings import Settings
from tests.logs import opened_database
from tests.passing_on import pass_on, readers, referral_log
from tests.referral_stories import live_at_random, live_through, several_house
from tests.servers import Valkey
from tests.small_house import SmallHouse
from tests.system.place import until

SITE = "fontaine-d-ouche"
DAYS = ("2008-03-11", "2008-03-12", "2008-12-31")
ARRIVAL, INVITED = "01900000-0000-7000-8000-00000000000a", "4K79QX0DM"
ASKED = ("social_rights", "health", "administrative", "financial")
SERVICES = ("intake", "referral", "stats")
RANDOM_MOVES = 250
Row = tuple[Any, ...]


async def furnish(settings: Settings, seed: int | None = None) -> None:
    """Twelve visits and what partners make of them, heard by everybody: by the services' own code, but for the bus."""
    catalogue = several_house()
    async with AsyncExitStack() as stack:
        databases = {
            name: await stack.enter_async_context(opened_database(settings.database(name), name)) for name in SERVICES
        }
        intake, referral = Log(databases["intake"], "intake"), referral_log(databases["referral"], catalogue)
        for log in (intake, referral):
            await log.start()
        case_id, cases = "", []
        for number in range(12):
            # Every third visit is of somebody who was here before.
            opens_case = number % 3 != 2
            case_id = new_id() if opens_case else case_id
            await record(intake, number, case_id, opens_case=opens_case)
            cases += [case_id] if opens_case else []
            if number == 5:
                await wait_and_invite(intake)
            if number == 7:
                await know_each_other(intake, cases)
        for subscription, log in readers(settings, databases, intake, referral, catalogue)[0]:
            await pass_on(log, subscription)
        if seed is None:
            await live_through(databases["referral"], referral, catalogue)
        else:
            done = await live_at_random(databases["referral"], referral, catalogue, Random(seed), RANDOM_MOVES)
            assert done > RANDOM_MOVES / 8
        for subscription, log in readers(settings, databases, intake, referral, catalogue)[1]:
            await pass_on(log, subscription)


async def record(log: Log, number: int, case_id: str, *, opens_case: bool) -> None:
    visit_id = new_id()
    asked = (ASKED[number % 4], ASKED[(number + 1) % 4])
    requests = tuple(
        RequestMade(derive_id(visit_id, place), category, answered=number == 4)
        for place, category in enumerate(asked[: 1 + number % 2], 1)
    )
    channel = ("in_person", "phone")[number % 2]
    command = RecordVisit(visit_id, case_id, SITE, channel, requests, opens_case)
    if number == 4:
        said: dict[str, Any] = {"language": "ar", "needs": ("interpreter",), "children": True, "arrival_id": ARRIVAL}
        command = replace(command, invitation=(INVITED, "p08"), **said)
    occurred_at = f"{DAYS[number % 3]}T10:{number:02}:00.000+01:00"
    await record_visit(log, command, Context(occurred_at, partition_of(case_id, log.partitions), tag=visit_id))


async def wait_and_invite(log: Log) -> None:
    """Two people came before nine; one was received, the other left. An invitation was used a month later."""
    stream = room_stream(SITE, DAYS[1])
    for move in (
        NoteArrival(ARRIVAL, SITE, f"{DAYS[1]}T08:50:00.000+01:00"),
        NoteArrival("somebody", SITE, f"{DAYS[1]}T08:51:00.000+01:00"),
        ReceiveVisitor(ARRIVAL, f"{DAYS[1]}T09:02:59.000+01:00", 1),
        LetVisitorGo("somebody", f"{DAYS[1]}T09:40:00.000+01:00", 1),
    ):
        context = Context(move.at, partition_of(stream, log.partitions), tag=move.arrival_id)
        await execute(log, ROOM, stream, move, context)
    await use(log, INNER, INVITED, "2008-04-11T14:00:00.000+02:00", 1, None)


async def know_each_other(log: Log, cases: Sequence[str]) -> None:
    """Two cases are one, a third is about somebody. All three were at a breakfast of five, said to be of four."""
    one, _, other, _, third, *_ = cases
    at = f"{DAYS[2]}T09:00:00.000+01:00"
    await merge_cases(log, MergeCases(one, other), Context(at), 2)
    await change_case(log, AttachPerson(third, "q1"), Context(at, partition_of(third, log.partitions), tag="q1"), None)
    held = CollectiveActionHeld("a1", SITE, at, "health_breakfast", "health", 4, None, ("p09",), ("p01", "p09"))
    stream = action_stream("a1")
    known = [Attendee(one), Attendee(other), Attendee(third), Attendee("q1", is_person=True)]
    named = [(RecordAttendance(attendee), attendee.known_as) for attendee in known]
    withdrawn = (WithdrawAttendance(known[-1]), known[-1].known_as)
    entered = (HoldAction(held), actions_tag(SITE, 2008))
    moves: list[tuple[Command, str | None]] = [entered, *named, withdrawn, (CorrectHeadcount(5), None)]
    for command, tag in moves:
        context = Context(at, partition_of(stream, log.partitions), tag=tag)
        await execute(log, ACTION, stream, command, context)


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Path:
    """A data folder to copy."""
    data = tmp_path_factory.mktemp("furnished")
    asyncio.run(furnish(Settings(data=data)))
    return data


@pytest.fixture
def small_house(furnished: Path, tmp_path: Path) -> SmallHouse:
    """A small house of the test's own on SQLite."""
    shutil.copytree(furnished, tmp_path / "data")
    return SmallHouse(Settings(data=tmp_path / "data"))


@pytest.fixture
def postgres_house(postgres_url: str, tmp_path: Path) -> SmallHouse:
    """A small house of the test's own on PostgreSQL."""
    settings = Settings(data=tmp_path, database_url=postgres_url)
    asyncio.run(furnish(settings))
    return SmallHouse(settings)


@pytest.fixture(params=["small_house", "postgres_house"], ids=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest) -> SmallHouse:
    """A small house of the test's own, on each store."""
    found: SmallHouse = request.getfixturevalue(request.param)
    return found


# Each fault: the check that must find it, a word of what it must say, and how to make it.
Fault = tuple[str, str, Callable[[SmallHouse], None]]


FIRST = "version = 1 AND stream LIKE 'referral-%' AND entry NOT LIKE '%\"replaces\"%' AND entry NOT LIKE '%\"beside\"%'"
"""The event that hands a request over for the first time."""


def lost_event(house: SmallHouse) -> None:
    house.tamper("intake", "DELETE FROM events WHERE position = 1 AND partition = (SELECT max(partition) FROM events)")


def lost_last_event(house: SmallHouse) -> None:
    partition, position = house.last("intake")
    house.tamper("intake", f"DELETE FROM events WHERE partition = {partition} AND position = {position}")


def restored_log(house: SmallHouse) -> None:
    lost_last_event(house)
    house.forge("intake")


def skipped_position(house: SmallHouse) -> None:
    partition, position = house.last("referral")
    house.tamper(
        "referral",
        f"UPDATE events SET position = position + 1 WHERE partition = {partition} AND position = {position}",
        f"UPDATE partitions SET head = head + 1 WHERE partition = {partition}",
    )


def skipped_version(house: SmallHouse) -> None:
    partition, position = house.last("intake")
    house.tamper(
        "intake",
        f"UPDATE events SET version = version + 1 WHERE partition = {partition} AND position = {position}",
    )


def changed_byte(house: SmallHouse) -> None:
    house.tamper("intake", "UPDATE events SET entry = replace(entry, '\"phone\"', '\"p0one\"') WHERE version = 2")


def changed_counter_hash(house: SmallHouse) -> None:
    house.tamper("referral", f"UPDATE partitions SET hash = {house._bytes(bytes(31) + b'1')}")


def swapped_events(house: SmallHouse) -> None:
    """Two neighbours exchange their positions, and the log is chained anew: only the entries remember."""
    (partition, position), *_ = house.execute(
        "intake", "SELECT partition, max(position) FROM events GROUP BY partition HAVING max(position) > 1"
    )
    moves = ((position, 9_999), (position - 1, position), (9_999, position - 1))
    house.tamper(
        "intake",
        *(f"UPDATE events SET position = {to} WHERE partition = {partition} AND position = {at}" for at, to in moves),
    )
    house.forge("intake")


def unreadable_entry(house: SmallHouse) -> None:
    house.tamper("intake", "UPDATE events SET entry = '{' WHERE position = 1")
    house.forge("intake")


def changed_tag(house: SmallHouse) -> None:
    house.tamper("referral", "UPDATE events SET tag = 'nobody' WHERE position = 1")


def said(words: str, instead: str) -> Callable[[SmallHouse], None]:
    """Change what intake's log says, and chain it anew."""

    def plant(house: SmallHouse) -> None:
        house.tamper("intake", f"UPDATE events SET entry = replace(entry, '{words}', '{instead}')")
        house.forge("intake")

    return plant


def missing_referral(house: SmallHouse) -> None:
    """The last referral of a visit, and what came after it, are gone as if they had never been."""
    partition, position = house.last("referral", FIRST)
    house.tamper("referral", f"DELETE FROM events WHERE partition = {partition} AND position >= {position}")
    house.forge("referral")


def doubled_referral(house: SmallHouse) -> None:
    """The last referral of a visit once more, in a stream of its own."""
    partition, position = house.last("referral", FIRST)
    end = house.execute("referral", f"SELECT max(position) + 1 FROM events WHERE partition = {partition}")[0][0]
    house.tamper(
        "referral",
        "INSERT INTO events (partition, position, stream, version, tag, entry, hash)"
        f" SELECT partition, {end}, stream || '2', version, tag,"
        f" replace(replace(replace(entry, '{position:010}', '{end:010}'), stream, stream || '2'),"
        f" 'referral:{partition}:{position}', 'referral:{partition}:{end}'), hash"
        f" FROM events WHERE partition = {partition} AND position = {position}",
    )
    house.forge("referral")


def referral_of_nothing(house: SmallHouse) -> None:
    (request,), *_ = house.execute("referral", "SELECT request_id FROM queue_items ORDER BY request_id")
    stranger = request[:-4] + "0000"
    for table in ("queue_items", "events"):
        column = "entry" if table == "events" else "request_id"
        house.tamper("referral", f"UPDATE {table} SET {column} = replace({column}, '{request}', '{stranger}')")
    house.forge("referral")


def wrong_category(house: SmallHouse) -> None:
    house.tamper("referral", "UPDATE events SET entry = replace(entry, '\"health\"', '\"wealth\"')")
    house.forge("referral")


def said_fault(kind: str, name: str, value: Any, which: int = 0) -> Callable[[SmallHouse], None]:
    """An event says something else of itself."""
    return lambda house: house.rewrite(kind, lambda document: document["data"].update({name: value}), which)


def unsaid_fault(kind: str, name: str, which: int = 0) -> Callable[[SmallHouse], None]:
    """An event does not say something."""
    return lambda house: house.rewrite(kind, lambda document: document["data"].pop(name), which)


def other_fault(kind: str, becomes: str, which: int = 0) -> Callable[[SmallHouse], None]:
    """An event is one of another kind."""
    return lambda house: house.rewrite(kind, lambda document: document.update({"type": becomes}), which)


def place_sold_twice(house: SmallHouse) -> None:
    """Two who have a place of one permanence are said to have the same."""
    house.rewrite("appointment-booked", lambda document: document["data"].update({"place": 1}), -1)
    house.rewrite("appointment-booked", lambda document: document["data"].update({"place": 1}), -2)


def figures_fault(sql: str) -> Callable[[SmallHouse], None]:
    return lambda house: house.tamper("stats", sql)


def queue_fault(sql: str) -> Callable[[SmallHouse], None]:
    return lambda house: house.tamper("referral", sql)


def shown_fault(sql: str) -> Callable[[SmallHouse], None]:
    return lambda house: house.tamper("intake", sql)


ONE_FIGURE = "figure = 'visits' AND dimension = 'total' AND grain = 'week' AND period = '2008-W11' AND site = ''"
ONE_DAY = "dimension = 'total' AND grain = 'day' AND site = ''"
ONE_ITEM = "referral_id = (SELECT min(referral_id) FROM {})"
FAULTS: dict[str, Fault] = {
    "a lost event": ("positions", "missing", lost_event),
    "a lost last event": ("positions", "its counter at", lost_last_event),
    "a skipped position": ("positions", "missing", skipped_position),
    "a log set back": ("checkpoints", "the log ends at", restored_log),
    "a skipped version": ("versions", "has version", skipped_version),
    "a changed byte": ("chain", "does not follow", changed_byte),
    "a changed hash of a counter": ("chain", "hash of its counter", changed_counter_hash),
    "a swapped pair": ("entries", "id, sequence", swapped_events),
    "a swapped pair of one case": ("versions", "before version", swapped_events),
    "an unreadable entry": ("entries", "unreadable", unreadable_entry),
    "a changed tag": ("entries", "another tag", changed_tag),
    "a missing referral": ("referrals", "never handed over", missing_referral),
    "a doubled referral": ("referrals", "handed over 2 times", doubled_referral),
    "a referral of no request": ("referrals", "no visit made it", referral_of_nothing),
    "a referral of another category": ("referrals", "something else", wrong_category),
    "a wait that was another": ("front_desk", "waited otherwise", said('"waited_min":12', '"waited_min":11')),
    "a number left out": ("front_desk", "number 3 where 2 comes next", said('"ticket":2', '"ticket":3')),
    "an invitation that no visit gave": ("front_desk", "says nothing of it", said(',"invitation":"4K79QX0DM"', "")),
    "a visit of an arrival that is none": (
        "front_desk",
        "which is none",
        said('"invitation":"4K79QX0DM","arrival_id":"0', '"invitation":"4K79QX0DM","arrival_id":"1'),
    ),
    "a headcount that was another": (
        "collective_actions",
        "put right from what it never was",
        lambda house: house.rewrite(
            "headcount-corrected", lambda document: document["data"]["was"].update({"headcount": 3}), service="intake"
        ),
    ),
    "somebody named twice": (
        "collective_actions",
        "names somebody twice",
        lambda house: house.rewrite(
            "attendance-withdrawn",
            lambda document: document.update({"type": "intake.attendance-recorded.v1"}),
            service="intake",
        ),
    ),
    "somebody who was there unseen": (
        "people",
        "is not kept as counted",
        figures_fault("DELETE FROM presences WHERE figure = 'participants' AND dimension = 'kind'"),
    ),
    "one person counted as two": (
        "people",
        "is not kept as counted",
        figures_fault("UPDATE presences SET root = who WHERE named = false"),
    ),
    "somebody counted twice over": (
        "people",
        "is not kept as counted",
        figures_fault("UPDATE presences SET count = count + 1 WHERE dimension = 'partner' AND named = true"),
    ),
    "a person of the year too many": (
        "people",
        "all sites: 3 kept, 2 counted",
        figures_fault("UPDATE people_counts SET count = count + 1 WHERE next_grain = ''"),
    ),
    "somebody who came again unseen": (
        "people",
        "nothing kept, -",
        figures_fault("DELETE FROM people_counts WHERE next_grain <> ''"),
    ),
    "a merge forgotten": ("people", "is tied otherwise", figures_fault("UPDATE case_ties SET kept = NULL")),
    "heads that nobody counted": (
        "figures",
        "attendances, 2008, all sites: 6 kept, 5 counted",
        figures_fault(
            "UPDATE figures SET count = count + 1 WHERE figure = 'attendances' AND dimension = 'total'"
            " AND grain = 'year' AND site = ''"
        ),
    ),
    "a doubled effect": (
        "figures",
        "visits, 2008-W11, all sites: 16 kept, 8 counted",
        figures_fault(
            "UPDATE figures SET count = count * 2 WHERE figure = 'visits' AND dimension = 'total' AND grain = 'week'"
        ),
    ),
    "a counter off by one": (
        "figures",
        "visits, 2008-W11, all sites: 9 kept, 8 counted",
        figures_fault(f"UPDATE figures SET count = count + 1 WHERE {ONE_FIGURE}"),
    ),
    "a counter gone": (
        "figures",
        "visits, 2008-W11, all sites: nothing kept, 8 counted",
        figures_fault(f"DELETE FROM figures WHERE {ONE_FIGURE}"),
    ),
    "a counter too many": (
        "figures",
        "1 kept, 0 counted",
        figures_fault("INSERT INTO figures VALUES ('visits', 'total', 'day', '', '2007-01-01', '', 1)"),
    ),
    "an item missing": (
        "queue_items",
        "is missing",
        queue_fault("DELETE FROM queue_items WHERE " + ONE_ITEM.format("queue_items")),
    ),
    "an item too many": (
        "queue_items",
        "is in no log",
        queue_fault("UPDATE queue_items SET referral_id = 'x' WHERE " + ONE_ITEM.format("queue_items")),
    ),
    "an item of another status": (
        "queue_items",
        "differs from the log in status",
        queue_fault("UPDATE queue_items SET status = 'expired' WHERE " + ONE_ITEM.format("queue_items")),
    ),
    "a referral not shown": (
        "visit_referrals",
        "is missing",
        shown_fault("DELETE FROM visit_referrals WHERE " + ONE_ITEM.format("visit_referrals")),
    ),
    "a status that it did not have": ("moves", "says that it was walked", said_fault("completed", "was", "walked")),
    "a move from the wrong state": ("moves", "completed from issued", other_fault("accepted", "referral.completed.v1")),
    "a completion without an outcome": ("moves", "without an outcome", unsaid_fault("completed", "outcome")),
    "an answer that came sooner": (
        "moves",
        "says that the first answer took 1 days",
        said_fault("accepted", "answer_days", 1),
    ),
    "an outcome of no delay": ("figures", "outcome_days of partner", unsaid_fault("completed", "outcome_days")),
    "an answer that nobody gave": (
        "figures",
        "answers, 2008-03-12, all sites",
        figures_fault(
            "UPDATE figures SET count = count + 1 WHERE figure = 'answers' AND dimension = 'total' AND grain = 'day'"
            " AND site = '' AND period = '2008-03-12'"
        ),
    ),
    "a place kept elsewhere": (
        "moves",
        "keeps one in x_b_20090105T0900, it was",
        said_fault("appointment-booked", "keeps", "x_b_20090105T0900"),
    ),
    "a place that nobody keeps": (
        "figures",
        "places, in all, all sites: 0 kept",
        figures_fault("UPDATE figures SET count = 0 WHERE figure = 'places' AND dimension = 'total'"),
    ),
    "a permanence called off unseen": (
        "figures",
        "permanences_cancelled of permanence",
        figures_fault("DELETE FROM figures WHERE figure = 'permanences_cancelled' AND dimension = 'permanence'"),
    ),
    "an undo to somewhere else": ("moves", "goes back to booked", said_fault("move-undone", "back_to", "booked")),
    "a place beyond the last": ("moves", "place 99 of", said_fault("appointment-booked", "place", 99)),
    "a reminder of what has ended": (
        "moves",
        "an answer was asked for that is",
        other_fault("reopened", "referral.reminded.v1"),
    ),
    "a follower that is not there": ("chains", "which does not follow it", said_fault("declined", "follower", "x")),
    "a follower of nobody": ("chains", "was not given on to it", unsaid_fault("declined", "follower")),
    "a follower that says it is the first": (
        "referrals",
        "handed over 2 times",
        unsaid_fault("issued", "replaces", -1),
    ),
    "a follower of another day": (
        "referrals",
        "something else",
        said_fault("issued", "requested_on", "2008-01-01", -1),
    ),
    "a referral beside a stranger": (
        "chains",
        "which does not stand beside it",
        lambda house: house.rewrite("issued", lambda document: document["data"].update({"siblings": ["x"]}), 1),
    ),
    "an unmet need that a partner has": (
        "chains",
        "is an unmet need, while",
        other_fault("need-settled", "referral.forgotten.v1"),
    ),
    "two partners at once": (
        "chains",
        "has its request untouched",
        other_fault("withdrawn", "referral.forgotten.v1"),
    ),
    "a place sold twice": ("bookings", "was given to", place_sold_twice),
    "a place that is free again": ("bookings", "is missing", queue_fault("DELETE FROM bookings WHERE place = 2")),
    "a place of nobody": (
        "bookings",
        "is in no log",
        queue_fault("INSERT INTO bookings (permanence_id, place, referral_id) VALUES ('x', 1, 'x')"),
    ),
    "another place": ("bookings", "in place", queue_fault("UPDATE bookings SET place = 5 WHERE place = 2")),
    "a permanence that takes place": (
        "permanence_cancellations",
        "is missing",
        queue_fault("DELETE FROM permanence_cancellations"),
    ),
    "a walk too many": (
        "figures",
        "handovers, 2009-01-05, all sites: 3 kept, 2 counted",
        figures_fault(f"UPDATE figures SET count = count + 1 WHERE figure = 'handovers' AND {ONE_DAY}"),
    ),
    "minutes that nobody waited": (
        "figures",
        "minutes_to_partner, 2009-01-05, all sites: 15 kept, 10 counted",
        figures_fault(f"UPDATE figures SET count = count + 5 WHERE figure = 'minutes_to_partner' AND {ONE_DAY}"),
    ),
    "a need that is met": (
        "figures",
        "needs, 2008-03-12, all sites",
        figures_fault(
            "UPDATE figures SET count = count - 1 WHERE figure = 'needs' AND dimension = 'total' AND grain = 'day'"
            " AND site = '' AND period = '2008-03-12'"
        ),
    ),
    "an item that is open no longer": (
        "queue_items",
        "differs from the log in is_open",
        queue_fault("UPDATE queue_items SET is_open = NOT is_open WHERE " + ONE_ITEM.format("queue_items")),
    ),
    "a referral shown otherwise": (
        "visit_referrals",
        "differs from the log in reason",
        shown_fault("UPDATE visit_referrals SET reason = 'x' WHERE " + ONE_ITEM.format("visit_referrals")),
    ),
    "a table that is gone": ("figures", "cannot be read", figures_fault("DROP TABLE figures")),
}


def test_a_house_without_a_fault_is_well(house: SmallHouse) -> None:
    document = asyncio.run(verify(house.settings))
    assert document["ok"], document
    assert [check["name"] for check in document["checks"]] == [
        "positions", "versions", "chain", "entries", "checkpoints", "topics", "queues", "referrals", "corrections",
        "moves", "chains",
        "front_desk", "figures", "collective_actions", "people", "queue_items", "bookings", "permanence_cancellations",
        "visit_referrals", "dead_letters",
    ]  # fmt: skip
    heads = [document["position"][name] for name in ("intake", "referral")]
    assert [head if house.is_sqlite else sum(head.values()) for head in heads] == [36, 71]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_partners_and_desk_think_of_leaves_a_house_that_is_well(tmp_path: Path, seed: int) -> None:
    settings = Settings(data=tmp_path)
    asyncio.run(furnish(settings, seed))
    house = SmallHouse(settings)
    assert house.faults() == {}
    # Nobody was asked whether the person still wants anything, and nobody has the request: it would be lost.
    lost = house.execute(
        "referral",
        "SELECT request_id FROM queue_items GROUP BY request_id HAVING sum(is_open) = 0"
        " AND sum(status = 'completed' OR (status = 'withdrawn' AND reason <> 'taken_back')"
        " OR (status = 'declined' AND reason = 'moved')) = 0",
    )
    assert lost == []


def test_a_row_older_than_its_columns_is_no_fault(small_house: SmallHouse) -> None:
    small_house.tamper("referral", "UPDATE queue_items SET queued_at = NULL, moved_at = NULL")
    assert small_house.faults() == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_by_the_check_of_its_name(small_house: SmallHouse, fault: str) -> None:
    check, words, plant = FAULTS[fault]
    plant(small_house)
    assert words in small_house.faults().get(check, "")


def test_planted_faults_are_found_on_postgresql_as_well(postgres_house: SmallHouse) -> None:
    # One after the other in one house: a fault may not hide the next.
    for fault in (
        "a counter off by one",
        "an item missing",
        "another place",
        "a need that is met",
        "a status that it did not have",
        "two partners at once",
        "a missing referral",
        "a doubled referral",
        "a changed byte",
    ):
        check, words, plant = FAULTS[fault]
        plant(postgres_house)
        assert words in postgres_house.faults().get(check, ""), fault


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("a changed byte", {"chain", "figures"}),
        ("a changed tag", {"entries"}),
        ("a counter off by one", {"figures"}),
        ("an item missing", {"queue_items"}),
        ("a changed hash of a counter", {"chain"}),
    ],
)
def test_a_fault_is_not_blamed_on_what_is_well(small_house: SmallHouse, fault: str, found: set[str]) -> None:
    FAULTS[fault][2](small_house)
    assert set(small_house.faults()) == found


async def relay(settings: Settings, bus: Valkey) -> None:
    """Fill the bus as the house does."""
    async with AsyncExitStack() as stack:
        for name in ("intake", "referral"):
            log = Log(await stack.enter_async_context(opened_database(settings.database(name), name)), name)
            await log.start()
            redis = connect(bus.url)
            stack.push_async_callback(redis.aclose)
            relay = Relay(log, redis, queues=name == "referral")
            await relay.start()
            heads = sum((await log.heads()).values())
            for pattern in (f"topic:{name}:*", *(["queue:*"] if name == "referral" else [])):
                await until(partial(holds, bus, pattern, heads), f"{pattern} is filled")
            await relay.stop()


async def holds(bus: Valkey, pattern: str, entries: int) -> bool:
    with bus.client() as client:
        found: int = sum(client.xlen(key) for key in client.scan_iter(pattern))
    return found == entries


def test_a_bus_that_differs_from_the_log_is_found(small_house: SmallHouse, valkey: Valkey) -> None:
    asyncio.run(relay(small_house.settings, valkey))
    small_house.settings = Settings(data=small_house.settings.data, redis_url=valkey.url)
    assert small_house.faults() == {}
    with valkey.client() as client:
        copied = {key: client.xrange(key) for pattern in ("topic:*", "queue:*") for key in client.scan_iter(pattern)}

        def again(key: bytes, entries: Sequence[Any]) -> None:
            client.delete(key)
            for entry_id, fields in entries:
                client.xadd(key, fields, id=entry_id)

        topic, queue = b"topic:intake:0", max((key for key in copied if b"queue:" in key), key=lambda k: len(copied[k]))
        whole = copied[topic]
        again(topic, whole[3:])
        assert small_house.faults() == {}, "a topic is a window: it may begin anywhere"
        again(topic, [*whole[:3], (whole[3][0], {b"__data__": b"{}"}), *whole[4:]])
        assert small_house.faults() == {"topics": "topic:intake:0 has another entry at 4 than the log"}
        again(topic, [*whole[:3], *whole[4:]])
        assert small_house.faults() == {"topics": "topic:intake:0 skips 4"}
        again(topic, [*whole, (b"37-0", {b"__data__": b"{}"})])
        assert small_house.faults() == {"topics": "topic:intake:0 holds 37, which its part of the log does not"}
        again(topic, whole)
        again(queue, [*copied[queue][:1], *copied[queue][2:]])
        assert "skips" in small_house.faults()["queues"]
        client.delete(topic, queue)
        assert small_house.faults() == {}, "what is wiped heals by itself"
    valkey.kill()
    assert "does not answer" in small_house.faults()["topics"]


async def record_one(settings: Settings) -> None:
    async with opened_database(settings.database("intake")) as database:
        log = Log(database, "intake")
        await log.start()
        await record(log, 1, new_id(), opens_case=True)


async def hear_one_more(settings: Settings, *, spoilt: bool) -> None:
    """One more visit, which stats cannot read."""
    async with AsyncExitStack() as stack:
        databases = {
            name: await stack.enter_async_context(opened_database(settings.database(name), name)) for name in SERVICES
        }
        catalogue = load_catalogue(settings.house_file)
        intake, referral = Log(databases["intake"], "intake"), referral_log(databases["referral"], catalogue)
        for log in (intake, referral):
            await log.start()
        await record(intake, 1, new_id(), opens_case=True)
        first, then = readers(settings, databases, intake, referral, catalogue)
        for subscription, log in first + then:
            is_stats = (subscription.place.reader, subscription.place.topic) == ("stats", "intake")
            await pass_on(log, subscription, spoilt=38 if spoilt and is_stats else 0)


def test_a_dead_letter_explains_what_is_not_counted(small_house: SmallHouse) -> None:
    asyncio.run(hear_one_more(small_house.settings, spoilt=True))
    document = asyncio.run(verify(small_house.settings))
    assert document["ok"], document
    assert document["checks"][-1]["detail"] == "1 put aside: stats intake:0:38"
    small_house.tamper("stats", "DELETE FROM dead_letters")
    assert set(small_house.faults()) == {"figures", "people"}


def test_a_log_that_nobody_has_heard_yet_is_no_fault(small_house: SmallHouse) -> None:
    asyncio.run(record_one(small_house.settings))
    document = asyncio.run(verify(small_house.settings))
    assert document["ok"], document
    assert document["position"]["intake"] == 38


def test_where_no_house_has_run_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(CannotVerify, match="no house has run there yet"):
        asyncio.run(verify(Settings(data=tmp_path)))
    with pytest.raises(CannotVerify, match="there is no folder"):
        asyncio.run(verify(Settings(data=tmp_path / "nowhere")))


def test_what_a_killed_house_committed_last_is_read(small_house: SmallHouse, tmp_path: Path) -> None:
    data = small_house.settings.data

    async def record_and_copy() -> None:
        async with opened_database(small_house.settings.database("intake")) as database:
            log = Log(database, "intake")
            await log.start()
            await record(log, 1, new_id(), opens_case=True)
            # As it lies on the disk now, the last commit beside the file.
            shutil.copytree(data, tmp_path / "killed")

    asyncio.run(record_and_copy())
    assert (tmp_path / "killed" / "intake.sqlite3-wal").stat().st_size
    card = {
        "services": {name: {"pid": 1, "url": "http://127.0.0.1:1"} for name in SERVICES},
        "bus": {"url": "unix:///x"},
    }
    (tmp_path / "killed" / "house.json").write_text(json.dumps(card))
    document = asyncio.run(verify(Settings(data=tmp_path / "killed")))
    assert document["ok"], document
    assert document["position"]["intake"] == 38


def test_a_house_that_is_just_starting_is_left_alone(small_house: SmallHouse) -> None:
    with (small_house.settings.data / "house.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CannotVerify, match="just starting"):
            asyncio.run(verify(small_house.settings))


def test_an_audit_that_nobody_waits_for_ends(small_house: SmallHouse) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Stopped), opened(small_house.settings, stop) as sources:
        audit(sources)


@pytest.mark.parametrize("fault", ["", "a counter off by one"])
def test_the_table_tells_every_check_and_the_verdict(small_house: SmallHouse, fault: str) -> None:
    if fault:
        FAULTS[fault][2](small_house)
    page = Console(file=StringIO(), width=200)
    print_document(asyncio.run(verify(small_house.settings)), page)
    assert isinstance(page.file, StringIO)
    written = page.file.getvalue()
    assert ("Something is wrong" if fault else "All is well") + ": intake at 36, referral at 71." in written
    assert ("9 kept, 8 counted" in written) == ("FAULT" in written) == bool(fault)


def test_an_audit_at_rest_changes_nothing(small_house: SmallHouse) -> None:
    data = small_house.settings.data

    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in data.iterdir()}

    small_house.faults()
    before = contents()
    small_house.faults()
    assert contents() == before
    assert {path.name for path in data.iterdir()} == {*(f"{name}.sqlite3" for name in SERVICES), "house.lock"}
