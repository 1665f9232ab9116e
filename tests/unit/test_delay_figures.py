"""What first answers and outcomes add to the delays: each once, and nothing of it when it is taken back."""

import msgspec
import pytest

from services.stats.delays import ANSWER_DAYS, ANSWERS, DELAYS, OUTCOME_DAYS, OUTCOMES, delay_of
from services.stats.projections import REFERRALS, TOTAL, count
from shared.envelope import Envelope, encode
from shared.events import Event
from shared.events.referral import (
    ReferralAccepted,
    ReferralCompleted,
    ReferralExpired,
    ReferralMoveUndone,
    ReferralReopened,
)

SITE, ISSUED_ON, LATER = "east", "2008-03-11", "2008-04-20T09:00:00.000+02:00"


def told(*events: Event) -> dict[tuple[str, str, str], int]:
    """What delays stand at after these events, all of which happen long after the issue: under the day of issue."""
    found = count(
        [
            Envelope("1.0", "x:0:1", "x", one.event_type, "s", LATER, LATER, "0000000001", 1, msgspec.Raw(encode(one)))
            for one in events
        ]
    )
    delays = {tally: step for tally, step in found.items() if step and tally.figure != REFERRALS}
    assert {(tally.site, tally.day) for tally in delays} <= {(SITE, ISSUED_ON)}
    return {tally[:3]: step for tally, step in delays.items()}


def about(was: str, partner: str = "p07") -> tuple[str, str, str, str, str]:
    return "r", partner, SITE, ISSUED_ON, was


ACCEPTED = ReferralAccepted(*about("issued"), answer_days=2)
COMPLETED = ReferralCompleted(*about("accepted"), "helped", outcome_days=40)
AFTER_ALL = {
    (ANSWERS, TOTAL, ""): 1,
    (ANSWERS, "partner", "p07"): 1,
    (ANSWERS, "delay", "001-002"): 1,
    (ANSWER_DAYS, TOTAL, ""): 2,
    (ANSWER_DAYS, "partner", "p07"): 2,
    (OUTCOMES, TOTAL, ""): 1,
    (OUTCOMES, "partner", "p07"): 1,
    (OUTCOMES, "delay", "031+"): 1,
    (OUTCOME_DAYS, TOTAL, ""): 40,
    (OUTCOME_DAYS, "partner", "p07"): 40,
}
ANSWERED = {counter: step for counter, step in AFTER_ALL.items() if counter[0] in (ANSWERS, ANSWER_DAYS)}
REOPENED = ReferralReopened(*about("completed"), "came_back", outcome_days=40)


def test_an_answer_and_an_outcome_count_once_under_the_day_of_issue() -> None:
    assert told(ACCEPTED, COMPLETED) == AFTER_ALL


def test_a_reopened_referral_has_no_outcome_any_more_and_keeps_its_first_answer() -> None:
    assert told(ACCEPTED, COMPLETED, REOPENED) == ANSWERED
    back = ReferralMoveUndone(*about("issued"), "completed", outcome="helped", outcome_days=40)
    assert told(ACCEPTED, COMPLETED, REOPENED, back) == AFTER_ALL


def test_what_was_a_mistake_is_taken_off() -> None:
    undone = ReferralMoveUndone(*about("completed"), "accepted", outcome_days=40)
    assert told(ACCEPTED, COMPLETED, undone) == ANSWERED
    assert told(ACCEPTED, ReferralMoveUndone(*about("accepted"), "issued", answer_days=2)) == {}


def test_an_expiry_is_no_answer() -> None:
    assert told(ReferralExpired(*about("issued"), "first_answer")) == {}


def test_what_happened_before_delays_were_told_counts_in_none_of_them() -> None:
    old = (ReferralAccepted(*about("issued")), ReferralCompleted(*about("accepted"), "helped"))
    assert told(*old, ReferralReopened(*about("completed"), "came_back")) == {}


def test_an_answer_of_the_same_day_counts_and_adds_no_day() -> None:
    same_day = told(ReferralAccepted(*about("issued"), answer_days=0))
    assert same_day == {(ANSWERS, TOTAL, ""): 1, (ANSWERS, "partner", "p07"): 1, (ANSWERS, "delay", "000"): 1}


@pytest.mark.parametrize(
    ("days", "name"),
    [
        *((0, "000"), (1, "001-002"), (2, "001-002"), (3, "003-007"), (7, "003-007"), (8, "008-014"), (14, "008-014")),
        *((15, "015-030"), (30, "015-030"), (31, "031+"), (4_000, "031+")),
    ],
)
def test_a_delay_lies_in_one_class(days: int, name: str) -> None:
    assert delay_of(days) == name


def test_the_names_of_delays_sort_as_the_times_do() -> None:
    assert sorted(DELAYS) == list(DELAYS)
