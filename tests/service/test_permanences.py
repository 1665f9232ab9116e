"""Who is where when, over HTTP: the plan as it stands, the doors for a request, and calendars to subscribe to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar, Component

from shared.catalogue import load_catalogue
from shared.settings import Settings
from tests.service.refusals import problem_of
from tests.service.street import Street

SITE = "fontaine-d-ouche"
THURSDAY_AFTERNOON = "2008-03-13T14:30:00+01:00"
CRESUS, SECOURS, CCAS, ELDERLY = "p03", "p07", "p17", "elderly"


def permanences(street: Street, **parameters: str) -> list[dict[str, Any]]:
    answer = street.referral.get("/permanences", params=parameters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def coming(street: Street, partner: str, weeks: int) -> dict[str, Any]:
    """A permanence of the partner so many weeks from now."""
    day = datetime.now(UTC).date() + timedelta(weeks=weeks)
    parameters = {"from": day.isoformat(), "to": (day + timedelta(days=13)).isoformat(), "partner": partner}
    return permanences(street, **parameters)[0]


def now_of(street: Street, held: dict[str, Any]) -> dict[str, Any]:
    day = held["start"][:10]
    (found,) = (
        one for one in permanences(street, **{"from": day, "to": day}) if one["permanence_id"] == held["permanence_id"]
    )
    return found


def book(street: Street, held: dict[str, Any]) -> str:
    """Somebody gets a place of it; the id of the referral."""
    visit = street.record(ELDERLY, requests=[{"category": ELDERLY, "partner": held["partner"]}])
    (referral,) = street.referrals_of(visit["visit_id"])
    path = f"/referrals/{referral['referral_id']}"
    street.referral.post(f"{path}/accept", headers={"If-Match": '"1"'}).raise_for_status()
    body = {"permanence_id": held["permanence_id"]}
    street.referral.post(f"{path}/book", headers={"If-Match": '"2"'}, json=body).raise_for_status()
    found: str = referral["referral_id"]
    return found


def feed(street: Street, path: str) -> list[Component]:
    answer = street.referral.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/calendar")
    calendar = Calendar.from_ical(answer.content)
    assert isinstance(calendar, Calendar)
    assert not calendar.errors
    assert (calendar["version"], bool(calendar["prodid"])) == ("2.0", True)
    return list(calendar.walk("VEVENT"))


def test_permanences_say_how_many_places_are_left(street: Street) -> None:
    (held,) = permanences(street, **{"from": "2008-03-13", "to": "2008-03-13", "partner": CRESUS})
    assert held == {
        "permanence_id": "fontaine-d-ouche_bureau-1_20080313T1400",
        "site": SITE,
        "office": "bureau-1",
        "partner": CRESUS,
        "start": "2008-03-13T14:00:00+01:00",
        "end": "2008-03-13T17:00:00+01:00",
        "places": 6,
        "places_left": 6,
        "status": "planned",
    }


def test_a_place_that_is_booked_is_no_longer_left_and_a_cancelled_permanence_has_none(street: Street) -> None:
    held = coming(street, CCAS, weeks=5)
    book(street, held)
    assert now_of(street, held)["places_left"] == held["places_left"] - 1
    street.referral.post(f"/permanences/{held['permanence_id']}/cancel").raise_for_status()
    assert now_of(street, held) == {**held, "places_left": 0, "status": "cancelled"}
    after = (datetime.fromisoformat(held["start"]) - timedelta(minutes=1)).isoformat()
    doors = street.referral.get("/doors", params={"category": ELDERLY, "at": after}).json()
    assert held["permanence_id"] not in {door["permanence_id"] for door in doors}
    events = {str(event["uid"]): event for event in feed(street, f"/permanences/partner/{CCAS}.ics")}
    assert events[f"{held['permanence_id']}@permanences.maison"]["status"] == "CANCELLED"


def test_the_desk_reads_who_is_in_the_building_and_who_comes_next(street: Street) -> None:
    parameters = {"category": "financial", "at": THURSDAY_AFTERNOON, "site": SITE}
    first, *others = street.referral.get("/doors", params=parameters).json()
    assert first == {
        "partner": CRESUS,
        "name": "CRESUS Bourgogne - Chambre régionale de surendettement social",
        "office": "bureau-1",
        "now": True,
        "start": "2008-03-13T14:00:00+01:00",
        "end": "2008-03-13T17:00:00+01:00",
        "places_left": 6,
        "permanence_id": "fontaine-d-ouche_bureau-1_20080313T1400",
    }
    assert [(door["partner"], door["now"]) for door in others] == [(SECOURS, False), (CCAS, False)]
    wished = street.referral.get("/doors", params={**parameters, "partner": CCAS}).json()
    assert [door["partner"] for door in wished] == [CCAS, CRESUS, SECOURS]
    assert street.referral.get("/doors", params={"category": "administrative"}).json() == []


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("/permanences", {"site": "ailleurs"}, "site"),
        ("/permanences", {"partner": "p99"}, "partner"),
        ("/permanences", {"from": "2008-03-13", "to": "2008-03-12"}, "to"),
        ("/permanences", {"from": "2008-01-01", "to": "2008-12-31"}, "to"),
        ("/doors", {}, "category"),
        ("/doors", {"category": "nothing"}, "category"),
        ("/doors", {"category": "legal", "topic": "rien"}, "topic"),
        ("/doors", {"category": "legal", "partner": "p99"}, "partner"),
        ("/doors", {"category": "legal", "at": "2008-03-13T14:30:00"}, "at"),
        ("/doors", {"category": "legal", "at": "1066-10-14T09:00:00Z"}, "at"),
        ("/doors", {"category": "legal", "room": "1"}, "room"),
    ],
)
def test_what_the_house_does_not_know_is_refused_by_field(
    street: Street, path: str, parameters: dict[str, str], field: str
) -> None:
    problem = problem_of(street.referral.get(path, params=parameters), 422)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_an_office_s_feed_holds_its_past_month_and_its_coming_two(street: Street) -> None:
    events = feed(street, f"/permanences/office/{SITE}/bureau-1.ics")
    starts = [event.decoded("dtstart") for event in events]
    assert all(start.tzinfo is not None for start in starts)
    now = datetime.now(UTC)
    assert now - timedelta(days=29) <= min(starts) < now - timedelta(days=21)
    assert now + timedelta(days=49) < max(starts) <= now + timedelta(days=57)
    expected = {
        f"{one['permanence_id']}@permanences.maison": (one["start"], one["end"])
        for one in permanences(street, **{"from": day_of(min(starts)), "to": day_of(max(starts))})
        if one["office"] == "bureau-1"
    }
    assert {str(event["uid"]): hours_of(event) for event in events} == {
        uid: (datetime.fromisoformat(start), datetime.fromisoformat(end)) for uid, (start, end) in expected.items()
    }
    assert {str(event["location"]) for event in events} == {"Bureau 1, Maison de la Solidarité, Fontaine d'Ouche"}


def test_a_partner_s_feed_holds_its_own_permanences_alone(street: Street) -> None:
    events = feed(street, f"/permanences/partner/{CRESUS}.ics")
    assert len(events) >= 9
    assert {str(event["summary"]) for event in events} == {
        "CRESUS Bourgogne - Chambre régionale de surendettement social"
    }
    assert all({"dtstamp", "dtend", "status", "sequence"} <= {key.lower() for key in event} for event in events)


def test_a_calendar_that_has_not_changed_is_not_sent_again(street: Street) -> None:
    path = f"/permanences/partner/{SECOURS}.ics"
    answer = street.referral.get(path)
    again = street.referral.get(path, headers={"If-None-Match": f'"other", W/{answer.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    changed = street.referral.get(path, headers={"If-None-Match": '"other"'})
    assert (changed.status_code, changed.content) == (200, answer.content)


@pytest.mark.parametrize("path", ["office/nowhere/bureau-1.ics", f"office/{SITE}/bureau-9.ics", "partner/p99.ics"])
def test_a_calendar_of_nobody_is_not_found(street: Street, path: str) -> None:
    problem_of(street.referral.get(f"/permanences/{path}"), 404)


def day_of(moment: datetime) -> str:
    return moment.astimezone(load_catalogue(Settings().house_file).default_site.zone).date().isoformat()


def hours_of(event: Component) -> tuple[datetime, datetime]:
    return event.decoded("dtstart"), event.decoded("dtend")
