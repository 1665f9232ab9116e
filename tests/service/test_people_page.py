"""The pages on which the desk looks for somebody and says who a case is about, as forms without scripts send them."""

import html
import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.servers import running_valkey
from tests.service.street import Street, open_street

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A street where everybody says who they are."""
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("people"), bus, access="required") as street:
        yield street


@pytest.fixture
def desk(closed: Street) -> httpx.Client:
    """Somebody at the front desk."""
    return closed.as_role("front_desk")


def case_of(desk: httpx.Client) -> str:
    case_id: str = desk.post("/visits", json={"requests": [{"category": "housing"}]}).json()["case_id"]
    return case_id


def invented() -> dict[str, str]:
    """Somebody whom no other test invents."""
    letters = re.sub(r"[^a-z]", "", uuid4().hex)
    return {"given_name": f"Ada{letters}", "family_name": f"Inventee{letters}", "phone": "06 00 00 07 42"}


def attach(desk: httpx.Client, case_id: str, **fields: str) -> httpx.Response:
    return desk.post(f"/cases/{case_id}/person/page", data={"key": str(uuid4()), **fields}, headers=FORM)


def person_of(desk: httpx.Client, case_id: str) -> str:
    person_id: str = desk.get(f"/cases/{case_id}").json()["person_id"]
    return person_id


def test_somebody_new_is_said_to_be_whom_a_case_is_about_and_found_again(desk: httpx.Client) -> None:
    case_id, who = case_of(desk), invented()
    answer = attach(desk, case_id, **who, safe_to_contact="false")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{case_id}/page")
    person_id = person_of(desk, case_id)
    assert f'href="/people/{person_id}/page"' in desk.get(f"/cases/{case_id}/page").text
    found = desk.post("/desk/people", data={"name": who["family_name"]}, headers=FORM).text
    assert who["family_name"] in found
    assert "finissant par 742" in found
    assert who["phone"] not in found
    page = desk.get(f"/people/{person_id}/page").text
    assert who["phone"] in page
    assert f'href="/cases/{case_id}/page"' in page


def test_who_is_probably_known_is_shown_before_anybody_is_made_twice(desk: httpx.Client) -> None:
    first, second, third, who = case_of(desk), case_of(desk), case_of(desk), invented()
    attach(desk, first, **who)
    likely = attach(desk, second, **who)
    assert (likely.status_code, "sans doute déjà connue" in likely.text) == (409, True)
    assert person_of(desk, second) is None
    known = {"key": str(uuid4()), "person_id": person_of(desk, first)}
    assert desk.post(f"/cases/{second}/known-person/page", data=known, headers=FORM).status_code == 303
    assert person_of(desk, second) == person_of(desk, first)
    assert attach(desk, third, **who, other="true").status_code == 303
    assert person_of(desk, third) not in (None, person_of(desk, first))


def test_the_form_that_is_sent_twice_makes_one_person_and_says_so_twice(desk: httpx.Client) -> None:
    case_id, who = case_of(desk), {**invented(), "key": str(uuid4())}
    assert [attach(desk, case_id, **who).status_code for _ in range(2)] == [303, 303]


def test_what_was_typed_stays_beside_its_fault(desk: httpx.Client) -> None:
    case_id, who = case_of(desk), invented()
    answer = attach(desk, case_id, **{**who, "phone": "call me"})
    assert answer.status_code == 422
    assert 'aria-describedby="fault-phone"' in answer.text
    assert f'value="{who["given_name"]}"' in answer.text
    attach(desk, case_id, **who)
    twice = attach(desk, case_id, **invented())
    assert (twice.status_code, "déjà quelqu’un" in twice.text) == (409, True)


def test_a_name_is_in_no_address_and_each_reading_is_on_record(closed: Street, desk: httpx.Client) -> None:
    case_id, who = case_of(desk), invented()
    attach(desk, case_id, **who)
    person_id = person_of(desk, case_id)
    answer = desk.post("/desk/people", data={"name": who["given_name"]}, headers=FORM)
    assert who["given_name"] not in "".join(re.findall(r'(?:href|action)="([^"]*)"', answer.text))
    desk.get(f"/people/{person_id}/page")
    records = closed.as_role("data_protection").get("/audit").json()["records"]
    # Newest first.
    assert [one["what"] for one in records if person_id in str(one)][:2] == ["read", "search"]


def test_somebody_of_a_sealed_case_is_read_after_saying_why(closed: Street, desk: httpx.Client) -> None:
    case_id, who = case_of(desk), invented()
    attach(desk, case_id, **who)
    person_id = person_of(desk, case_id)
    closed.as_role("coordinator").post(f"/cases/{case_id}/seal", json={"ground": "court"})
    answer = desk.get(f"/people/{person_id}/page")
    assert (answer.status_code, answer.headers["location"]) == (
        303, f"/cases/{case_id}/opening/page?next=/people/{person_id}/page",
    )  # fmt: skip
    found = desk.post("/desk/people", data={"name": who["family_name"]}, headers=FORM).text
    assert "dossier sous scellés" in found
    assert "finissant par" not in found


def test_of_several_cases_about_somebody_the_sealed_one_is_opened(closed: Street, desk: httpx.Client) -> None:
    first, second = case_of(desk), case_of(desk)
    attach(desk, first, **invented())
    person_id = person_of(desk, first)
    known = {"key": str(uuid4()), "person_id": person_id}
    desk.post(f"/cases/{second}/known-person/page", data=known, headers=FORM)
    closed.as_role("coordinator").post(f"/cases/{second}/seal", json={"ground": "court"})
    page = f"/people/{person_id}/page"
    asked = desk.get(page).headers["location"]
    assert asked == f"/cases/{second}/opening/page?next={page}"
    form = {"reason": "La personne inventée est au guichet", "next": page}
    desk.post(asked.partition("?")[0], data=form, headers=FORM)
    assert desk.get(page).status_code == 200


def test_the_page_of_somebody_who_was_forgotten_says_so(closed: Street, desk: httpx.Client) -> None:
    case_id = case_of(desk)
    attach(desk, case_id, **invented())
    person_id = person_of(desk, case_id)
    closed.as_role("coordinator").post(f"/people/{person_id}/erasure")
    answer = desk.get(f"/people/{person_id}/page")
    assert (answer.status_code, "a été oubliée" in answer.text) == (410, True)


@pytest.mark.parametrize("role", ["partner", "statistics", "operations"])
def test_nobody_else_looks_for_people(closed: Street, role: str) -> None:
    other = closed.as_role(role, **({"partner": "p04"} if role == "partner" else {}))
    assert other.get("/desk/people").status_code == 403
    assert other.post("/desk/people", data={"name": "x"}, headers=FORM).status_code == 403


def form_of(page: str) -> dict[str, str]:
    """What the correction's form holds on a page."""
    form = 'name="version"' + page.partition('name="version"')[2].partition("</form>")[0]
    found = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', form))
    found["address"] = re.search(r'<textarea name="address"[^>]*>([^<]*)</textarea>', form)[1]  # type: ignore[index]
    for name in ("language", "safe_to_contact"):
        choices = form.partition(f'<select name="{name}"')[2].partition("</select>")[0]
        chosen = re.search(r'value="([^"]*)" selected', choices)
        found[name] = chosen[1] if chosen else ""
    return {name: html.unescape(value) for name, value in found.items() if value}


def correct(desk: httpx.Client, person_id: str, fields: dict[str, str]) -> httpx.Response:
    return desk.post(f"/people/{person_id}/page", data=fields, headers=FORM)


@pytest.fixture
def somebody(desk: httpx.Client) -> str:
    """Somebody with an address of two lines and a language that no list has."""
    case_id = case_of(desk)
    body = {**invented(), "address": "7 rue Inventée\r\n21000 Dijon", "language": "pt-BR", "safe_to_contact": False}
    person_id: str = desk.post(f"/cases/{case_id}/person", json=body).json()["person_id"]
    return person_id


def test_an_identity_is_put_right_and_whatever_was_not_touched_stays(
    closed: Street, desk: httpx.Client, somebody: str
) -> None:
    page, before = f"/people/{somebody}/page", desk.get(f"/people/{somebody}").json()
    form = form_of(desk.get(page).text)
    assert correct(desk, somebody, form).status_code == 409, "nothing was changed"
    del form["phone"]
    answer = correct(desk, somebody, {**form, "given_name": "Zoé-Inventée", "birth_date": "1931-07-04"})
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    shown = desk.get(page).text
    assert "Identité corrigée." in shown
    assert "<dd>04/07/1931</dd>" in shown
    assert shown.index(">éwé<") < shown.index(">zoulou<")
    after = desk.get(f"/people/{somebody}").json()
    changed = {"given_name": "Zoé-Inventée", "birth_date": "1931-07-04", "phone": None, "version": 2}
    assert after == {**before, **changed, "address": "7 rue Inventée\n21000 Dijon"}
    records = closed.as_role("data_protection").get("/audit").json()["records"]
    assert [one["what"] for one in records if somebody in str(one)][2] == "correction"


def test_of_two_who_correct_at_once_the_second_keeps_both(desk: httpx.Client, somebody: str) -> None:
    form = form_of(desk.get(f"/people/{somebody}/page").text)
    first = {**form, "phone": "06 00 00 01 11", "email": "a@inventee.invalid"}
    assert correct(desk, somebody, first).status_code == 303
    late = correct(desk, somebody, {**form, "phone": "06 00 00 02 22", "given_name": "Zoé-Inventée"})
    assert late.status_code == 412
    assert "Quelqu’un d’autre a corrigé" in late.text
    assert "<dd>06 00 00 01 11</dd>" in late.text
    assert (late.text.count('id="fault-phone"'), late.text.count('id="fault-email"')) == (1, 0)
    again = form_of(late.text)
    assert (again["phone"], again["email"], again["given_name"]) == (
        "06 00 00 02 22", "a@inventee.invalid", "Zoé-Inventée",
    )  # fmt: skip
    assert correct(desk, somebody, again).status_code == 303
    assert desk.get(f"/people/{somebody}").json()["version"] == 3


def test_a_correction_that_is_sent_twice_is_one(desk: httpx.Client, somebody: str) -> None:
    form = {**form_of(desk.get(f"/people/{somebody}/page").text), "given_name": "Zoé-Inventée"}
    assert [correct(desk, somebody, form).status_code for _ in range(2)] == [303, 303]
    assert desk.get(f"/people/{somebody}").json()["version"] == 2


def test_a_correction_that_cannot_be_stays_beside_its_fault(desk: httpx.Client, somebody: str) -> None:
    form = form_of(desk.get(f"/people/{somebody}/page").text)
    answer = correct(desk, somebody, {**form, "phone": "call me", "family_name": "Autre-Inventée"})
    assert (answer.status_code, 'aria-describedby="fault-phone"' in answer.text) == (422, True)
    again = form_of(answer.text)
    assert (again["phone"], again["family_name"], again["was"]) == ("call me", "Autre-Inventée", form["was"])
    assert correct(desk, somebody, {**again, "phone": form["phone"]}).status_code == 303


@pytest.mark.parametrize("forged", [{"was": "nothing"}, {"was": '{"phone": [1]}'}, {"version": "0"}, {"role": "x"}])
def test_a_forged_correction_is_refused(desk: httpx.Client, somebody: str, forged: dict[str, str]) -> None:
    form = form_of(desk.get(f"/people/{somebody}/page").text)
    assert correct(desk, somebody, {**form, "given_name": "Zoé-Inventée", **forged}).status_code == 422
    assert correct(desk, somebody, {"given_name": "Zoé", "family_name": "Inventée"}).status_code == 422


def test_a_correction_for_somebody_whose_case_was_sealed_meanwhile_waits(
    closed: Street, desk: httpx.Client, somebody: str
) -> None:
    page = f"/people/{somebody}/page"
    form = {**form_of(desk.get(page).text), "given_name": "Zoé-Inventée"}
    (case_id,) = desk.get(f"/people/{somebody}").json()["cases"]
    closed.as_role("coordinator").post(f"/cases/{case_id}/seal", json={"ground": "court"})
    waits = correct(desk, somebody, form)
    assert (waits.status_code, "Zoé-Inventée" in waits.text, f'action="{page}"' in waits.text) == (403, True, True)
    desk.post(f"/cases/{case_id}/opening", json={"reason": "La personne inventée est au guichet"})
    assert correct(desk, somebody, form).status_code == 303
