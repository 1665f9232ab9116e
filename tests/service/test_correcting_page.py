"""The page on which a visit is corrected or voided, over HTTP, as a browser without scripts sends it."""

import re
from typing import Any

import httpx
import pytest

from tests.service.street import Street

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


def opened(street: Street, visit_id: str) -> tuple[str, dict[str, Any]]:
    """The page of a visit, and what its correction form holds as it stands."""
    page = street.intake.get(f"/desk/visits/{visit_id}").text
    form = page.partition("/correction")[2]
    fields: dict[str, Any] = {
        name: re.search(rf'name="{name}" [^>]*?value="([^"]+)"', form)[1]  # type: ignore[index]
        for name in ("version", "key", "was_at", "at")
    }
    fields["request"] = re.findall(r'name="request" value="([^"]+)"', form)
    for name in ("subject", "step"):
        chosen = re.findall(rf'<select name="{name}">(.*?)</select>', form, re.DOTALL)
        fields[name] = [re.search(r'value="([^"]+)" selected', each)[1] for each in chosen]  # type: ignore[index]
    fields["channel"] = re.search(r'value="(\w+)" selected', form.partition('name="channel"')[2])[1]  # type: ignore[index]
    return page, fields


def send(street: Street, visit_id: str, what: str, fields: dict[str, Any]) -> httpx.Response:
    return street.intake.post(f"/desk/visits/{visit_id}/{what}", data=fields, headers=FORM)


def shown(street: Street, visit_id: str) -> dict[str, Any]:
    visit: dict[str, Any] = street.intake.get(f"/visits/{visit_id}").json()
    return visit


def asked(visit: dict[str, Any]) -> list[tuple[str, str | None, bool]]:
    return [(one["category"], one["partner"], one["answered"]) for one in visit["requests"]]


def test_a_form_that_is_sent_as_it_came_changes_nothing(street: Street) -> None:
    visit_id = street.record("legal", "health")["visit_id"]
    _, fields = opened(street, visit_id)
    answer = send(street, visit_id, "correction", fields)
    assert answer.status_code == 409
    assert "Rien n’a été changé" in answer.text
    assert shown(street, visit_id)["changes"] == []


def test_category_partner_forgotten_request_hour_and_channel_are_put_right_at_once(street: Street) -> None:
    visit_id = street.record("legal", "employment", occurred_at="2001-04-10T10:00:00+02:00")["visit_id"]
    _, fields = opened(street, visit_id)
    fields |= {
        "subject": ["housing:", fields["subject"][1], "health:"],
        "step": ["-", "p15", "here"],
        "at": "2001-04-09T16:30",
        "channel": "phone",
    }
    answer = send(street, visit_id, "correction", fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    visit = shown(street, visit_id)
    assert asked(visit) == [("housing", None, False), ("employment", "p15", False), ("health", None, True)]
    assert (visit["channel"], visit["occurred_at"]) == ("phone", "2001-04-09T16:30:00.000+02:00")
    assert "Accueil corrigé" in street.intake.get("/desk").text


def test_what_was_not_asked_for_is_taken_away_but_not_everything(street: Street) -> None:
    visit_id = street.record("legal", "health")["visit_id"]
    _, fields = opened(street, visit_id)
    everything = send(street, visit_id, "correction", {**fields, "remove": fields["request"][:2]})
    assert everything.status_code == 422
    assert send(street, visit_id, "correction", {**fields, "remove": fields["request"][:1]}).status_code == 303
    assert asked(shown(street, visit_id)) == [("health", None, False)]


def test_the_second_of_two_half_past_twos_stays_where_it_is(street: Street) -> None:
    visit_id = street.record("legal", occurred_at="2007-10-28T02:30:00+01:00")["visit_id"]
    _, fields = opened(street, visit_id)
    send(street, visit_id, "correction", {**fields, "channel": "mail"})
    assert shown(street, visit_id)["occurred_at"] == "2007-10-28T02:30:00.000+01:00"


def test_a_visit_is_voided_by_one_form_and_struck_out_in_the_day(street: Street) -> None:
    visit_id = street.record("elderly")["visit_id"]
    _, fields = opened(street, visit_id)
    form = {"version": fields["version"], "key": f"{visit_id}-void", "reason": "test"}
    assert send(street, visit_id, "void", form).status_code == 303
    # The same form once more, by a second press: it has happened.
    assert send(street, visit_id, "void", form).status_code == 303
    assert shown(street, visit_id)["voided_for"] == "test"
    page = street.intake.get("/desk").text
    assert re.search(rf'/desk/visits/{visit_id}".*<s>', page)
    assert "Cet accueil est annulé" in opened_text(street, visit_id)


def opened_text(street: Street, visit_id: str) -> str:
    return street.intake.get(f"/desk/visits/{visit_id}").text


def test_whoever_comes_second_sees_what_it_is_by_now(street: Street) -> None:
    visit_id = street.record("legal")["visit_id"]
    _, fields = opened(street, visit_id)
    assert send(street, visit_id, "correction", {**fields, "channel": "mail"}).status_code == 303
    late = send(street, visit_id, "correction", {**fields, "channel": "home", "key": "another-key"})
    assert late.status_code == 412
    assert "Quelqu’un d’autre a changé cet accueil" in late.text


def test_the_last_entry_is_the_one_that_was_made_last_whenever_it_happened(street: Street) -> None:
    street.record("legal")
    visit_id = street.record("legal", occurred_at="2001-05-10T10:00:00+02:00")["visit_id"]
    assert re.search(rf'href="/desk/visits/{visit_id}" id="last"', street.intake.get("/desk").text)


@pytest.mark.parametrize(
    "forged", [{"at": "yesterday"}, {"subject": ["nothing:", "-"]}, {"step": ["p99", "-"]}, {"at": "2999-01-01T10:00"}]
)
def test_a_forged_answer_is_refused(street: Street, forged: dict[str, Any]) -> None:
    visit_id = street.record("legal")["visit_id"]
    _, fields = opened(street, visit_id)
    assert send(street, visit_id, "correction", {**fields, **forged}).status_code == 422
    assert shown(street, visit_id)["changes"] == []


def test_a_visit_that_there_is_not_has_no_page(street: Street) -> None:
    absent = "01900000-0000-7000-8000-00000000dead"
    assert street.intake.get(f"/desk/visits/{absent}").status_code == 404
    assert send(street, absent, "void", {"version": 1, "key": "k"}).status_code == 404
