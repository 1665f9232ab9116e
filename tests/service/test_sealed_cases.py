"""Sealed cases over HTTP: who reads one has said why, the coordination is told, and nothing of it is in the log."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.servers import running_valkey
from tests.service.refusals import problem_of
from tests.service.street import Street, open_street

WHY = "La personne est au guichet et demande où en est son dossier de Zoé-Inventée"
ANSWERED = {"requests": [{"category": "administrative", "answered": True}]}
PARIS = ZoneInfo("Europe/Paris")
ZOE = {"given_name": "Zoé", "family_name": "Scellée-Inventée", "phone": "06 00 00 74 31"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A street where a coordinator stands at intake's desk."""
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("house"), bus, access="required") as street:
        street.intake.headers["Authorization"] = f"Bearer {street.token('coordinator')}"
        yield street


@pytest.fixture
def worker(house: Street) -> Iterator[httpx.Client]:
    """Somebody of the front desk, as whom no other test acts."""
    with httpx.Client(base_url=house.url("intake"), timeout=20, headers=house.shown("front_desk")) as client:
        yield client


@pytest.fixture
def sealed(house: Street) -> dict[str, str]:
    """A case about somebody, sealed."""
    recorded = house.intake.post("/visits", json=ANSWERED).json()
    person = house.intake.post(f"/cases/{recorded['case_id']}/person", json=ZOE).json()
    house.intake.post(f"/cases/{recorded['case_id']}/notes", json={"text": "Une note inventée."})
    answer = house.intake.post(f"/cases/{recorded['case_id']}/seal", json={"ground": "in_danger"})
    assert answer.json() == {"case_id": recorded["case_id"], "sealed": True}
    return {"case": recorded["case_id"], "visit": recorded["visit_id"], "person": person["person_id"]}


def opened(client: httpx.Client, case_id: str, reason: str = WHY) -> httpx.Response:
    return client.post(f"/cases/{case_id}/opening", json={"reason": reason})


def trail(house: Street) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.as_role("data_protection").get("/audit").json()["records"]
    return found


@pytest.mark.parametrize("path", ["/cases/{case}", "/cases/{case}/notes", "/visits/{visit}", "/people/{person}"])
def test_nobody_reads_a_sealed_case_without_saying_why(
    house: Street, worker: httpx.Client, sealed: dict[str, str], path: str
) -> None:
    address = path.format(**sealed)
    refused = worker.get(address)
    problem_of(refused, 403)
    assert refused.json()["type"] == "/problems/case-sealed"
    assert opened(worker, sealed["case"]).status_code == 201
    assert worker.get(address).status_code == 200
    # It was opened for one of them, not for the others.
    problem_of(house.intake.get(f"/cases/{sealed['case']}"), 403)


def test_an_opening_and_each_reading_are_on_record_and_the_reason_is_not(
    house: Street, worker: httpx.Client, sealed: dict[str, str]
) -> None:
    account = worker.get("/session").json()["account_id"]
    opened(worker, sealed["case"])
    worker.get(f"/cases/{sealed['case']}")
    records = [one for one in trail(house) if one["name"] == account]
    assert [(one["what"], one["case"]) for one in records] == [
        ("read-sealed", sealed["case"]),
        ("open-sealed", sealed["case"]),
    ]
    assert records[0]["opening"] == records[1]["opening"]
    assert "Inventée" not in str(records)


def test_the_coordination_is_told_and_takes_notice(house: Street, worker: httpx.Client, sealed: dict[str, str]) -> None:
    opened(worker, sealed["case"])
    officer = house.as_role("data_protection")
    told = [one for one in officer.get("/openings").json()["openings"] if one["case_id"] == sealed["case"]]
    assert [(one["reason"], one["role"], one["seen_by"]) for one in told] == [(WHY, "front_desk", None)]
    page = officer.get("/openings/page").text
    assert WHY in page
    assert "personne en danger" in page
    seen = officer.post(f"/openings/{told[0]['opening_id']}/seen", data={})
    assert (seen.status_code, seen.headers["location"]) == (303, "/openings/page")
    told = [one for one in officer.get("/openings").json()["openings"] if one["case_id"] == sealed["case"]]
    assert told[0]["seen_by"] == officer.get("/session").json()["account_id"]
    counted = house.as_role("operations").get("/metrics").text
    assert float(counted.partition("\nmaison_sealed_openings_total ")[2].partition("\n")[0]) >= 1
    problem_of(worker.get("/openings"), 403)


def test_the_log_and_the_bus_hold_codes_and_no_reason(
    house: Street, worker: httpx.Client, sealed: dict[str, str]
) -> None:
    opened(worker, sealed["case"])
    with house.bus.client() as bus:
        entries = [fields[b"__data__"] for _, fields in bus.xrevrange("topic:intake:0", count=100)]
    about = [entry for entry in entries if sealed["case"].encode() in entry]
    assert any(b"intake.case-sealed.v1" in entry for entry in about)
    assert not [entry for entry in about if b"Invent" in entry]


def test_an_opening_ends(
    house: Street, worker: httpx.Client, sealed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.intake.seals.sealed.OPEN_FOR", timedelta(seconds=-1))
    opened(worker, sealed["case"])
    problem_of(worker.get(f"/cases/{sealed['case']}"), 403)


def test_a_seal_covers_what_is_read_with_the_case(house: Street, worker: httpx.Client, sealed: dict[str, str]) -> None:
    other = worker.post("/visits", json=ANSWERED).json()["case_id"]
    etag = worker.get(f"/cases/{other}").headers["etag"]
    opened(worker, sealed["case"])
    merged = worker.post(f"/cases/{other}/merge", json={"into": sealed["case"]}, headers={"If-Match": etag})
    assert merged.status_code == 200, merged.text
    problem_of(house.intake.get(f"/cases/{other}"), 403)
    assert worker.get(f"/cases/{other}").status_code == 200


def test_a_case_that_was_parted_and_sealed_is_in_nobodys_past_unasked(house: Street, worker: httpx.Client) -> None:
    kept, absorbed = (house.intake.post("/visits", json=ANSWERED).json() for _ in range(2))

    def move(what: str, **body: Any) -> None:
        version = house.intake.get(f"/cases/{absorbed['case_id']}").headers["etag"]
        address = f"/cases/{absorbed['case_id']}/{what}"
        assert house.intake.post(address, headers={"If-Match": version}, **body).status_code == 200

    move("merge", json={"into": kept["case_id"]})
    then = datetime.now(PARIS).isoformat(timespec="milliseconds")
    move("unmerge")
    house.intake.post(f"/cases/{absorbed['case_id']}/seal", json={"ground": "court"})
    assert worker.get(f"/cases/{kept['case_id']}").status_code == 200
    refused = worker.get(f"/cases/{kept['case_id']}", params={"at": then})
    problem_of(refused, 403)
    assert refused.json()["case_id"] == absorbed["case_id"]
    page = worker.get(f"/cases/{kept['case_id']}/page", params={"at": then[:23]})
    assert page.headers["location"].startswith(f"/cases/{absorbed['case_id']}/opening/page?next=")
    opened(worker, absorbed["case_id"])
    told = worker.get(f"/cases/{kept['case_id']}", params={"at": then}).json()
    assert {visit["visit_id"] for visit in told["visits"]} == {kept["visit_id"], absorbed["visit_id"]}


@pytest.mark.parametrize("path", ["/desk?done={visit}", "/visits/{visit}/slip"])
def test_where_somebody_of_a_sealed_case_was_sent_is_not_shown_unasked(
    worker: httpx.Client, sealed: dict[str, str], path: str
) -> None:
    address = path.format(**sealed)
    asked = worker.get(address)
    assert (asked.status_code, asked.headers["location"].partition("?")[0]) == (
        303, f"/cases/{sealed['case']}/opening/page",
    )  # fmt: skip
    form = {"reason": WHY, "next": parse_qs(urlsplit(asked.headers["location"]).query)["next"][0]}
    assert worker.post(f"/cases/{sealed['case']}/opening/page", data=form).headers["location"] == address
    assert worker.get(address).status_code == 200


def test_somebody_whose_case_is_sealed_is_found_without_the_digits(house: Street, sealed: dict[str, str]) -> None:
    found = house.intake.post("/people/search", json={"name": "Zoé Scellée-Inventée"}).json()["matches"]
    told = next(one for one in found if one["person_id"] == sealed["person"])
    assert (told["sealed"], told["phone_ending"]) == (True, None)


def test_who_took_a_visit_goes_on_reading_it(house: Street, worker: httpx.Client, sealed: dict[str, str]) -> None:
    visit = worker.post("/visits", json={**ANSWERED, "case_id": sealed["case"]}).json()["visit_id"]
    assert worker.get(f"/visits/{visit}").status_code == 200
    problem_of(house.intake.get(f"/visits/{visit}"), 403)


def test_a_seal_that_is_taken_away_holds_nobody_up(house: Street, worker: httpx.Client, sealed: dict[str, str]) -> None:
    problem_of(worker.post(f"/cases/{sealed['case']}/unseal"), 403)
    assert house.intake.post(f"/cases/{sealed['case']}/unseal").json()["sealed"] is False
    assert worker.get(f"/cases/{sealed['case']}").status_code == 200
    problem_of(opened(worker, sealed["case"]), 409)
    problem_of(house.intake.post(f"/cases/{sealed['case']}/unseal"), 409)


@pytest.mark.parametrize("reason", ["", "court", "x" * 501, "          "])
def test_a_reason_is_a_sentence(worker: httpx.Client, sealed: dict[str, str], reason: str) -> None:
    problem_of(opened(worker, sealed["case"], reason), 422, "reason")


def test_a_sealed_case_takes_visits_and_closes(house: Street, sealed: dict[str, str]) -> None:
    assert house.intake.post("/visits", json={**ANSWERED, "case_id": sealed["case"]}).status_code == 201
    problem_of(house.intake.post(f"/cases/{sealed['case']}/seal", json={"ground": "court"}), 409)
