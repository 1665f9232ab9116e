"""The rules of a waiting room, told as stories, and tried by whatever a desk may think of."""

from collections.abc import Sequence

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from services.intake.waiting.room import (
    ROOM,
    AlreadyWaiting,
    ArrivalMovedOn,
    ArrivalUnknown,
    Command,
    Ended,
    LetVisitorGo,
    NobodyWaits,
    NoteArrival,
    ReceiveVisitor,
    UndoMove,
    Void,
    Waiting,
    minutes_between,
    room_stream,
)
from shared.decider import Refusal
from shared.events import IntakeEvent
from shared.events.desk import ArrivalUndone, VisitorArrived, VisitorLeft, VisitorReceived
from shared.testing import given

SITE, DAY = "fontaine-d-ouche", "2008-03-11"
NINE, LATER = f"{DAY}T09:00:00.000+01:00", f"{DAY}T09:12:59.000+01:00"
FIRST = VisitorArrived("a", SITE, 1, NINE)
SECOND = VisitorArrived("b", SITE, 2, NINE)
RECEIVED = VisitorReceived("a", SITE, DAY, 12)
LEFT = VisitorLeft("a", SITE, DAY, 12)
NEVER_CAME = ArrivalUndone("a", SITE, DAY, "waiting", "void")


def test_numbers_are_given_in_the_order_of_arrival() -> None:
    given(ROOM).when(NoteArrival("a", SITE, NINE)).then(FIRST)
    given(ROOM, FIRST, RECEIVED).when(NoteArrival("b", SITE, NINE)).then(SECOND)


def test_whoever_waits_is_received_or_leaves_after_whole_minutes() -> None:
    given(ROOM, FIRST, SECOND).when(ReceiveVisitor("a", LATER, 1)).then(RECEIVED)
    given(ROOM, FIRST).when(LetVisitorGo("a", LATER, 1)).then(LEFT)


@pytest.mark.parametrize("ended", [RECEIVED, LEFT])
@pytest.mark.parametrize("move", [ReceiveVisitor, LetVisitorGo])
def test_nobody_is_received_or_gone_twice(ended: IntakeEvent, move: type[ReceiveVisitor]) -> None:
    given(ROOM, FIRST, ended).when(move("a", LATER, 1)).then_refused(ArrivalMovedOn, actual=2)
    given(ROOM, FIRST, ended).when(move("a", LATER, 2)).then_refused(NobodyWaits)


def test_nobody_is_received_who_never_came() -> None:
    given(ROOM, SECOND).when(ReceiveVisitor("a", LATER, 1)).then_refused(ArrivalUnknown)
    given(ROOM, FIRST).when(NoteArrival("a", SITE, NINE)).then_refused(AlreadyWaiting)


@pytest.mark.parametrize(("ended", "was"), [(RECEIVED, "received"), (LEFT, "left")])
def test_whoever_was_received_or_gone_by_mistake_waits_again_from_when_they_came(ended: IntakeEvent, was: str) -> None:
    waits_again = ArrivalUndone("a", SITE, DAY, was, "waiting", 12)
    given(ROOM, FIRST, ended).when(UndoMove("a", LATER, 2)).then(waits_again)
    given(ROOM, FIRST, ended, waits_again).when(ReceiveVisitor("a", LATER, 3)).then(RECEIVED)
    given(ROOM, FIRST, ended, waits_again).when(ReceiveVisitor("a", LATER, 1)).then_refused(ArrivalMovedOn, actual=3)


def test_whoever_was_noted_by_mistake_never_came_and_the_number_stays_given() -> None:
    given(ROOM, FIRST).when(UndoMove("a", LATER, 1)).then(NEVER_CAME)
    given(ROOM, FIRST, NEVER_CAME).when(NoteArrival("b", SITE, NINE)).then(SECOND)
    for move in (ReceiveVisitor, LetVisitorGo, UndoMove):
        given(ROOM, FIRST, NEVER_CAME).when(move("a", LATER, 2)).then_refused(NobodyWaits, status="void")


def test_minutes_count_across_midnight_and_never_backwards() -> None:
    assert minutes_between("2008-03-30T23:50:00+02:00", "2008-03-31T00:10:00+02:00") == 20
    # Clocks are put on by an hour at two: ten minutes pass between these.
    assert minutes_between("2008-03-30T01:55:00+01:00", "2008-03-30T03:05:00+02:00") == 10
    assert minutes_between(LATER, NINE) == 0


def test_a_room_is_one_site_on_one_day() -> None:
    assert room_stream(SITE, DAY) == "waiting-fontaine-d-ouche-2008-03-11"


ids = st.sampled_from("abcd")
moments = st.integers(0, 59).map(lambda minute: f"{DAY}T09:{minute:02}:00.000+01:00")
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(NoteArrival, ids, st.just(SITE), moments),
    st.builds(ReceiveVisitor, ids, moments, st.integers(0, 3)),
    st.builds(LetVisitorGo, ids, moments, st.integers(0, 3)),
    st.builds(UndoMove, ids, moments, st.integers(0, 5)),
)


@drawn(asked=st.lists(commands, max_size=30))
def test_whatever_is_asked_nobody_ends_twice_unless_taken_back_and_numbers_have_no_gap(
    asked: Sequence[Command],
) -> None:
    history: list[IntakeEvent] = []
    for command in asked:
        try:
            history += ROOM.decide(command, ROOM.fold(history))
        except Refusal:
            continue
    room = ROOM.fold(history)
    came = [event for event in history if isinstance(event, VisitorArrived)]
    ended = [event for event in history if isinstance(event, VisitorReceived | VisitorLeft)]
    assert [event.ticket for event in came] == list(range(1, len(came) + 1))
    assert len({event.arrival_id for event in came}) == len(came)
    undone = [event for event in history if isinstance(event, ArrivalUndone)]
    assert {event.arrival_id for event in ended} <= {event.arrival_id for event in came}
    assert all(0 <= event.waited_min < 60 for event in ended)
    over = room.count("received") + room.count("left")
    assert over == len(ended) - sum(event.was != "waiting" for event in undone)
    assert room.count("void") == sum(event.becomes == "void" for event in undone)
    assert len(room.arrivals) == len(came) == len(room.waiting()) + over + room.count("void")
    assert all(isinstance(arrival, Waiting | Ended | Void) for arrival in room.arrivals.values())
    for arrival_id, arrival in room.arrivals.items():
        assert arrival.version == sum(event.arrival_id == arrival_id for event in (*came, *ended, *undone))
