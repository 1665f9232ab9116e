"""The page on which a visit is corrected or voided, over HTTP, as a browser without scripts sends it."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers import running_valkey
from tests.service.street import Street, open_street
from tests.two_sites import SECOND, house_of_two_sites

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


def held(page: str, name: str) -> list[str]:
    """What the lists of this name hold on a page."""
    lists = re.findall(rf'<select name="{name}"[^>]*>(.*?)</select>', page.partition("/correction")[2], re.DOTALL)
    return [found[1] if (found := re.search(r'value="([^"]*)" selected', each)) else "" for each in lists]


def test_language_needs_and_children_are_put_right_and_the_code_is_handed_over(street: Street) -> None:
    visit_id = street.record("legal", language="tr")["visit_id"]
    page, fields = opened(street, visit_id)
    assert held(page, "language") == ["tr"]
    said = {"language": "ar", "needs": ["interpreter"], "children": "true"}
    answer = send(street, visit_id, "correction", {**fields, **said})
    visit = shown(street, visit_id)
    assert (visit["language"], visit["needs"], visit["children"]) == ("ar", ["interpreter"], True)
    assert answer.headers["location"] == f"/desk?done={visit_id}"
    code = visit["invitation"]
    assert f"{code[:3]}-{code[3:6]}-{code[6:]}" in street.intake.get(answer.headers["location"]).text
    _, fields = opened(street, visit_id)
    send(street, visit_id, "correction", fields)
    visit = shown(street, visit_id)
    assert (visit["language"], visit["needs"], visit["children"], visit["invitation"]) == (None, [], False, None)


def test_after_a_fault_what_was_typed_is_still_there_and_the_problem_stands_beside_its_field(street: Street) -> None:
    visit_id = street.record("legal", "health")["visit_id"]
    _, fields = opened(street, visit_id)
    typed = {
        "subject": ["housing:", fields["subject"][1], "employment:"], "step": ["p15", fields["step"][1], "here"],
        "channel": "mail", "language": "ar", "needs": ["reader"], "children": "true", "at": "2999-01-01T10:00",
        "remove": fields["request"][1:2],
    }  # fmt: skip
    answer = send(street, visit_id, "correction", {**fields, **typed})
    assert answer.status_code == 422
    page = answer.text
    assert re.search(r'name="at"[^>]*value="2999-01-01T10:00"[^>]*aria-describedby="fault-at"', page)
    assert 'id="fault-at"' in page
    assert (held(page, "subject")[0], held(page, "subject")[2]) == ("housing:", "employment:")
    assert (held(page, "step")[0], held(page, "step")[2]) == ("p15", "here")
    assert (held(page, "channel"), held(page, "language")) == (["mail"], ["ar"])
    checked = re.findall(r'name="(\w+)" value="([^"]+)" checked', page)
    assert checked == [("remove", fields["request"][1]), ("needs", "reader"), ("children", "true")]
    wrong = send(street, visit_id, "correction", {**fields, "step": ["p99", fields["step"][1], "-"]})
    assert f'id="fault-request-{fields["request"][0]}"' in wrong.text
    assert send(street, visit_id, "void", {**fields, "reason": "nothing"}).status_code == 422


def test_whoever_comes_second_keeps_what_they_changed_and_sees_what_the_first_did(street: Street) -> None:
    visit_id = street.record("legal", "health")["visit_id"]
    _, fields = opened(street, visit_id)
    first = {"channel": "mail", "subject": ["housing:", *fields["subject"][1:]]}
    assert send(street, visit_id, "correction", {**fields, **first}).status_code == 303
    second = {"language": "ar", "step": [fields["step"][0], "here", "-"], "key": "another"}
    late = send(street, visit_id, "correction", {**fields, **second})
    assert late.status_code == 412
    page = late.text
    assert (held(page, "channel"), held(page, "language")) == (["mail"], ["ar"])
    assert held(page, "subject")[0].startswith("housing:")
    assert held(page, "step")[1] == "here"


WHY = "La personne est au guichet et corrige son accueil inventé"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A house of two sites, which lets nobody in who does not say who it is."""
    folder = tmp_path_factory.mktemp("two-sites")
    house = house_of_two_sites(folder)
    with running_valkey() as bus, open_street(folder / "data", bus, catalogue=house, access="required") as street:
        yield street


def test_the_site_is_offered_to_whoever_is_held_to_none(closed: Street) -> None:
    coordinator = closed.as_role("coordinator")
    sent = coordinator.post("/visits", json={"requests": [{"category": "legal"}]})
    page = f"/desk/visits/{sent.json()['visit_id']}"
    assert held(coordinator.get(page).text, "site") == ["fontaine-d-ouche"]
    own = closed.as_role("front_desk", site="fontaine-d-ouche")
    assert held(own.get(page).text, "site") == []
    fields = {
        "version": 2, "key": "there", "channel": "in_person", "at": "2008-03-11T10:00", "was_at": "2008-03-11T10:00",
        "site": SECOND, "request": [sent.json()["requests"][0]["request_id"]], "subject": ["legal:"], "step": ["-"],
    }  # fmt: skip
    refused = own.post(f"{page}/correction", data=fields, headers=FORM)
    assert refused.status_code == 403
    assert "est d’une autre maison" in refused.text
    answer = coordinator.post(f"{page}/correction", data=fields, headers=FORM)
    assert answer.headers["location"] == f"/desk?site={SECOND}"
    assert coordinator.get(page.removeprefix("/desk")).json()["site"] == SECOND


def test_the_page_of_a_sealed_case_asks_why_and_comes_back(closed: Street) -> None:
    taker, desk = closed.as_role("front_desk"), closed.as_role("front_desk", site="fontaine-d-ouche")
    sent = taker.post("/visits", json={"requests": [{"category": "legal"}]}).json()
    sealing = closed.as_role("coordinator").post(f"/cases/{sent['case_id']}/seal", json={"ground": "in_danger"})
    assert sealing.status_code == 200
    here = f"/desk/visits/{sent['visit_id']}"
    # Who took the visit goes on reading it.
    assert taker.get(here).status_code == 200
    asked = desk.get(here)
    why = asked.headers["location"]
    assert (asked.status_code, why) == (303, f"/cases/{sent['case_id']}/opening/page?next={here}")
    page = desk.get(why).text
    assert "Juridique" not in page
    # What was filled in before the case was sealed is not lost, nor carried out.
    kept = desk.post(f"{here}/void", data={"version": 2, "key": "kept", "reason": "test"}, headers=FORM)
    assert kept.status_code == 403
    assert 'name="reason" value="test"' in kept.text
    path = why.partition("?")[0]
    short = desk.post(path, data={"reason": "non", "next": here}, headers=FORM)
    assert (short.status_code, 'id="fault-reason"' in short.text, ">non</textarea>" in short.text) == (422, True, True)
    opened_now = desk.post(path, data={"reason": WHY, "next": here}, headers=FORM)
    assert (opened_now.status_code, opened_now.headers["location"]) == (303, here)
    assert desk.get(here).status_code == 200
    assert desk.post(f"{here}/void", data={"version": 2, "key": "kept", "reason": "test"}, headers=FORM).is_redirect
    elsewhere = desk.post(path, data={"reason": WHY, "next": "//elsewhere.example"}, headers=FORM)
    assert elsewhere.headers["location"] == "/"
    (opening, *_) = closed.as_role("coordinator").get("/openings").json()["openings"]
    assert opening["reason"] == WHY


def test_a_visit_that_there_is_not_has_no_page(street: Street) -> None:
    absent = "01900000-0000-7000-8000-00000000dead"
    assert street.intake.get(f"/desk/visits/{absent}").status_code == 404
    assert send(street, absent, "void", {"version": 1, "key": "k"}).status_code == 404
