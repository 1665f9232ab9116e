"""The life of a referral, told as stories."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from services.referral.commands import (
    AcceptReferral,
    BookAppointment,
    CancelAppointment,
    Command,
    CompleteReferral,
    DeclineReferral,
    DropNeed,
    EscalateReferral,
    ExpireReferral,
    IssueReferral,
    MissPerson,
    Move,
    ReceivePerson,
    RemindPartner,
    ReopenReferral,
    ReportNeedUnmet,
    RerouteReferral,
    SettleNeed,
    UndoMove,
    WalkPerson,
    WithdrawReferral,
)
from services.referral.decider import FROM, REFERRAL, NothingToUndo, WrongState
from services.referral.states import status_of
from services.referral.words import ENDS, OPEN, Status
from shared.events import ReferralEvent
from shared.events.needs import NeedSettled, NeedUnmet
from shared.events.referral import (
    AppointmentBooked,
    AppointmentCancelled,
    PersonMissed,
    PersonReceived,
    PersonWalked,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralEscalated,
    ReferralExpired,
    ReferralIssued,
    ReferralMoveUndone,
    ReferralReminded,
    ReferralReopened,
    ReferralRerouted,
    ReferralWithdrawn,
)
from shared.testing import given

WHERE: dict[str, Any] = {
    "request_id": "q1",
    "visit_id": "v1",
    "case_id": "c1",
    "site": "s1",
    "category": "legal",
}
DAY, LATER = "2008-03-11", "2008-03-13T09:00:00Z"
ISSUED = ReferralIssued("r1", **WHERE, partner="p07", rule="legal", catalogue_version="1", issued_on=DAY)
UNMET = NeedUnmet(**WHERE, reason="no_rule", catalogue_version="1", found_on=DAY)
ISSUE, REPORT = IssueReferral(ISSUED), ReportNeedUnmet("r1", UNMET)
ACCEPT, COMPLETE = AcceptReferral(), CompleteReferral("helped")
DECLINE = DeclineReferral("no_capacity", "partner", "r2")
NOON, TEN_PAST = "2008-03-12T12:00:00.000+01:00", "2008-03-12T12:10:59.999+01:00"
PLACE = ("s1_b1_20080312T1400", 2, "2008-03-12T14:00:00.000+01:00", "2008-03-12T16:00:00.000+01:00")


def facts(was: str) -> tuple[str, str, str, str, str]:
    return "r1", "p07", "s1", DAY, was


ACCEPTED = ReferralAccepted(*facts("issued"))
COMPLETED = ReferralCompleted(*facts("accepted"), "helped")
BOOKED = AppointmentBooked(*facts("accepted"), *PLACE)
KEPT = replace(BOOKED, keeps=PLACE[0])
WALKED = PersonWalked(*facts("issued"), NOON)


def declined(was: str) -> ReferralDeclined:
    return ReferralDeclined(*facts(was), "no_capacity", "partner", "r2")


HISTORIES: dict[Status, Sequence[ReferralEvent]] = {
    Status.ISSUED: (ISSUED,),
    Status.ACCEPTED: (ISSUED, ACCEPTED),
    Status.BOOKED: (ISSUED, ACCEPTED, BOOKED),
    Status.WALKED: (ISSUED, WALKED),
    Status.RECEIVED: (ISSUED, WALKED, PersonReceived(*facts("walked"), 10, DAY)),
    Status.MISSED: (ISSUED, PersonMissed(*facts("issued"))),
    Status.COMPLETED: (ISSUED, ACCEPTED, COMPLETED),
    Status.DECLINED: (ISSUED, declined("issued")),
    Status.REROUTED: (ISSUED, ReferralRerouted(*facts("issued"), "r2")),
    Status.EXPIRED: (ISSUED, ReferralExpired(*facts("issued"), "first_answer")),
    Status.WITHDRAWN: (ISSUED, ReferralWithdrawn(*facts("issued"), "mistake")),
    Status.UNMET: (UNMET,),
}
"""The shortest way to each status."""
MOVES: dict[type, Move] = {
    AcceptReferral: ACCEPT,
    DeclineReferral: DECLINE,
    BookAppointment: BookAppointment(*PLACE),
    CancelAppointment: CancelAppointment(PLACE[0]),
    WalkPerson: WalkPerson(NOON),
    ReceivePerson: ReceivePerson(TEN_PAST),
    MissPerson: MissPerson(TEN_PAST),
    CompleteReferral: COMPLETE,
    WithdrawReferral: WithdrawReferral("mistake"),
    RerouteReferral: RerouteReferral("r3"),
    RemindPartner: RemindPartner(LATER),
    EscalateReferral: EscalateReferral(LATER),
    ExpireReferral: ExpireReferral("r2"),
    ReopenReferral: ReopenReferral("came_back"),
    SettleNeed: SettleNeed("r2"),
    DropNeed: DropNeed("visit_voided"),
}


def test_a_request_is_handed_to_a_partner() -> None:
    given(REFERRAL).when(ISSUE).then(ISSUED)


def test_a_need_that_nobody_answers_is_the_coordinators() -> None:
    given(REFERRAL).when(REPORT).then(UNMET)


@pytest.mark.parametrize("status", HISTORIES)
def test_what_was_handed_over_is_not_handed_over_again(status: Status) -> None:
    given(REFERRAL, *HISTORIES[status]).when(ISSUE).then_nothing()
    given(REFERRAL, *HISTORIES[status]).when(REPORT).then_nothing()


@pytest.mark.parametrize("status", HISTORIES)
def test_every_state_has_its_word(status: Status) -> None:
    assert status_of(given(REFERRAL, *HISTORIES[status]).state) is status


def test_the_rules_know_every_status_and_every_move() -> None:
    assert OPEN | ENDS | {Status.UNMET} == set(Status) == set(HISTORIES)
    assert not OPEN & ENDS
    assert set(FROM) == set(MOVES)


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
@pytest.mark.parametrize("status", HISTORIES)
def test_a_move_is_made_from_where_it_is_allowed_and_from_nowhere_else(status: Status, move: type) -> None:
    story = given(REFERRAL, *HISTORIES[status]).when(MOVES[move])
    if status in FROM[move]:
        assert len(story.events) == 1
        return
    story.then_refused(WrongState, status=status, move=move, allowed_from=FROM[move])


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_nothing_moves_before_it_is_issued(move: type) -> None:
    given(REFERRAL).when(MOVES[move]).then_refused(WrongState, status=None)
    given(REFERRAL).when(UndoMove()).then_refused(NothingToUndo, status=None)


def test_a_partner_accepts_books_receives_and_completes() -> None:
    given(REFERRAL, ISSUED).when(ACCEPT).then(ACCEPTED)
    given(REFERRAL, ISSUED, ACCEPTED).when(BookAppointment(*PLACE)).then(KEPT)
    received = PersonReceived(*facts("booked"))
    given(REFERRAL, ISSUED, ACCEPTED, BOOKED).when(ReceivePerson(NOON)).then(received)
    completed = ReferralCompleted(*facts("received"), "helped")
    given(REFERRAL, ISSUED, ACCEPTED, BOOKED, received).when(COMPLETE).then(completed)


def test_who_was_walked_and_received_has_waited_whole_minutes() -> None:
    received = PersonReceived(*facts("walked"), 10, "2008-03-12")
    given(REFERRAL, ISSUED, WALKED).when(ReceivePerson(TEN_PAST)).then(received)
    left = PersonMissed(*facts("walked"), 10, "2008-03-12")
    given(REFERRAL, ISSUED, WALKED).when(MissPerson(TEN_PAST)).then(left)


def test_who_left_and_comes_back_another_day_has_not_waited_since_the_first_walk() -> None:
    left = PersonMissed(*facts("walked"), 10, "2008-03-12")
    given(REFERRAL, ISSUED, WALKED, left).when(ReceivePerson(TEN_PAST)).then(PersonReceived(*facts("missed")))


def test_clocks_that_disagree_make_no_negative_wait() -> None:
    before = "2008-03-12T11:59:00.000+01:00"
    received = PersonReceived(*facts("walked"), 0, "2008-03-12")
    given(REFERRAL, ISSUED, WALKED).when(ReceivePerson(before)).then(received)


@pytest.mark.parametrize(
    ("history", "back_to"), [((ISSUED, AppointmentBooked(*facts("issued"), *PLACE)), "issued"), ((), "accepted")]
)
def test_a_cancelled_permanence_puts_the_person_back_where_the_partner_had_them(
    history: Sequence[ReferralEvent], back_to: str
) -> None:
    story = given(REFERRAL, *(history or HISTORIES[Status.BOOKED]))
    cancelled = AppointmentCancelled(*facts("booked"), PLACE[0], back_to)
    story.when(CancelAppointment(PLACE[0])).then(cancelled)
    given(REFERRAL, *story.history, cancelled).when(UndoMove()).then_refused(NothingToUndo)


def test_an_undone_decline_gives_the_place_back() -> None:
    history = (*HISTORIES[Status.BOOKED], declined("booked"))
    undone = ReferralMoveUndone(*facts("declined"), "booked", *PLACE)
    given(REFERRAL, *history).when(UndoMove()).then(undone)
    given(REFERRAL, *history, undone).when(UndoMove()).then_refused(NothingToUndo, status=Status.BOOKED)


def test_an_undone_reopening_ends_with_the_outcome_it_had() -> None:
    reopened = ReferralReopened(*facts("completed"), "mistake")
    undone = ReferralMoveUndone(*facts("issued"), "completed", outcome="helped")
    given(REFERRAL, ISSUED, ACCEPTED, COMPLETED, reopened).when(UndoMove()).then(undone)


def test_an_undone_reopening_of_a_decline_tells_what_takes_its_place_again() -> None:
    reopened = ReferralReopened(*facts("declined"), "mistake")
    undone = ReferralMoveUndone(*facts("issued"), "declined", reason="no_capacity", follower="r4")
    given(REFERRAL, ISSUED, declined("issued"), reopened).when(UndoMove("r4")).then(undone)


def test_an_undone_reception_says_what_is_to_be_taken_off_the_figures() -> None:
    undone = ReferralMoveUndone(*facts("received"), "walked", waited_min=10, walk_ended_on=DAY)
    given(REFERRAL, *HISTORIES[Status.RECEIVED]).when(UndoMove()).then(undone)


LATE = "2008-03-20T00:10:00.000+01:00"


def test_the_first_answer_says_how_many_days_it_took_and_no_other_does() -> None:
    first = ReferralAccepted(*facts("issued"), answer_days=9)
    given(REFERRAL, ISSUED).when(AcceptReferral(LATE)).then(first)
    given(REFERRAL, ISSUED, first).when(BookAppointment(*PLACE, now=LATE)).then(KEPT)
    expired = ReferralExpired(*facts("issued"), "first_answer")
    reopened = ReferralReopened(*facts("expired"), "mistake")
    answer = ReferralDeclined(*facts("issued"), "no_capacity", "person", answer_days=9)
    given(REFERRAL, ISSUED, expired, reopened).when(DeclineReferral("no_capacity", "person", now=LATE)).then(answer)


def test_an_undone_first_answer_is_taken_off_and_the_next_one_is_the_first() -> None:
    first = ReferralAccepted(*facts("issued"), answer_days=0)
    undone = ReferralMoveUndone(*facts("accepted"), "issued", answer_days=0)
    given(REFERRAL, ISSUED, first).when(UndoMove()).then(undone)
    given(REFERRAL, ISSUED, first, undone).when(AcceptReferral(LATE)).then(
        ReferralAccepted(*facts("issued"), answer_days=9)
    )


def test_what_is_taken_back_of_an_outcome_says_which_days_are_taken_off() -> None:
    done = ReferralCompleted(*facts("accepted"), "helped", outcome_days=9)
    history = (ISSUED, ACCEPTED, done)
    given(REFERRAL, ISSUED, ACCEPTED).when(CompleteReferral("helped", LATE)).then(done)
    undone = ReferralMoveUndone(*facts("completed"), "accepted", outcome_days=9)
    given(REFERRAL, *history).when(UndoMove()).then(undone)
    reopened = ReferralReopened(*facts("completed"), "mistake", outcome_days=9)
    given(REFERRAL, *history).when(ReopenReferral("mistake")).then(reopened)
    back = ReferralMoveUndone(*facts("issued"), "completed", outcome="helped", outcome_days=9)
    given(REFERRAL, *history, reopened).when(UndoMove()).then(back)
    given(REFERRAL, *history, reopened, back).when(ReopenReferral("mistake")).then(reopened)


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (DECLINE, replace(declined("booked"), frees=PLACE[0])),
        (WithdrawReferral("mistake"), ReferralWithdrawn(*facts("booked"), "mistake", frees=PLACE[0])),
        (RerouteReferral("r2"), ReferralRerouted(*facts("booked"), "r2", frees=PLACE[0])),
        (ExpireReferral(), ReferralExpired(*facts("booked"), "outcome", frees=PLACE[0])),
        (CancelAppointment(PLACE[0]), AppointmentCancelled(*facts("booked"), PLACE[0], "accepted", frees=PLACE[0])),
        (UndoMove(), ReferralMoveUndone(*facts("booked"), "accepted", frees=PLACE[0])),
        # Who was there, or should have been, has used the place.
        (WalkPerson(NOON), PersonWalked(*facts("booked"), NOON)),
        (MissPerson(NOON), PersonMissed(*facts("booked"))),
        (COMPLETE, ReferralCompleted(*facts("booked"), "helped")),
    ],
)
def test_whatever_gives_a_place_back_says_in_which_permanence(command: Command, event: ReferralEvent) -> None:
    given(REFERRAL, ISSUED, ACCEPTED, KEPT).when(command).then(event)


def test_a_place_given_back_and_taken_again_is_told_both_times() -> None:
    freed = replace(declined("booked"), frees=PLACE[0])
    again = ReferralMoveUndone(*facts("declined"), "booked", *PLACE, keeps=PLACE[0])
    given(REFERRAL, ISSUED, ACCEPTED, KEPT, freed).when(UndoMove()).then(again)
    completed = ReferralCompleted(*facts("booked"), "helped")
    reopened = ReferralReopened(*facts("completed"), "mistake", frees=PLACE[0])
    given(REFERRAL, ISSUED, ACCEPTED, KEPT, completed).when(ReopenReferral("mistake")).then(reopened)


def test_another_place_instead_gives_the_first_one_back_until_that_is_undone() -> None:
    elsewhere = ("s1_b2_20080319T1400", *PLACE[1:])
    moved = AppointmentBooked(*facts("booked"), *elsewhere, keeps=elsewhere[0], frees=PLACE[0])
    given(REFERRAL, ISSUED, ACCEPTED, KEPT).when(BookAppointment(*elsewhere)).then(moved)
    undone = ReferralMoveUndone(*facts("booked"), "booked", *PLACE, keeps=PLACE[0], frees=elsewhere[0])
    given(REFERRAL, ISSUED, ACCEPTED, KEPT, moved).when(UndoMove()).then(undone)
    same = AppointmentBooked(*facts("booked"), *PLACE, keeps=PLACE[0], frees=PLACE[0])
    given(REFERRAL, ISSUED, ACCEPTED, KEPT).when(BookAppointment(*PLACE)).then(same)


def test_a_place_kept_before_places_were_counted_is_given_back_without_a_word() -> None:
    given(REFERRAL, ISSUED, ACCEPTED, BOOKED).when(DECLINE).then(declined("booked"))


def test_what_was_told_before_delays_were_takes_nothing_off() -> None:
    given(REFERRAL, *HISTORIES[Status.COMPLETED]).when(ReopenReferral("mistake")).then(
        ReferralReopened(*facts("completed"), "mistake")
    )
    # It was answered all the same: what comes next is no first answer.
    reopened = ReferralReopened(*facts("completed"), "mistake")
    given(REFERRAL, *HISTORIES[Status.COMPLETED], reopened).when(AcceptReferral(LATE)).then(
        ReferralAccepted(*facts("issued"))
    )


def test_an_answer_of_before_the_issue_took_no_day() -> None:
    answer = ReferralAccepted(*facts("issued"), answer_days=0)
    given(REFERRAL, ISSUED).when(AcceptReferral("2008-03-10T23:59:00.000+01:00")).then(answer)


def test_a_reopened_referral_begins_anew() -> None:
    reopened = ReferralReopened(*facts("declined"), "came_back")
    history = (*HISTORIES[Status.BOOKED], declined("booked"), reopened)
    given(REFERRAL, *history).when(ReceivePerson(NOON)).then(PersonReceived(*facts("issued")))
    given(REFERRAL, *history).when(CancelAppointment(PLACE[0])).then_refused(WrongState, status=Status.ISSUED)


@pytest.mark.parametrize(
    ("status", "deadline"), [(Status.ISSUED, "first_answer"), (Status.ACCEPTED, "outcome"), (Status.MISSED, "outcome")]
)
def test_the_first_answer_is_awaited_until_there_was_any(status: Status, deadline: str) -> None:
    story = given(REFERRAL, *HISTORIES[status])
    story.when(RemindPartner(LATER)).then(ReferralReminded("r1", "p07", "s1", deadline, LATER))
    story.when(ExpireReferral()).then(ReferralExpired(*facts(status.value), deadline))


def test_a_referral_whose_person_was_received_is_escalated_and_never_expires() -> None:
    story = given(REFERRAL, *HISTORIES[Status.RECEIVED])
    story.when(EscalateReferral(LATER)).then(ReferralEscalated("r1", "p07", "s1", "outcome"))
    story.when(ExpireReferral()).then_refused(WrongState, status=Status.RECEIVED)


def test_whoever_moves_is_asked_anew() -> None:
    reminded = ReferralReminded("r1", "p07", "s1", "first_answer", LATER)
    assert given(REFERRAL, ISSUED, reminded, reminded).state.chased == 2  # type: ignore[union-attr]
    assert given(REFERRAL, ISSUED, reminded, reminded, ACCEPTED).state.chased == 0  # type: ignore[union-attr]


def test_a_need_is_settled_once_under_the_day_of_its_visit() -> None:
    settled = NeedSettled("q1", "s1", DAY, "r2", "legal", "no_rule", DAY)
    given(REFERRAL, UNMET).when(SettleNeed("r2")).then(settled)
    given(REFERRAL, UNMET, settled).when(SettleNeed("r3")).then_refused(WrongState, status=Status.REROUTED)
    given(REFERRAL, UNMET, settled).when(ReopenReferral("mistake")).then_refused(WrongState, status=Status.REROUTED)
    assert status_of(given(REFERRAL, UNMET, settled).state) is Status.REROUTED


@pytest.mark.parametrize("command", [ACCEPT, ReopenReferral("mistake"), WithdrawReferral("mistake")])
def test_a_need_is_nobodys_to_answer(command: Command) -> None:
    given(REFERRAL, UNMET).when(command).then_refused(WrongState, status=Status.UNMET)


def test_an_acceptance_of_nothing_changes_nothing() -> None:
    assert status_of(given(REFERRAL, ACCEPTED).state) is None
