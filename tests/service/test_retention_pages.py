"""The pages on which files end: lists, the archives' visa, carrying one out, and a decision about somebody."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.servers import running_valkey
from tests.service.corpus import NOBODY
from tests.service.refusals import problem_of
from tests.service.street import Street, open_street
from tests.service.test_people import attach

PAGE = "/retention/page"
LONG_AGO = "2019-03-11T09:30:00+01:00"
VISA = {"reference": "AD21/7", "signed_on": "2022-05-04"}
SURE = {"confirmed": "yes"}
# As a browser says it, of a form without a field as well.
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("house"), bus) as street:
        street.intake.headers["Authorization"] = f"Bearer {street.token('coordinator')}"
        yield street


def silent(house: Street) -> tuple[str, str]:
    """(person, case) of whom nothing was heard for years."""
    requests = [{"category": "administrative", "answered": True}]
    case_id = house.record(requests=requests, occurred_at=LONG_AGO)["case_id"]
    return attach(house, case_id).json()["person_id"], case_id


def press(house: Street, path: str, **fields: str) -> httpx.Response:
    return house.intake.post(path, data=fields, headers=FORM, follow_redirects=True)


def drawn_up(house: Street) -> str:
    """The page of a list of all who are due."""
    list_id = str(uuid4())
    assert "La liste est dressée" in press(house, PAGE, list_id=list_id).text
    return f"/eliminations/{list_id}/page"


def test_a_button_pressed_twice_draws_up_one_list(house: Street) -> None:
    person, _ = silent(house)
    assert "11 mars 2019" in house.intake.get(PAGE).text
    list_id = str(uuid4())
    for _ in range(2):
        assert person in press(house, PAGE, list_id=list_id).text
    overview = house.intake.get(PAGE).text
    assert overview.count(f"/eliminations/{list_id}/page") == 1
    assert "attend le visa des archives" in overview
    assert "déjà sur une liste qui attend" in overview


def test_a_list_is_signed_and_carried_out_and_whoever_came_back_stays(house: Street) -> None:
    (gone, _), (back, case_back) = silent(house), silent(house)
    page = drawn_up(house)
    unsigned = house.intake.get(page).text
    assert "Exécuter la liste" not in unsigned
    assert "<dt>Maison</dt>" in unsigned, "the archives see several houses' lists"
    early = press(house, f"{page}/execution", **SURE)
    assert (early.status_code, "Notez d’abord le visa" in early.text) == (409, True)
    assert "AD21/7, mercredi 4 mai 2022" in press(house, f"{page}/visa", **VISA).text
    house.record(case_id=case_back, requests=[{"category": "administrative", "answered": True}])
    unsure = press(house, f"{page}/execution")
    assert unsure.status_code == 422
    assert 'href="#field-confirmed"' in unsure.text
    assert gone in {one["owner"] for one in house.intake.get("/retention/due").json()["entries"]}
    for _ in range(2):
        done = press(house, f"{page}/execution", **SURE).text
        assert "1 est revenue entre-temps et reste" in done
        assert "Exécuter la liste" not in done
    problem_of(house.intake.get(f"/people/{gone}"), 410)
    assert house.intake.get(f"/people/{back}").json()["family_name"]
    assert "exécutée le" in house.intake.get(PAGE).text
    late = press(house, f"{page}/visa", **VISA)
    assert (late.status_code, "Quelqu’un a exécuté cette liste" in late.text) == (409, True)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"signed_on": "2999-01-01"}, "signed_on"),
        ({"signed_on": "hier"}, "signed_on"),
        ({"reference": "AD 21"}, "reference"),
    ],
)
def test_a_visa_that_cannot_be_is_named_and_what_was_typed_stays(
    changed: dict[str, str], field: str, house: Street
) -> None:
    silent(house)
    page = drawn_up(house)
    refused = press(house, f"{page}/visa", **{**VISA, **changed})
    assert refused.status_code == 422
    assert f'href="#field-{field}"' in refused.text
    assert f'value="{changed[field]}"' in refused.text


def test_somebody_is_forgotten_by_a_decision_that_is_confirmed(house: Street) -> None:
    case_id = house.record(requests=[{"category": "administrative", "answered": True}])["case_id"]
    person = attach(house, case_id).json()["person_id"]
    asked = {"person_id": person, "decision": "DPO/2026-3"}
    assert f'value="{person}"' in house.intake.get(PAGE, params={"person": person}).text
    unsure = press(house, "/retention/erasure", **asked)
    assert unsure.status_code == 422
    assert f'value="{person}"' in unsure.text
    assert house.intake.get(f"/people/{person}").status_code == 200
    unknown = press(house, "/retention/erasure", **{**asked, **SURE, "person_id": NOBODY})
    assert (unknown.status_code, "Personne n’a ce numéro" in unknown.text) == (404, True)
    assert "Cette personne est effacée" in press(house, "/retention/erasure", **asked, **SURE).text
    problem_of(house.intake.get(f"/people/{person}"), 410)


def test_a_list_that_there_is_not_is_said_so(house: Street) -> None:
    page = f"/eliminations/{NOBODY}/page"
    assert house.intake.get(page).status_code == 404
    assert press(house, f"{page}/visa", **VISA).status_code == 404
    assert press(house, f"{page}/execution", **SURE).status_code == 404
    assert press(house, PAGE, list_id="none").status_code == 422


def test_no_list_is_drawn_up_of_nobody(house: Street) -> None:
    silent(house)
    page = drawn_up(house)
    press(house, f"{page}/visa", **VISA)
    press(house, f"{page}/execution", **SURE)
    list_id = str(uuid4())
    assert list_id not in press(house, PAGE, list_id=list_id).text
    assert house.intake.get(f"/eliminations/{list_id}").status_code == 404


@pytest.mark.parametrize("role", ["front_desk", "statistics"])
def test_the_desk_and_the_city_have_no_business_there(role: str, house: Street) -> None:
    other = house.as_role(role)
    assert other.get(PAGE).status_code == 403
    assert other.post("/retention/erasure", data={"person_id": NOBODY, **SURE}).status_code == 403
