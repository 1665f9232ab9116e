"""What an event changes in a partner's queue, in the places of permanences, and in what a visit shows."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.intake.projections import change
from services.referral.projections import Change, Changes, Place, changes
from shared.catalogue import Catalogue, load_catalogue
from shared.envelope import Envelope, Recorded, encode
from shared.events import Event
from shared.events.needs import NeedSettled, NeedUnmet
from shared.events.referral import (
    AppointmentBooked,
    AppointmentCancelled,
    PermanenceCancelled,
    PersonReceived,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralEscalated,
    ReferralIssued,
    ReferralMoveUndone,
    ReferralReminded,
    ReferralReopened,
    ReferralWithdrawn,
)

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
SITE = "fontaine-d-ouche"
# A Tuesday; the first answer is due in three business days.
RECORDED_AT, OCCURRED_AT, DAY = "2008-03-11T08:30:00.000Z", "2008-03-11T09:30:00.000+01:00", "2008-03-11"
WHERE: dict[str, Any] = {"request_id": "q1", "visit_id": "v1", "case_id": "c1", "site": SITE, "category": "legal"}
ISSUED = ReferralIssued("r1", **WHERE, partner="p05", rule="x", catalogue_version="1", issued_on=DAY, replaces="r0")
UNMET = NeedUnmet(**WHERE, reason="no_partner_left", catalogue_version="1", found_on=DAY, safe_to_contact=False)
PLACE = ("s_b_20080312T1400", 2, "2008-03-12T14:00:00.000+01:00", "2008-03-12T16:00:00.000+01:00")
NO_PLACE = {"permanence_id": None, "place": None, "starts_at": None}


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


def facts(was: str) -> tuple[str, str, str, str, str]:
    return "r1", "p05", SITE, DAY, was


def changed(event: Event, stream: str = "referral-r1") -> Changes:
    return changes([Recorded(stream, 3, 0, 9, OCCURRED_AT, event, RECORDED_AT)], house())


def column(event: Event) -> Change:
    """What changes in the one row."""
    (found,) = changed(event).moved
    return found


def test_a_referral_is_a_row_in_its_partners_queue_with_its_deadlines() -> None:
    (row,) = changed(ISSUED).added
    assert (row["referral_id"], row["queue"], row["position"], row["status"]) == ("r1", "p05", 9, "issued")
    assert (row["is_open"], row["replaces"], row["reason"]) == (True, "r0", None)
    assert row["answer_due_at"] == row["next_step_at"] == "2008-03-14T08:30:00Z"
    assert row["outcome_due_at"] > row["answer_due_at"]


def test_an_unmet_need_is_the_coordinators_and_is_never_late() -> None:
    (row,) = changed(UNMET).added
    assert (row["queue"], row["status"], row["reason"]) == ("coordinator", "unmet", "no_partner_left")
    assert (row["answer_due_at"], row["next_step_at"], row["safe_to_contact"]) == (None, None, False)


@pytest.mark.parametrize(
    ("event", "columns"),
    [
        (ReferralAccepted(*facts("issued")), {"status": "accepted", "is_open": True, "undoable": True, "chased": 0}),
        (
            ReferralDeclined(*facts("booked"), "no_capacity", "partner"),
            {"status": "declined", "reason": "no_capacity", "is_open": False, "next_step_at": None, **NO_PLACE},
        ),
        (
            ReferralCompleted(*facts("received"), "helped"),
            {"status": "completed", "outcome": "helped", "is_open": False, "next_step_at": None},
        ),
        (ReferralWithdrawn(*facts("issued"), "mistake"), {"status": "withdrawn", "reason": "mistake"}),
        (
            ReferralReopened(*facts("completed"), "came_back"),
            {"status": "issued", "outcome": None, "reason": "came_back", "queued_at": RECORDED_AT, **NO_PLACE},
        ),
        (
            ReferralMoveUndone(*facts("issued"), "completed", *PLACE, "helped"),
            {"status": "completed", "outcome": "helped", "undoable": False, "place": 2},
        ),
        (
            ReferralMoveUndone(*facts("reopened"), "declined", reason="other"),
            {"status": "declined", "reason": "other", "is_open": False, **NO_PLACE},
        ),
        (AppointmentCancelled(*facts("booked"), PLACE[0], "accepted"), {"status": "accepted", "undoable": False}),
        (ReferralReminded("r1", "p05", SITE, "outcome", "2008-03-20"), {"chased": 1, "next_step_at": "2008-03-20"}),
        (ReferralEscalated("r1", "p05", SITE, "outcome"), {"chased": 2, "next_step_at": None}),
        (NeedSettled("q1", SITE, DAY, "r2"), {"status": "rerouted", "is_open": False}),
    ],
)
def test_a_move_changes_its_row(event: Event, columns: dict[str, Any]) -> None:
    found = column(event)
    assert found.referral_id == "r1"
    assert {name: found.columns[name] for name in columns} == columns
    assert found.columns["version"] == 3


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (AppointmentBooked(*facts("issued"), *PLACE), Place("r1", PLACE[0], 2)),
        (AppointmentCancelled(*facts("booked"), PLACE[0], "issued"), Place("r1")),
        (ReferralDeclined(*facts("booked"), "other", "partner"), Place("r1")),
        (ReferralReopened(*facts("completed"), "mistake"), Place("r1")),
        (ReferralMoveUndone(*facts("declined"), "booked", *PLACE), Place("r1", PLACE[0], 2)),
        (ReferralMoveUndone(*facts("booked"), "issued"), Place("r1")),
    ],
)
def test_a_place_is_given_or_free_again(event: Event, place: Place) -> None:
    assert changed(event).places == [place]


@pytest.mark.parametrize("event", [PersonReceived(*facts("booked")), ReferralCompleted(*facts("received"), "helped")])
def test_a_place_that_was_used_stays_used(event: Event) -> None:
    assert changed(event).places == []
    assert "place" not in column(event).columns


def test_a_permanence_that_is_called_off_is_noted() -> None:
    off = PermanenceCancelled(PLACE[0], "p05", SITE, PLACE[2])
    (row,) = changed(off, f"permanence-{PLACE[0]}").cancelled
    assert row == {"permanence_id": PLACE[0], "partner": "p05", "cancelled_at": OCCURRED_AT}


def shown(event: Event) -> dict[str, Any]:
    """What a visit shows after it."""
    data = msgspec.Raw(encode(event))
    at = (OCCURRED_AT, RECORDED_AT, "0000000009", 3)
    found = change(Envelope("1.0", "referral:0:9", "referral", event.event_type, "referral-r1", *at, data))
    assert found is not None
    assert found.referral_id == "r1"
    assert found.columns["version"] == 3
    return {**found.columns, "is_new": found.is_new}


def test_a_visit_shows_where_its_referrals_stand_and_why() -> None:
    assert shown(ISSUED)["partner"] == "p05"
    assert (shown(UNMET)["partner"], shown(UNMET)["status"]) == ("coordinator", "unmet")
    declined = shown(ReferralDeclined(*facts("issued"), "moved", "person"))
    assert (declined["status"], declined["reason"], declined["outcome"]) == ("declined", "moved", None)
    back = shown(ReferralMoveUndone(*facts("issued"), "completed", outcome="helped"))
    assert (back["status"], back["outcome"]) == ("completed", "helped")
    assert shown(NeedSettled("q1", SITE, DAY, "r2"))["status"] == "rerouted"
    assert "status" not in shown(ReferralReminded("r1", "p05", SITE, "outcome", "2008-03-20"))
