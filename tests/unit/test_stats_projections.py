"""What is counted: the figures of any history equal a count by hand, however it is cut into batches."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stats.projections import (
    HANDOVERS,
    MINUTES,
    NEEDS,
    REFERRALS,
    REQUESTS,
    TOTAL,
    VISITS,
    Tally,
    count,
)
from shared.envelope import Envelope, MalformedEvent, encode
from shared.events import Event
from shared.events.intake import CaseOpened, RequestMade, VisitRecorded
from shared.events.needs import NeedSettled, NeedUnmet
from shared.events.referral import (
    PersonMissed,
    PersonReceived,
    PersonWalked,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralExpired,
    ReferralIssued,
    ReferralMoveUndone,
    ReferralReopened,
    ReferralRerouted,
)

SITES, CHANNELS = ("east", "west"), ("phone", "home")
CATEGORIES = ("legal", "health", "housing")
DAYS = ("2008-02-29", "2008-03-11", "2008-12-31")

codes = st.sampled_from
requests = st.lists(st.tuples(codes(CATEGORIES), st.booleans()), min_size=1, max_size=4)
visits = st.tuples(codes(DAYS), codes(SITES), codes(CHANNELS), requests)
# How a request that was left open goes on: it is unmet, or has this life with this partner.
LIVES = (
    (),
    ("accepted",),
    ("declined",),
    ("accepted", "declined"),
    ("accepted", "completed", "issued"),
    ("walked", "received", "completed"),
    ("walked", "missed", "received"),
    ("walked", "received", "undone"),
    ("walked", "missed", "undone", "received"),
    ("accepted", "declined-unmet"),
    ("accepted", "declined-unmet", "reopened"),
    ("rerouted",),
    ("declined-beside",),
)
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
    facts: dict[str, Any] = {**where, "category": request.category}

    def issued(name: str, partner: str, **more: Any) -> Envelope:
        given: dict[str, Any] = {"partner": partner, "rule": "x", "catalogue_version": "1", "issued_on": day}
        return envelope(ReferralIssued(name, **facts, **given, **more), day)

    yield issued("r", partner)
    was, waited, need = "issued", None, None
    for move in moves:
        about = ("r", partner, site, day, was)
        # Answered long after: it moves the figures of the day of issue, but for a walk, which is of the day it ended.
        match move:
            case "undone":
                undone = ReferralMoveUndone(*about, "walked", waited_min=waited, walk_ended_on=LATE)
                yield envelope(undone, "2009-06-02")
                was = "walked"
                continue
            case "declined-unmet":
                yield envelope(ReferralDeclined(*about, "no_capacity", "partner", "n"), LATE)
                lost: dict[str, Any] = {"reason": "no_partner_left", "catalogue_version": "1", "found_on": LATE}
                need = NeedUnmet(**facts, **lost, request_was="referred", requested_on=day, replaces="r")
                yield envelope(need, LATE)
                was = "declined"
                continue
            case "reopened":
                assert need
                yield envelope(ReferralReopened(*about, "mistake"), LATE)
                own = (need.category, need.reason, need.found_on)
                yield envelope(NeedSettled(need.request_id, site, day, "r", *own), LATE)
                was = "issued"
                continue
            case "rerouted":
                yield envelope(ReferralRerouted(*about, "r2"), LATE)
                yield issued("r2", "p09", replaces="r", requested_on=day)
            case "declined-beside":
                yield issued("b", "p09", beside=True, siblings=("r",))
                yield envelope(ReferralDeclined(*about, "no_capacity", "partner"), LATE)
            case _:
                waited = WAITED if was == "walked" else None
                yield envelope(_moved(move, partner, site, day, was, waited), LATE)
        was = move


WAITED, LATE = 7, "2009-06-01"


def _moved(move: str, partner: str, site: str, day: str, was: str, waited: int | None) -> Event:
    about, walk = ("r", partner, site, day, was), (waited, LATE if waited else None)
    match move:
        case "accepted":
            return ReferralAccepted(*about)
        case "declined":
            return ReferralDeclined(*about, "other", "partner")
        case "walked":
            return PersonWalked(*about, f"{LATE}T10:00:00.000+02:00")
        case "received":
            return PersonReceived(*about, *walk)
        case "missed":
            return PersonMissed(*about, *walk)
        case "issued":
            return ReferralReopened(*about, "mistake")
    return ReferralCompleted(*about, "helped")


ENDS_AS = {
    "declined-unmet": "declined", "reopened": "issued", "undone": "walked", "declined-beside": "declined",
}  # fmt: skip


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
            last = ends[1][-1] if ends and ends[1] else "issued"
            unmet = ends is None or last == "declined-unmet"
            status = "answered" if answered else "unmet" if unmet else "referred"
            found[Tally(REQUESTS, "status", status, site, day)] += 1
            if answered:
                continue
            if unmet:
                reason, on = ("no_rule", day) if ends is None else ("no_partner_left", LATE)
                found[Tally(NEEDS, TOTAL, "", site, on)] += 1
                found[Tally(NEEDS, "category", category, site, on)] += 1
                found[Tally(NEEDS, "reason", reason, site, on)] += 1
            if ends is not None:
                found[Tally(REFERRALS, "status", ENDS_AS.get(last, last), site, day)] += 1
                # Another partner had it at the same time, or has it now.
                others = [("p09", "issued")] if last in ("rerouted", "declined-beside") else []
                found.update(Tally(REFERRALS, "status", status, site, day) for _partner, status in others)
                for partner in (ends[0], *(partner for partner, _status in others)):
                    found[Tally(REFERRALS, TOTAL, "", site, day)] += 1
                    found[Tally(REFERRALS, "category", category, site, day)] += 1
                    found[Tally(REFERRALS, "partner", partner, site, day)] += 1
                found.update(_walks(site, *ends))
    return found


RESULTS: dict[tuple[str, ...], Sequence[str]] = {
    ("walked", "received", "completed"): ["received"],
    ("walked", "missed", "received"): ["left"],
    # Undone, walked still, and then received after all.
    ("walked", "missed", "undone", "received"): ["received"],
}


def _walks(site: str, partner: str, moves: tuple[str, ...]) -> Counter[Tally]:
    found: Counter[Tally] = Counter()
    for result in RESULTS.get(moves, ()):
        found[Tally(HANDOVERS, TOTAL, "", site, LATE)] += 1
        found[Tally(HANDOVERS, "partner", partner, site, LATE)] += 1
        found[Tally(HANDOVERS, "result", result, site, LATE)] += 1
        if result == "received":
            found[Tally(MINUTES, TOTAL, "", site, LATE)] += WAITED
            found[Tally(MINUTES, "partner", partner, site, LATE)] += WAITED
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
        HANDOVERS: ("partner", "result"),
        MINUTES: ("partner",),
        NEEDS: ("category", "reason"),
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


def test_what_was_settled_before_needs_were_counted_takes_nothing_off() -> None:
    figures = count([envelope(NeedSettled("q", "east", DAYS[0], "r"), DAYS[1])])
    assert {tally.figure for tally in figures} == {REQUESTS}


def test_an_expired_referral_moves_from_the_status_it_had() -> None:
    figures = count([envelope(ReferralExpired("r", "p01", "east", DAYS[0], "accepted", "outcome"), DAYS[1])])
    day = DAYS[0]
    assert figures[Tally(REFERRALS, "status", "accepted", "east", day)] == -1
    assert figures[Tally(REFERRALS, "status", "expired", "east", day)] == 1
