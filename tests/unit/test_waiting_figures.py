"""What the waiting room, invitations, languages and needs add up to: counted by hand over any day."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stats.projections import TOTAL, VISITS, Tally, count
from services.stats.waiting import ARRIVALS, INVITATIONS, WAITING, WAITS, wait_of
from shared.envelope import Envelope, encode
from shared.events import Event
from shared.events.desk import (
    ArrivalUndone,
    InvitationGiven,
    InvitationUsed,
    InvitationWithdrawn,
    VisitorArrived,
    VisitorLeft,
    VisitorReceived,
)
from shared.events.intake import RequestMade, VisitRecorded

SITE, DAY, NEXT = "east", "2008-03-11", "2008-03-12"
MIDNIGHT = datetime.fromisoformat(f"{DAY}T23:50:00+01:00")

ends = st.one_of(st.none(), st.tuples(st.sampled_from((VisitorReceived, VisitorLeft)), st.integers(0, 90)))


def envelope(event: Event, at: datetime) -> Envelope:
    data = msgspec.Raw(encode(event))
    moment = at.isoformat(timespec="milliseconds")
    return Envelope("1.0", "x:0:1", "x", event.event_type, "s", moment, "2030-01-01T00:00:00Z", "0000000001", 1, data)


def evening(day: Sequence[Any]) -> Iterator[Envelope]:
    """People who come shortly before midnight; who is received after it still came the day before."""
    for number, end in enumerate(day, 1):
        arrival = f"a{number}"
        yield envelope(VisitorArrived(arrival, SITE, number, MIDNIGHT.isoformat()), MIDNIGHT)
        if end is not None:
            ended, minutes = end
            yield envelope(ended(arrival, SITE, DAY, minutes), MIDNIGHT + timedelta(minutes=minutes))


# What became of somebody, the last after whatever was taken back: received or left, after so many minutes.
tries = st.lists(st.tuples(st.sampled_from((VisitorReceived, VisitorLeft)), st.integers(0, 90)), max_size=3)


@given(st.lists(st.tuples(tries, st.booleans()), max_size=8))
def test_what_is_taken_back_leaves_nothing_behind(day: Sequence[Any]) -> None:
    """Each of them as if only the last try had been made; nobody, if even that one is taken back."""
    told, right = list[Envelope](), list[Any]()
    for number, (moves, stays) in enumerate(day, 1):
        arrival = f"a{number}"
        told.append(envelope(VisitorArrived(arrival, SITE, number, MIDNIGHT.isoformat()), MIDNIGHT))
        for place, (ended, minutes) in enumerate(moves):
            told.append(envelope(ended(arrival, SITE, DAY, minutes), MIDNIGHT))
            was = "received" if ended is VisitorReceived else "left"
            is_last = place == len(moves) - 1
            if not is_last or not stays:
                becomes = "void" if is_last else "waiting"
                told.append(envelope(ArrivalUndone(arrival, SITE, DAY, was, becomes, minutes), MIDNIGHT))
        if not moves and not stays:
            told.append(envelope(ArrivalUndone(arrival, SITE, DAY, "waiting", "void"), MIDNIGHT))
        if stays:
            right.append(moves[-1] if moves else None)
    figures = {tally: step for tally, step in count(told).items() if step}
    assert figures == {tally: step for tally, step in count(list(evening(right))).items() if step}


def figure(figures: Counter[Tally], name: str, by: str = TOTAL, value: str = "") -> int:
    return figures[Tally(name, by, value, SITE, DAY)]


@given(st.lists(ends, max_size=12))
def test_arrivals_are_what_became_of_them_and_minutes_add_up(day: Sequence[Any]) -> None:
    figures = count(list(evening(day)))
    over = [end for end in day if end is not None]
    received = [minutes for ended, minutes in over if ended is VisitorReceived]
    left = [minutes for ended, minutes in over if ended is VisitorLeft]
    assert figure(figures, ARRIVALS) == len(day)
    assert figure(figures, ARRIVALS, "result", "waiting") == len(day) - len(over)
    assert figure(figures, ARRIVALS, "result", "received") == len(received)
    assert figure(figures, ARRIVALS, "result", "left") == len(left)
    assert sum(figure(figures, ARRIVALS, "wait", name) for name in WAITS) == len(over)
    assert figure(figures, WAITING) == sum(received) + sum(left)
    assert figure(figures, WAITING, "result", "received") == sum(received)
    assert {tally.day for tally in figures} <= {DAY}


@pytest.mark.parametrize(
    ("minutes", "wait"),
    [(0, "00-04"), (4, "00-04"), (5, "05-09"), (9, "05-09"), (10, "10-19"), (20, "20-39"), (39, "20-39"), (40, "40+"),
     (900, "40+")],
)  # fmt: skip
def test_a_wait_is_named_by_whole_minutes(minutes: int, wait: str) -> None:
    assert wait_of(minutes) == wait
    assert sorted(WAITS) == list(WAITS)


def test_an_invitation_that_is_used_stays_under_the_day_on_which_it_was_given() -> None:
    given_, used = InvitationGiven("C", "v", SITE, "p08"), InvitationUsed("C", SITE, "p08", DAY)
    figures = count([envelope(given_, MIDNIGHT), envelope(used, MIDNIGHT + timedelta(days=30))])
    assert +figures == Counter(
        {Tally(INVITATIONS, TOTAL, "", SITE, DAY): 1, Tally(INVITATIONS, "status", "used", SITE, DAY): 1}
    )


def test_an_invitation_that_is_withdrawn_was_never_given_and_counts_once_more_when_it_is_given_again() -> None:
    given_ = InvitationGiven("C", "v", SITE, "p08")
    gone = InvitationWithdrawn("C", SITE, "p08", DAY, "visit_corrected")
    later = MIDNIGHT + timedelta(days=30)
    assert not any(count([envelope(given_, MIDNIGHT), envelope(gone, later)]).values())
    again = [envelope(given_, MIDNIGHT), envelope(gone, later), envelope(given_, MIDNIGHT)]
    assert +count(again) == +count(again[:1])


def test_a_language_and_needs_count_only_where_they_were_said() -> None:
    asked = (RequestMade("1", "legal"),)
    said = VisitRecorded("v", "c", SITE, "phone", asked, language="ar", needs=("interpreter", "reader"))
    figures = count([envelope(said, MIDNIGHT), envelope(VisitRecorded("w", "d", SITE, "phone", asked), MIDNIGHT)])
    assert figure(figures, VISITS) == 2
    assert figure(figures, VISITS, "language", "ar") == 1
    assert {tally.value for tally in figures if tally.dimension == "need"} == {"interpreter", "reader"}
    assert {tally.value for tally in figures if tally.dimension == "language"} == {"ar"}
