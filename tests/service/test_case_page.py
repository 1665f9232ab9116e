"""The page of a case over HTTP, as a browser without scripts sends its forms."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers import running_valkey
from tests.service.street import Street, open_street
from tests.two_sites import SECOND, house_of_two_sites

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A street where everybody says who they are."""
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("closed"), bus, access="required") as street:
        yield street


def page_of(client: httpx.Client, case_id: str, **query: str) -> str:
    answer = client.get(f"/cases/{case_id}/page", params=query)
    assert answer.status_code == 200, answer.text
    return answer.text


def send(client: httpx.Client, case_id: str, move: str, **fields: str) -> httpx.Response:
    """The form of this move, as the page shows it now, filled in."""
    form = page_of(client, case_id).partition(f'value="{move}"')[0].rpartition("<form")[2]
    hidden = {name: re.search(rf'name="{name}" value="([^"]+)"', form)[1] for name in ("version", "key")}  # type: ignore[index]
    return client.post(f"/cases/{case_id}/page", data={**hidden, "move": move, **fields}, headers=FORM)


def test_each_visit_is_there_with_what_became_of_each_request(street: Street) -> None:
    first = street.record("housing", "administrative")
    street.record("legal", case_id=first["case_id"])
    (referral, *_) = street.referrals_of(first["visit_id"])
    told = page_of(street.intake, first["case_id"])
    assert told.count('<a href="/desk/visits/') == 2
    assert "transmise" in told
    assert referral["partner"] not in told, "a partner is called by its name"
    assert first["case_id"] in street.intake.get(f"/desk/visits/{first['visit_id']}").text


def test_a_case_is_shown_as_it_was_at_a_moment(street: Street) -> None:
    first = street.record("housing", occurred_at="2001-04-10T10:00:00+02:00")
    street.record("legal", case_id=first["case_id"], occurred_at="2001-04-12T10:00:00+02:00")
    then = page_of(street.intake, first["case_id"], at="2001-04-11T08:00")
    assert (then.count("/desk/visits/"), page_of(street.intake, first["case_id"]).count("/desk/visits/")) == (1, 2)
    assert "Changer ce dossier" not in then
    for at, remedy in (("2001-04-09T08:00", "pas encore ouvert"), ("hier", "un jour et une heure")):
        answer = street.intake.get(f"/cases/{first['case_id']}/page", params={"at": at})
        assert (answer.status_code, remedy in answer.text) == (422, True)


def test_a_case_is_closed_and_reopened(street: Street) -> None:
    case_id = street.record("housing")["case_id"]
    assert send(street.intake, case_id, "close", reason="no_news").status_code == 303
    assert street.intake.get(f"/cases/{case_id}").json()["closed_for"] == "no_news"
    assert "Dossier clos" in page_of(street.intake, case_id)
    assert send(street.intake, case_id, "reopen").status_code == 303
    assert street.intake.get(f"/cases/{case_id}").json()["status"] == "open"


def test_two_cases_are_merged_and_parted(street: Street) -> None:
    kept, absorbed = (street.record("housing")["case_id"] for _ in range(2))
    assert send(street.intake, absorbed, "merge", into=kept).status_code == 303
    assert page_of(street.intake, kept).count("/desk/visits/") == 2
    assert kept in page_of(street.intake, absorbed)
    assert send(street.intake, absorbed, "unmerge").status_code == 303
    assert page_of(street.intake, kept).count("/desk/visits/") == 1


@pytest.mark.parametrize(
    ("into", "status", "remedy"),
    [
        ("", 409, "pas de dossier de ce numéro"),
        ("not-a-number", 422, "ne convient pas"),
        ("00000000-0000-7000-8000-000000000000", 409, "pas de dossier de ce numéro"),
        ("itself", 409, "le même dossier"),
    ],
)
def test_a_merge_that_cannot_be_says_why_beside_its_field(street: Street, into: str, status: int, remedy: str) -> None:
    case_id = street.record("housing")["case_id"]
    fields = {"into": case_id if into == "itself" else into} if into else {}
    answer = send(street.intake, case_id, "merge", **fields)
    assert (answer.status_code, remedy in answer.text) == (status, True)
    assert street.intake.get(f"/cases/{case_id}").json()["status"] == "open"


def test_whoever_comes_second_sees_how_the_case_stands_now(street: Street) -> None:
    case_id = street.record("housing")["case_id"]
    before = {"version": "1", "key": "a-key-of-the-second", "move": "close"}
    street.record("legal", case_id=case_id)
    answer = street.intake.post(f"/cases/{case_id}/page", data=before, headers=FORM)
    assert (answer.status_code, answer.text.count("/desk/visits/")) == (412, 2)
    assert "entre-temps" in answer.text


def test_the_next_visit_goes_into_the_case_that_the_desk_comes_from(street: Street) -> None:
    case_id = street.record("housing")["case_id"]
    assert f'href="/desk?case={case_id}"' in page_of(street.intake, case_id)
    desk = street.intake.get("/desk", params={"case": case_id}).text
    key = re.search(r'name="key" value="([^"]+)"', desk)[1]  # type: ignore[index]
    joined = re.search(r'name="case" value="([^"]+)"', desk)[1]  # type: ignore[index]
    form = {"key": key, "case": joined, "category": "legal", "action": "record"}
    assert street.intake.post("/desk", data=form, headers=FORM).status_code == 303
    assert len(street.intake.get(f"/cases/{case_id}").json()["visits"]) == 2
    send(street.intake, case_id, "close")
    refused = street.intake.get("/desk", params={"case": case_id})
    assert (refused.status_code, "Ce dossier est clos" in refused.text) == (409, True)


def test_what_happened_at_a_site_that_was_given_up_is_still_shown_and_corrected(
    tmp_path: Path, settings_from_outside: object
) -> None:
    folder = tmp_path / "data"
    with running_valkey() as bus:
        with open_street(folder, bus, catalogue=house_of_two_sites(tmp_path)) as before:
            there = before.record("housing", site=SECOND)
        with open_street(folder, bus) as now:
            assert SECOND in page_of(now.intake, there["case_id"])
            assert SECOND in page_of(now.intake, there["case_id"], at="2999-01-01T10:00")
            for path in ("/visits/{}/slip", "/desk?done={}"):
                assert now.intake.get(path.format(there["visit_id"])).status_code == 200
            page = f"/desk/visits/{there['visit_id']}"
            shown = now.intake.get(page).text
            at, key = (re.search(rf'name="{name}" value="([^"]+)"', shown)[1] for name in ("was_at", "key"))  # type: ignore[index]
            form = {"version": "2", "key": key, "channel": "phone", "at": at, "was_at": at}
            lines = {"request": there["requests"][0]["request_id"], "subject": "housing:", "step": "-"}
            answer = now.intake.post(f"{page}/correction", data={**form, **lines}, headers=FORM)
            assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
            visit = now.intake.get(f"/visits/{there['visit_id']}").json()
            assert (visit["site"], visit["channel"]) == (SECOND, "phone")


def test_a_case_that_there_is_not_is_a_page_that_says_so(street: Street) -> None:
    answer = street.intake.get("/cases/00000000-0000-7000-8000-000000000000/page")
    assert (answer.status_code, "text/html" in answer.headers["content-type"]) == (404, True)


def test_the_coordination_seals_a_case_and_others_have_to_say_why(closed: Street) -> None:
    coordinator, worker = closed.as_role("coordinator"), closed.as_role("front_desk")
    case_id = worker.post("/visits", json={"requests": [{"category": "housing"}]}).json()["case_id"]
    seal = {"seal": "on", "ground": "court"}
    assert worker.post(f"/cases/{case_id}/seal/page", data=seal, headers=FORM).status_code == 403
    assert coordinator.post(f"/cases/{case_id}/seal/page", data=seal, headers=FORM).status_code == 303
    sealed = worker.get(f"/cases/{case_id}/page")
    assert (sealed.status_code, sealed.headers["location"]) == (
        303, f"/cases/{case_id}/opening/page?next=/cases/{case_id}/page",
    )  # fmt: skip
    listed = coordinator.get("/openings/page").text
    assert case_id in listed
    assert coordinator.post(f"/cases/{case_id}/seal/page", data={"seal": "off"}, headers=FORM).status_code == 303
    assert worker.get(f"/cases/{case_id}/page").status_code == 200
