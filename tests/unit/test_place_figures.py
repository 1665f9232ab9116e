"""What kept places and called-off permanences add up to, and how full the permanences of a year were."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, create_engine

from services.stats.counting import FIGURES, additions
from services.stats.permanences import permanences, planned
from services.stats.places import CALLED_OFF, PERMANENCE, PLACES
from services.stats.projections import TOTAL, Tally, count
from shared.catalogue import Catalogue, load_catalogue
from shared.envelope import Envelope, encode
from shared.events import Event
from shared.events.referral import AppointmentBooked, PermanenceCancelled, ReferralDeclined, ReferralMoveUndone

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
SITE, TODAY = "fontaine-d-ouche", date(2009, 3, 1)


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


def told(*events: Event) -> dict[Tally, int]:
    at = "2008-12-30T09:00:00.000+01:00"
    found = count(
        [
            Envelope("1.0", "x:0:1", "x", one.event_type, "s", at, at, "0000000001", 1, msgspec.Raw(encode(one)))
            for one in events
        ]
    )
    return {tally: step for tally, step in found.items() if step and tally.figure in (PLACES, CALLED_OFF)}


def about(was: str) -> tuple[str, str, str, str, str]:
    return "r", "p01", SITE, "2008-03-11", was


def booked(permanence_id: str, **more: Any) -> AppointmentBooked:
    """Said to be kept where `keeps` says so, and not by what the booking is about."""
    return AppointmentBooked(*about("accepted"), permanence_id, 1, "", "", **more)


FIRST, SECOND = f"{SITE}_bureau-2_20090105T0900", f"{SITE}_bureau-2_20090112T0900"


def in_permanence_of(day: str) -> dict[Tally, int]:
    return {Tally(PLACES, TOTAL, "", SITE, day): 1, Tally(PLACES, "partner", "p01", SITE, day): 1}


def test_a_place_counts_on_the_day_of_the_permanence_until_it_is_given_back() -> None:
    first = booked(FIRST, keeps=FIRST)
    assert told(first) == in_permanence_of("2009-01-05")
    moved = booked(SECOND, keeps=SECOND, frees=FIRST)
    assert told(first, moved) == in_permanence_of("2009-01-12")
    declined = ReferralDeclined(*about("booked"), "other", "partner", frees=SECOND)
    assert told(first, moved, declined) == {}
    undone = ReferralMoveUndone(*about("declined"), "booked", SECOND, 1, keeps=SECOND)
    assert told(first, moved, declined, undone) == in_permanence_of("2009-01-12")


def test_another_place_of_the_same_permanence_is_one_place() -> None:
    assert told(booked(FIRST, keeps=FIRST), booked(FIRST, keeps=FIRST, frees=FIRST)) == in_permanence_of("2009-01-05")


def test_what_was_booked_before_places_were_counted_counts_nowhere() -> None:
    assert told(booked(FIRST), ReferralDeclined(*about("booked"), "other", "partner")) == {}


def test_a_permanence_called_off_counts_on_its_day_and_is_known_by_its_id() -> None:
    off = PermanenceCancelled(FIRST, "p01", SITE, "2009-01-05T09:00:00.000+01:00")
    assert told(off) == {
        Tally(CALLED_OFF, TOTAL, "", SITE, "2009-01-05"): 1,
        Tally(CALLED_OFF, "partner", "p01", SITE, "2009-01-05"): 1,
        Tally(CALLED_OFF, PERMANENCE, FIRST, SITE, "2009-01-05"): 1,
    }


@pytest.fixture
def figures() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        FIGURES.create(connection)
        yield connection
    engine.dispose()


def test_fullness_is_what_was_kept_of_what_the_past_days_of_the_schedule_offer(figures: Connection) -> None:
    plan = planned(house(), 2009, None, TODAY)
    of_partner = [one for one in plan.openings if one.partner == "p01"]
    first, second, *rest = of_partner
    later = f"{SITE}_bureau-2_20090601T0900"
    off = PermanenceCancelled(second.permanence_id, "p01", SITE, second.start.isoformat())
    events = (*(booked(one, keeps=one) for one in (first.permanence_id, first.permanence_id, later)), off)
    rows = [
        dict(zip(("figure", "dimension", "grain", "site", "period", "value", "count"), row, strict=True))
        for row in additions(told(*events))
    ]
    figures.execute(FIGURES.insert(), rows)
    review = permanences(figures, plan, {"p01": "Un partenaire"})
    assert (review["until"], review["cancelled"], review["kept"]) == ("2009-02-28", 1, 2)
    assert review["held"] == len(plan.openings) - 1
    (partner,) = (row for row in review["by_partner"] if row["partner"] == "p01")
    offered = first.places + sum(one.places for one in rest)
    assert partner == {
        "partner": "p01",
        "name": "Un partenaire",
        "held": len(of_partner) - 1,
        "cancelled": 1,
        "offered": offered,
        "kept": 2,
        "fullness": round(2 / offered, 4),
    }
    (site,) = review["by_site"]
    assert (site["site"], site["kept"], site["offered"]) == (SITE, 2, review["offered"])


def test_a_year_that_has_not_begun_has_held_nothing(figures: Connection) -> None:
    review = permanences(figures, planned(house(), 2010, SITE, TODAY), {})
    assert (review["until"], review["held"], review["fullness"], review["by_partner"]) == (None, 0, None, [])
