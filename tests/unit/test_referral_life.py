"""Any sequence of moves: no illegal one is made, an undo goes back exactly, every end opens again, the row agrees."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection, create_engine, select

from services.referral.commands import (
    AcceptReferral,
    BookAppointment,
    CancelAppointment,
    Command,
    CompleteReferral,
    DeclineReferral,
    EscalateReferral,
    ExpireReferral,
    MissPerson,
    ReceivePerson,
    RemindPartner,
    ReopenReferral,
    RerouteReferral,
    UndoMove,
    WalkPerson,
    WithdrawReferral,
)
from services.referral.decider import FROM, REFERRAL
from services.referral.keeping import BOOKINGS, CANCELLATIONS, QUEUE_ITEMS, keeper
from services.referral.reckoning import ANSWERS
from services.referral.states import Standing, status_of
from services.referral.words import ENDS, OPEN, ChangeReason, DeclineReason, Outcome, Status
from services.stats.delays import delayed
from services.stats.places import kept
from shared.catalogue import Catalogue, load_catalogue
from shared.decider import Refusal
from shared.envelope import Recorded
from shared.events import ReferralEvent
from shared.events.referral import (
    AppointmentCancelled,
    Moved,
    ReferralCompleted,
    ReferralIssued,
    ReferralMoveUndone,
)
from shared.testing import given

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
SITE = "fontaine-d-ouche"
DAY = "2008-03-11"
ISSUED = ReferralIssued(
    "r1",
    request_id="q1",
    visit_id="v1",
    case_id="c1",
    site=SITE,
    category="legal",
    partner="p07",
    rule="legal",
    catalogue_version="1",
    issued_on=DAY,
)
NEXT = "2008-03-20T09:00:00Z"

moments = st.tuples(st.integers(10, 31), st.integers(0, 59)).map(
    lambda at: f"2008-03-{at[0]:02}T10:{at[1]:02}:00.000+01:00"
)
places = st.tuples(st.sampled_from(("s_b_20080312T1400", "s_b_20080319T1400")), st.integers(1, 3))
followers = st.none() | st.just("r2")
codes = st.sampled_from
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(AcceptReferral, moments),
    st.builds(DeclineReferral, codes(DeclineReason).map(str), codes(("partner", "person")), followers, moments),
    st.builds(
        lambda where, now: BookAppointment(
            where[0], where[1], f"{DAY}T14:00:00.000+01:00", f"{DAY}T16:00:00.000+01:00", now=now
        ),
        places,
        moments,
    ),
    st.just(CancelAppointment("s_b_20080312T1400")),
    st.builds(WalkPerson, moments),
    st.builds(ReceivePerson, moments),
    st.builds(MissPerson, moments),
    st.builds(CompleteReferral, codes(Outcome).map(str), moments),
    st.builds(WithdrawReferral, codes(ChangeReason).map(str)),
    st.builds(RerouteReferral, st.just("r2")),
    st.just(RemindPartner(NEXT)),
    st.just(EscalateReferral(NEXT)),
    st.builds(ExpireReferral, followers),
)


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


def days_since(day: str) -> int:
    """How many days after `DAY`, none before it."""
    return max(0, int(day[-2:]) - int(DAY[-2:]))


class Life(RuleBasedStateMachine):
    """One referral under any hands, its read models kept as the service keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")
        self.connection: Connection = self.engine.connect()
        for table in (QUEUE_ITEMS, BOOKINGS, CANCELLATIONS):
            table.create(self.connection)
        self.keep = keeper(house())
        self.history: list[ReferralEvent] = []
        self.moments: list[str] = []

    def teardown(self) -> None:
        self.connection.close()
        self.engine.dispose()

    @property
    def state(self) -> Standing:
        state = REFERRAL.fold(self.history)
        assert isinstance(state, Standing)
        return state

    @initialize()
    def a_request_is_handed_over(self) -> None:
        self._append([ISSUED])

    @rule(command=commands)
    def somebody_asks(self, command: Command) -> None:
        was = self.state
        story = given(REFERRAL, *self.history).when(command)
        if story.refusal is None:
            assert was.status in FROM[type(command)]
            self._append(story.events, getattr(command, "now", ""))
            assert status_of(self.state) in OPEN | ENDS
            return
        assert was.status not in FROM[type(command)]
        assert not story.events

    @precondition(lambda self: self.state.status in ENDS)
    @rule(reason=codes(ChangeReason).map(str))
    def every_end_opens_again(self, reason: str) -> None:
        self._append(given(REFERRAL, *self.history).when(ReopenReferral(reason)).events)
        assert self.state.status is Status.ISSUED
        assert self.state.appointment is None

    @rule()
    def the_last_move_is_undone_exactly(self) -> None:
        was = self.state
        story = given(REFERRAL, *self.history).when(UndoMove())
        if was.before is None:
            assert isinstance(story.refusal, Refusal)
            return
        self._append(story.events)
        assert self.state == replace(was.before, chased=0)
        assert self.state.before is None

    @invariant()
    def the_row_is_what_the_history_leads_to(self) -> None:
        if not self.history:
            return
        state = self.state
        (row,) = self.connection.execute(select(QUEUE_ITEMS)).mappings()
        place = state.appointment
        expected = {
            "status": state.status.value,
            "outcome": state.outcome,
            "reason": state.reason,
            "version": len(self.history),
            "is_open": state.status in OPEN,
            "undoable": state.before is not None,
            "permanence_id": place.permanence_id if place else None,
            "place": place.place if place else None,
            "starts_at": place.starts_at if place else None,
        }
        assert {name: row[name] for name in expected} == expected
        assert (state.chased > 0) == (row["chased"] > 0)
        assert row["is_open"] or row["next_step_at"] is None
        booked = self.connection.execute(select(BOOKINGS)).all()
        assert booked == ([(place.permanence_id, place.place, "r1")] if place else [])

    @invariant()
    def what_each_event_says_of_before_is_true(self) -> None:
        for number, event in enumerate(self.history):
            if isinstance(event, Moved):
                before = status_of(REFERRAL.fold(self.history[:number]))
                after = status_of(REFERRAL.fold(self.history[: number + 1]))
                assert (event.was, event.becomes) == (before, after)

    @invariant()
    def what_is_completed_has_an_outcome_and_nothing_else_has(self) -> None:
        if self.history:
            assert (self.state.status is Status.COMPLETED) == (self.state.outcome is not None)

    @invariant()
    def a_walk_is_counted_once_or_taken_off_again(self) -> None:
        counted = 0
        for event in self.history:
            if isinstance(event, Moved) and getattr(event, "waited_min", None) is not None:
                counted += -1 if isinstance(event, ReferralMoveUndone) else 1
        walks = sum(event.event_type == "referral.person-walked.v1" for event in self.history)
        assert 0 <= counted <= walks

    @invariant()
    def the_delays_that_events_add_up_to_are_those_of_the_history(self) -> None:
        answers, outcomes = list[int](), list[int]()
        for event in self.history:
            for told in delayed(event) if isinstance(event, Moved) else ():
                days = answers if told.figure == "answers" else outcomes
                assert (told.day, told.partner) == (DAY, "p07")
                days.append(told.days) if told.step == 1 else days.remove(told.days)
        # What was undone has not happened, and neither has its undoing.
        stands = list[int]()
        for number, event in enumerate(self.history):
            if isinstance(event, ReferralMoveUndone):
                stands.pop()
            elif isinstance(event, Moved):
                stands.append(number)
        answered = [self.moments[number][:10] for number in stands if isinstance(self.history[number], ANSWERS)]
        assert answers == [days_since(day) for day in answered[:1]]
        ended = [self.moments[number][:10] for number in stands if isinstance(self.history[number], ReferralCompleted)]
        assert outcomes == ([days_since(ended[-1])] if self.history and self.state.outcome else [])

    @invariant()
    def the_places_that_events_add_up_to_are_those_that_are_booked(self) -> None:
        told = [place for event in self.history if isinstance(event, Moved) for place in kept(event)]
        kept_in: Counter[str] = Counter()
        for place in told:
            kept_in[place.day] += place.step
        booked = self.connection.execute(select(BOOKINGS.c.permanence_id)).scalars().all()
        assert {day: number for day, number in kept_in.items() if number} == {
            f"{one[4:8]}-{one[8:10]}-{one[10:12]}": 1 for one in booked
        }

    def _append(self, events: Sequence[Any], now: str = "") -> None:
        for event in events:
            self.moments.append(now)
            self.history.append(event)
            version = len(self.history)
            at = f"2008-03-12T11:00:00.{version:03}+01:00"
            recorded = Recorded("referral-r1", version, 0, version, at, event, "2008-03-12T10:00:00Z")
            self.keep(self.connection, [recorded])


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=20, deadline=None)
TestLife = Life.TestCase


def test_a_cancelled_appointment_is_nobodys_mistake() -> None:
    booked = BookAppointment("s_b_20080312T1400", 1, f"{DAY}T14:00:00.000+01:00", f"{DAY}T16:00:00.000+01:00")
    history: list[Any] = [ISSUED, *given(REFERRAL, ISSUED).when(booked).events]
    history += given(REFERRAL, *history).when(CancelAppointment("s_b_20080312T1400")).events
    assert isinstance(history[-1], AppointmentCancelled)
    state = REFERRAL.fold(history)
    assert isinstance(state, Standing)
    assert (state.status, state.before) == (Status.ISSUED, None)
