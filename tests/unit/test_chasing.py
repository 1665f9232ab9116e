"""What the house does about a late referral, and when: over bridges, changes of the clocks and a month away."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.chasing import Due, chase
from services.referral.commands import EscalateReferral, ExpireReferral, RemindPartner
from services.referral.deadlines import answer_due
from shared.catalogue import Catalogue, load_catalogue

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
PARIS = ZoneInfo("Europe/Paris")
SITE, PARTNER = "fontaine-d-ouche", "p09"


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


def paris(month: int, day: int, hour: int = 10, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=PARIS)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(PARIS)


def steps(since: datetime) -> tuple[datetime, datetime, datetime]:
    """When a referral of that moment, which nobody ever answers, is reminded of, escalated, and expires."""
    reminded = local(answer_due(house(), PARTNER, SITE, since.isoformat()))
    reminder = chase(late(0), house(), reminded)
    assert isinstance(reminder, RemindPartner)
    escalated = local(reminder.next_step_at)
    escalation = chase(late(1), house(), escalated)
    assert isinstance(escalation, EscalateReferral)
    return reminded, escalated, local(escalation.next_step_at)


def late(chased: int) -> Due:
    return Due("r1", PARTNER, SITE, chased, 1, "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        pytest.param(paris(3, 9), (paris(3, 12), paris(3, 16), paris(3, 19)), id="ordinary weeks"),
        # Wednesday the eleventh counts for nobody.
        pytest.param(paris(11, 10), (paris(11, 16), paris(11, 18), paris(11, 23)), id="Armistice day"),
        # Two Fridays off, one after the other.
        pytest.param(paris(4, 29), (paris(5, 5), paris(5, 7), paris(5, 13)), id="first and eighth of May"),
        # Thursday off; the bridge over Friday is not in the calendar, and counts.
        pytest.param(paris(5, 13), (paris(5, 19), paris(5, 21), paris(5, 27)), id="Ascension, then Whit Monday"),
        pytest.param(paris(3, 26, 17), (paris(3, 31, 17), paris(4, 2, 17), paris(4, 8, 17)), id="clocks go forward"),
        pytest.param(paris(10, 22, 8), (paris(10, 27, 8), paris(10, 29, 8), paris(11, 3, 8)), id="clocks go back"),
    ],
)
def test_a_referral_that_nobody_answers(since: datetime, expected: tuple[datetime, datetime, datetime]) -> None:
    assert steps(since) == expected


def test_what_was_escalated_long_ago_expires_at_last() -> None:
    assert chase(late(2), house(), paris(3, 19)) == ExpireReferral()


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001 - a zone is added below
def test_however_late_a_step_is_a_whole_business_day_lies_before_the_next(naive: datetime) -> None:
    taken = naive.replace(tzinfo=PARIS)
    a_business_day_later = house().site(SITE).business_days_after(taken, 1) - timedelta(seconds=1)
    for chased in (0, 1):
        asked = chase(late(chased), house(), taken)
        assert isinstance(asked, RemindPartner | EscalateReferral)
        assert local(asked.next_step_at) >= a_business_day_later


def test_a_house_that_escalates_and_expires_on_one_day_still_leaves_a_day_between(tmp_path: Path) -> None:
    hasty = tmp_path / "hasty.toml"
    hasty.write_text(HOUSE_FILE.read_text() + "\n[deadlines]\nexpiry_after_days = 2\n")
    asked = chase(late(1), load_catalogue(hasty), paris(3, 16))
    assert isinstance(asked, EscalateReferral)
    assert local(asked.next_step_at) == paris(3, 17)
