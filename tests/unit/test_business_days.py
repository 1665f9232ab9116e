"""Deadlines: how many days a partner has, and which moment is so many business days away."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalogue import Catalogue, CatalogueError, Deadlines, Site, UnknownCode, load_catalogue, read_catalogue

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
PARIS = ZoneInfo("Europe/Paris")


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


def site() -> Site:
    return house().default_site


def paris(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2008, month, day, hour, minute, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("moment", "days", "due"),
    [
        (paris(3, 10), 1, paris(3, 11)),
        # Friday, and the weekend after it.
        (paris(3, 14), 3, paris(3, 19)),
        # What comes on a weekend, or on a holiday, counts as if it had come on the next business day.
        (paris(3, 15), 3, paris(3, 20)),
        (paris(3, 16), 0, paris(3, 17)),
        # Easter Monday, the first of May and the eighth, Whit Monday.
        (paris(3, 21), 1, paris(3, 25)),
        (paris(3, 24, 23), 1, paris(3, 26, 23)),
        (paris(4, 30), 15, paris(5, 26)),
        # The clocks change between them: the hour of the day stays.
        (paris(3, 28, 17, 30), 1, paris(3, 31, 17, 30)),
        (paris(10, 24, 17, 30), 1, paris(10, 27, 17, 30)),
        (datetime(2008, 3, 10, 23, 30, tzinfo=UTC), 1, paris(3, 12, 0, 30)),
    ],
)
def test_business_days_pass_over_weekends_and_public_holidays(moment: datetime, days: int, due: datetime) -> None:
    assert site().business_days_after(moment, days) == due


def test_a_moment_without_a_zone_or_days_before_it_are_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        site().business_days_after(datetime(2008, 3, 10), 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="before"):
        site().business_days_after(paris(3, 10), -1)


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))  # noqa: DTZ001


@given(MOMENTS, st.integers(0, 40))
def test_as_many_business_days_lie_between_as_were_asked_for(moment: datetime, days: int) -> None:
    local, due = moment.astimezone(PARIS), site().business_days_after(moment, days)
    french = holidays.country_holidays("FR")

    def is_business(day: date) -> bool:
        return day.weekday() < 5 and day not in french

    assert is_business(due.date())
    assert due.tzinfo is site().zone
    assert due.time() == local.time()
    between = (local.date() + timedelta(days=n) for n in range(1, (due.date() - local.date()).days + 1))
    # Of what comes on another day, the first business day is not yet one of those waited for.
    assert sum(map(is_business, between)) == days + (not is_business(local.date()))


@given(MOMENTS, MOMENTS, st.integers(0, 20))
def test_what_comes_first_is_never_due_last_when_both_come_at_one_time_of_day(
    one: datetime, other: datetime, days: int
) -> None:
    first, last = sorted((one, datetime.combine(other.date(), one.time(), UTC)))
    gap = timedelta(hours=1)
    assert site().business_days_after(first, days) <= site().business_days_after(last, days) + gap


def test_an_hour_that_the_clocks_skip_is_told_an_hour_later() -> None:
    text = HOUSE_FILE.read_text("utf-8").replace('"Europe/Paris"', '"Africa/Cairo"')
    cairo = read_catalogue(text, "cairo.toml").default_site
    # In Egypt the clocks went forward at midnight, at the begin of Friday 28 April 2023.
    due = cairo.business_days_after(datetime(2023, 4, 27, 0, 30, tzinfo=cairo.zone), 1)
    assert due.isoformat() == "2023-04-28T01:30:00+03:00"


def test_a_partner_has_the_days_of_the_house_unless_it_states_its_own() -> None:
    assert house().deadlines("p01") == Deadlines()
    assert Deadlines() == Deadlines(first_answer_days=3, outcome_days=15, escalation_after_days=2, expiry_after_days=5)
    text = HOUSE_FILE.read_text("utf-8").replace('code = "p01"', 'code = "p01"\nfirst_answer_days = 1')
    text += "\n[deadlines]\nfirst_answer_days = 4\nescalation_after_days = 1\n"
    changed = read_catalogue(text, "changed.toml")
    assert changed.deadlines("p01") == Deadlines(first_answer_days=1, escalation_after_days=1)
    assert changed.deadlines("p02") == Deadlines(first_answer_days=4, escalation_after_days=1)
    with pytest.raises(UnknownCode):
        changed.deadlines("coordinator")


def test_a_partner_s_own_days_are_held_against_those_of_the_house() -> None:
    text = HOUSE_FILE.read_text("utf-8").replace('code = "p01"', 'code = "p01"\noutcome_days = 5')
    read_catalogue(text, "changed.toml")
    with pytest.raises(
        CatalogueError, match=r"partners\[p01\]: wants its outcome before its first answer: outcome_days 5"
    ):
        read_catalogue(text + "\n[deadlines]\nfirst_answer_days = 6\n", "changed.toml")
