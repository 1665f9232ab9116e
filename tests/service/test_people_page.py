"""The pages on which the desk looks for somebody and says who a case is about, as forms without scripts send them."""

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
