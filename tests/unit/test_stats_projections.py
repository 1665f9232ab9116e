"""What is counted: the figures of any history equal a count by hand, however it is cut into batches."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stats.projections import REFERRALS, REQUESTS, TOTAL, VISITS, Tally, count
from shared.envelope import Envelope, MalformedEvent, encode
from shared.events import Event
from shared.events.intake import CaseOpened, RequestMade, VisitRecorded
from shared.events.referral import (
    NeedUnmet,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralIssued,
)

SITES, CHANNELS = ("east", "west"), ("phone", "home")
CATEGORIES = ("legal", "health", "housing")
DAYS = ("2008-02-29", "2008-03-11", "2008-12-31")

codes = st.sampled_from
requests = st.lists(st.tuples(codes(CATEGORIES), st.booleans()), min_size=1, max_size=4)
visits = st.tuples(codes(DAYS), codes(SITES), codes(CHANNELS), requests)
# How a request that was left open goes on: it is unmet, or has this life with this partner.
LIVES = ((), ("accepted",), ("declined",), ("accepted", "declined"), ("accepted", "completed"))
fates = st.lists(st.one_of(st.none(), st.tuples(codes(("p01", "p02")), codes(LIVES))), min_size=4, max_size=4)
years = st.lists(st.tuples(visits, fates), max_size=12)


def envelope(event: Event, day: str) -> Envelope:
    at, data = f"{day}T23:30:00.000+01:00", msgspec.Raw(encode(event))
    return Envelope("1.0", "x:0:1", "x", event.event_type, "s", at, "2030-01-01T00:00:00Z", "0000000001", 1, data)


def history(year: Sequence[Any]) -> Iterator[Envelope]:
    """A year as the two topics would tell it."""
    for number, ((day, site, channel, asked), fate) in enumerate(year):
        made = tuple(RequestMade(f"{number}-{n}", *each) for n, each in enumerate(_asked(asked)))
        yield envelope(CaseOpened(f"c{number}", site), day)
        yield envelope(VisitRecorded(f"v{number}", f"c{number}", site, channel, made), day)
        for request, ends in zip(made, fate, strict=False):
            if not request.answered:
                yield from life(request, ends, site, day)


def _asked(asked: Sequence[tuple[str, bool]]) -> Iterator[tuple[Any, ...]]:
    for category, answered in asked:
        yield category, None, None, answered


def life(request: RequestMade, ends: Any, site: str, day: str) -> Iterator[Envelope]:
    where: dict[str, Any] = {"request_id": request.request_id, "visit_id": "v", "case_id": "c", "site": site}
    if ends is None:
        yield envelope(
            NeedUnmet(**where, category=request.category, reason="no_rule", catalogue_version="1", found_on=day), day
        )
        return
    partner, moves = ends
    yield envelope(
        ReferralIssued(
            "r", **where, category=request.category, partner=partner, rule="x", catalogue_version="1", issued_on=day
        ),
        day,
    )
    was = "issued"
    for move in moves:
        # Answered long after: it moves the figure of the day of issue.
        yield envelope(_moved(move, partner, site, day, was), "2009-06-01")
        was = move


def _moved(move: str, partner: str, site: str, day: str, was: str) -> Event:
    if move == "accepted":
        return ReferralAccepted("r", partner, site, day, was)
    if move == "declined":
        return ReferralDeclined("r", partner, site, day, was, "other", "partner")
    return ReferralCompleted("r", partner, site, day, was, "helped")


def by_hand(year: Sequence[Any]) -> Counter[Tally]:
    """The same figures, counted from what was put in and not from events."""
    found: Counter[Tally] = Counter()
    for (day, site, channel, asked), fate in year:
        found[Tally(VISITS, TOTAL, "", site, day)] += 1
        found[Tally(VISITS, "channel", channel, site, day)] += 1
        found.update(Tally(VISITS, "category", category, site, day) for category in {each for each, _ in asked})
        for (category, answered), ends in zip(asked, fate, strict=False):
            found[Tally(REQUESTS, TOTAL, "", site, day)] += 1
            found[Tally(REQUESTS, "category", category, site, day)] += 1
            found[Tally(REQUESTS, "channel", channel, site, day)] += 1
            status = "answered" if answered else "unmet" if ends is None else "referred"
            found[Tally(REQUESTS, "status", status, site, day)] += 1
            if status == "referred":
                partner, moves = ends
                found[Tally(REFERRALS, TOTAL, "", site, day)] += 1
                found[Tally(REFERRALS, "category", category, site, day)] += 1
                found[Tally(REFERRALS, "partner", partner, site, day)] += 1
                found[Tally(REFERRALS, "status", moves[-1] if moves else "issued", site, day)] += 1
    return found


def told(tallies: Counter[Tally]) -> dict[Tally, int]:
    return {tally: number for tally, number in tallies.items() if number}


@given(years)
def test_the_figures_equal_a_count_by_hand(year: Sequence[Any]) -> None:
    assert told(count(list(history(year)))) == told(by_hand(year))


@given(years, st.integers(1, 7), st.randoms(use_true_random=False))
def test_neither_batches_nor_the_order_of_topics_change_a_figure(year: Sequence[Any], size: int, chance: Any) -> None:
    events = list(history(year))
    chance.shuffle(events)
    added: Counter[Tally] = Counter()
    for start in range(0, len(events), size):
        for tally, step in count(events[start : start + size]).items():
            added[tally] += step
    assert told(added) == told(by_hand(year))


@given(years)
def test_what_is_divided_adds_up_to_the_total(year: Sequence[Any]) -> None:
    figures = count(list(history(year)))

    def total(figure: str, dimension: str) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for tally, number in figures.items():
            if (tally.figure, tally.dimension) == (figure, dimension):
                found[tally.site, tally.day] += number
        return +found

    for figure, dimensions in {
        VISITS: ("channel",),
        REQUESTS: ("category", "channel", "status"),
        REFERRALS: ("category", "partner", "status"),
    }.items():
        for dimension in dimensions:
            assert total(figure, dimension) == total(figure, TOTAL)


@given(years)
def test_no_figure_falls_below_zero(year: Sequence[Any]) -> None:
    assert all(number >= 0 for number in count(list(history(year))).values())


def test_a_visit_counts_once_under_a_category_however_often_it_was_asked_for() -> None:
    made = (RequestMade("1", "legal"), RequestMade("2", "legal"))
    figures = count([envelope(VisitRecorded("v", "c", "east", "phone", made), DAYS[0])])
    assert figures[Tally(VISITS, "category", "legal", "east", DAYS[0])] == 1
    assert figures[Tally(REQUESTS, "category", "legal", "east", DAYS[0])] == 2


def test_an_opened_case_counts_for_nothing() -> None:
    assert not count([envelope(CaseOpened("c", "east"), DAYS[0])])


def test_an_event_that_is_not_understood_stops_the_count() -> None:
    broken = msgspec.structs.replace(envelope(CaseOpened("c", "east"), DAYS[0]), data=msgspec.Raw(b'{"case_id":3}'))
    with pytest.raises(MalformedEvent):
        count([broken])
