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


NOTE = "Une note inventée, que seul le coffre garde."


def note_form(client: httpx.Client, case_id: str, text: str) -> dict[str, str]:
    """The form of the case's page, with a note written into it."""
    form = page_of(client, case_id).partition('aria-labelledby="notes-title"')[2]
    return {"key": re.search(r'name="key" value="([^"]+)"', form)[1], "text": text}  # type: ignore[index]


def add_note(client: httpx.Client, case_id: str, form: dict[str, str]) -> httpx.Response:
    return client.post(f"/cases/{case_id}/notes/page", data=form, headers=FORM)


def case_of(client: httpx.Client) -> str:
    case_id: str = client.post("/visits", json={"requests": [{"category": "housing"}]}).json()["case_id"]
    return case_id


def readings(street: Street, case_id: str) -> list[str]:
    """What is on record of a case, newest first."""
    records = street.as_role("data_protection").get("/audit").json()["records"]
    return [one["what"] for one in records if case_id in str(one)]


def test_notes_are_written_from_the_case_and_read_on_a_page_of_their_own(closed: Street) -> None:
    worker, other = closed.as_role("front_desk"), closed.as_role("coordinator")
    case_id = case_of(worker)
    answer = add_note(worker, case_id, note_form(worker, case_id, NOTE))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{case_id}/page")
    shown = page_of(worker, case_id)
    assert "Note ajoutée." in shown
    assert NOTE not in shown
    assert readings(closed, case_id) == ["note"], "whoever opens the case has not read its notes"
    assert f'href="/cases/{case_id}/notes/page"' in shown
    add_note(other, case_id, note_form(other, case_id, "Une autre,\r\nde deux lignes."))
    notes = worker.get(f"/cases/{case_id}/notes/page").text
    assert notes.index("Une autre,<br>de deux lignes.") < notes.index(NOTE)
    assert (notes.count("par vous"), notes.count("par le compte …")) == (1, 1)
    assert readings(closed, case_id) == ["read-notes", "note", "note"]


def test_a_note_that_is_sent_twice_is_one_note_and_another_on_the_same_page_is_kept(closed: Street) -> None:
    worker = closed.as_role("front_desk")
    case_id = case_of(worker)
    form = note_form(worker, case_id, NOTE)
    assert [add_note(worker, case_id, form).status_code for _ in range(2)] == [303, 303]
    again = add_note(worker, case_id, {**form, "text": "Encore une note inventée."})
    assert (again.status_code, "Encore une note inventée." in again.text, form["key"] in again.text) == (
        409, True, False,
    )  # fmt: skip
    assert [note["text"] for note in worker.get(f"/cases/{case_id}/notes").json()["notes"]] == [NOTE]


@pytest.mark.parametrize("text", ["", "x" * 501, "what turns \u202e around"])
def test_a_note_that_cannot_be_is_kept_beside_its_fault(closed: Street, text: str) -> None:
    worker = closed.as_role("front_desk")
    case_id = case_of(worker)
    answer = add_note(worker, case_id, note_form(worker, case_id, text))
    assert (answer.status_code, 'aria-describedby="text-means fault-text"' in answer.text) == (422, True)
    assert f">{text}</textarea>" in answer.text


def test_as_many_letters_as_the_page_lets_in_are_a_note_however_many_lines(closed: Street) -> None:
    worker = closed.as_role("front_desk")
    case_id = case_of(worker)
    assert add_note(worker, case_id, note_form(worker, case_id, "x\r\n" * 249 + "xx")).status_code == 303


def test_a_sign_that_nobody_sees_is_said_to_be_there_and_the_note_stays(closed: Street) -> None:
    worker = closed.as_role("front_desk")
    case_id = case_of(worker)
    answer = add_note(worker, case_id, note_form(worker, case_id, f"{NOTE}\u200b"))
    assert (answer.status_code, "signe qui ne se voit pas" in answer.text, NOTE in answer.text) == (422, True, True)


def test_a_note_of_an_absorbed_case_is_read_with_the_other_and_none_in_the_past(closed: Street) -> None:
    worker = closed.as_role("front_desk")
    kept, absorbed = case_of(worker), case_of(worker)
    add_note(worker, absorbed, note_form(worker, absorbed, NOTE))
    send(worker, absorbed, "merge", into=kept)
    notes = worker.get(f"/cases/{kept}/notes/page").text
    assert NOTE in notes
    assert "dans un dossier réuni avec celui-ci" in notes
    assert "notes/page" not in page_of(worker, kept, at="2999-01-01T10:00")


def test_notes_of_a_sealed_case_ask_why_and_one_that_comes_meanwhile_waits(closed: Street) -> None:
    worker = closed.as_role("front_desk")
    case_id = case_of(worker)
    form = note_form(worker, case_id, NOTE)
    closed.as_role("coordinator").post(f"/cases/{case_id}/seal", json={"ground": "court"})
    path = f"/cases/{case_id}/notes/page"
    assert worker.get(path).headers["location"] == f"/cases/{case_id}/opening/page?next={path}"
    waits = add_note(worker, case_id, form)
    assert (waits.status_code, NOTE in waits.text, f'action="{path}"' in waits.text) == (403, True, True)
    worker.post(f"/cases/{case_id}/opening", json={"reason": "La personne inventée est au guichet"})
    assert add_note(worker, case_id, form).status_code == 303
    assert NOTE in worker.get(path).text
    assert "read-sealed" in readings(closed, case_id)
