"""The waiting room over HTTP: somebody came, was received, or left; and the same by the desk's plain forms."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.service.street import Street
from tests.service.test_desk_page import key_in, send


def arrive(street: Street, key: str = "") -> dict[str, Any]:
    answer = street.intake.post("/arrivals", headers={"Idempotency-Key": key} if key else {})
    assert answer.status_code == 201, answer.text
    noted: dict[str, Any] = answer.json()
    return noted


def move(street: Street, arrival_id: str, what: str, version: int = 1, key: str = "") -> httpx.Response:
    headers = {"If-Match": f'"{version}"', **({"Idempotency-Key": key} if key else {})}
    return street.intake.post(f"/arrivals/{arrival_id}/{what}", headers=headers)


def waiting(street: Street) -> list[str]:
    return [one["arrival_id"] for one in street.intake.get("/arrivals").json()["waiting"]]


def test_somebody_comes_waits_and_is_received(street: Street) -> None:
    before = street.intake.get("/arrivals").json()
    answer = street.intake.post("/arrivals", json={"site": "fontaine-d-ouche"})
    noted = answer.json()
    assert answer.headers["location"] == f"/arrivals/{noted['arrival_id']}"
    assert answer.headers["etag"] == '"1"'
    assert waiting(street)[-1] == noted["arrival_id"]
    seen = street.intake.get(answer.headers["location"])
    assert (seen.json()["status"], seen.json()["ticket"], seen.headers["etag"]) == ("waiting", noted["ticket"], '"1"')
    received = move(street, noted["arrival_id"], "received")
    assert received.status_code == 200, received.text
    assert (received.json()["status"], received.json()["waited_min"], received.headers["etag"]) == (
        "received",
        0,
        '"2"',
    )
    after = street.intake.get("/arrivals").json()
    assert after["received"] == before["received"] + 1
    assert noted["arrival_id"] not in waiting(street)


def test_of_two_desks_one_receives_and_the_other_is_told(street: Street) -> None:
    arrival = arrive(street)["arrival_id"]
    with ThreadPoolExecutor(8) as desks:
        answers = list(desks.map(lambda _n: move(street, arrival, "received"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]
    assert {answer.json()["version"] for answer in answers if answer.status_code == 412} == {2}
    assert move(street, arrival, "left", version=2).json()["type"] == "/problems/wrong-state"
    assert move(street, arrival, "left", version=2).status_code == 409


def test_a_move_by_mistake_is_taken_back_and_so_are_its_minutes(street: Street, unique: str) -> None:
    arrival = arrive(street)["arrival_id"]
    before = street.intake.get("/arrivals").json()
    for what, version in (("received", 1), ("left", 3)):
        assert move(street, arrival, what, version).status_code == 200
        for _ in range(2):
            back = move(street, arrival, "undo", version + 1, key=f"{unique}-{what}")
            assert (back.status_code, back.json()["status"]) == (200, "waiting")
        now = street.intake.get("/arrivals").json()
        assert (now["received"], now["left"]) == (before["received"], before["left"])
        assert arrival in waiting(street)
    # Whoever waits by mistake never came. There is nothing before that.
    gone = move(street, arrival, "undo", 5)
    assert (gone.json()["status"], gone.json()["version"]) == ("void", 6)
    assert arrival not in waiting(street)
    refused = move(street, arrival, "undo", 6)
    assert (refused.status_code, refused.json()["status"], refused.json()["stands"]) == (409, 409, "void")
    assert move(street, arrival, "received", 1).status_code == 412


def test_the_page_takes_back_the_last_move_and_no_other(street: Street, unique: str) -> None:
    def button() -> str | None:
        form = street.intake.get("/desk").text.partition('id="undo"')[2].partition("</form>")[0]
        found = re.search(r'name="arrival" value="([^"]+)".*?(Annuler[^<]+?) *<', form, re.DOTALL)
        return f"{found[1]} {found[2]}" if found else None

    def undo(arrival: str, version: int) -> httpx.Response:
        fields = {"action": "undone", "arrival": arrival, "version": version, "key": f"{unique}-{version}"}
        return send(street, "/desk/waiting", **fields)

    noted = arrive(street)
    arrival, ticket = noted["arrival_id"], noted["ticket"]
    assert button() == f"{arrival} Annuler\u00a0: n° {ticket} arrivé"
    move(street, arrival, "received")
    assert button() == f"{arrival} Annuler\u00a0: n° {ticket} reçu"
    told = undo(arrival, 2)
    page = street.intake.get(told.headers["location"], headers={"Cookie": told.headers["set-cookie"].partition(";")[0]})
    assert "la salle d’attente est comme avant" in page.text
    assert arrival in waiting(street)
    # One step back, not two: a key that is pressed twice takes nobody's place away.
    assert button() is None
    move(street, arrival, "received", 3)
    assert button() is not None
    # Once their visit is recorded, that visit is what is corrected or voided.
    visit_id = street.record("legal", arrival_id=arrival)["visit_id"]
    assert button() is None
    told = undo(arrival, 4)
    page = street.intake.get(told.headers["location"], headers={"Cookie": told.headers["set-cookie"].partition(";")[0]})
    assert "Un accueil est enregistré" in page.text
    other_day = {"occurred_at": "2001-02-03T10:00:00+01:00"}
    street.intake.post(f"/visits/{visit_id}/correction", json=other_day, headers={"If-Match": '"2"'})
    assert (street.intake.get(f"/arrivals/{arrival}").json()["status"], button()) == ("received", None)
    street.intake.post(f"/visits/{visit_id}/void", json={"reason": "mistake"}, headers={"If-Match": '"3"'})
    assert (arrival in waiting(street), button()) == (True, None)


def test_numbers_of_the_day_have_no_gap_however_many_come_at_once(street: Street) -> None:
    first = arrive(street)["ticket"]
    with ThreadPoolExecutor(8) as doors:
        tickets = list(doors.map(lambda _n: arrive(street)["ticket"], range(16)))
    assert sorted(tickets) == list(range(first + 1, first + 17))


def test_sent_again_under_the_same_key_somebody_came_once(street: Street, unique: str) -> None:
    first = arrive(street, key=unique)
    again = street.intake.post("/arrivals", headers={"Idempotency-Key": unique})
    assert again.json() == first
    assert again.headers["idempotency-replayed"] == "true"
    for _ in range(2):
        gone = move(street, first["arrival_id"], "left", key=unique)
        assert (gone.status_code, gone.json()["status"]) == (200, "left")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 428), ({"If-Match": "nonsense"}, 400), ({"If-Match": '"7"'}, 412)],
)
def test_a_move_says_which_version_it_was_decided_on(street: Street, headers: dict[str, str], status: int) -> None:
    arrival = arrive(street)["arrival_id"]
    assert street.intake.post(f"/arrivals/{arrival}/received", headers=headers).status_code == status
    assert arrival in waiting(street)


def test_nobody_and_nowhere_are_told(street: Street, unique: str) -> None:
    assert move(street, unique, "received").status_code == 404
    assert street.intake.get(f"/arrivals/{unique}").status_code == 404
    # The id of a visit is none of an arrival.
    assert street.intake.get(f"/arrivals/{street.record('legal')['visit_id']}").status_code == 404
    assert street.intake.get("/arrivals", params={"site": "nowhere"}).status_code == 422
    assert street.intake.post("/arrivals", json={"site": "nowhere"}).status_code == 422
    assert street.intake.post("/arrivals", json={"name": "Somebody"}).status_code == 422


def test_a_visit_is_linked_to_the_arrival_that_it_was_for(street: Street, unique: str) -> None:
    arrival = arrive(street)["arrival_id"]
    visit = street.record("legal", arrival_id=arrival)
    assert street.intake.get(f"/visits/{visit['visit_id']}").json()["arrival_id"] == arrival
    refused = street.intake.post("/visits", json={"requests": [{"category": "legal"}], "arrival_id": unique})
    assert refused.json()["errors"][0]["field"] == "arrival_id"
    line = f'{{"idempotency_key": "{unique}", "requests": [{{"category": "legal"}}], "arrival_id": "%s"}}\n'
    batch = street.intake.post(
        "/visits/batch", content=line % unique + line % arrival, headers={"Content-Type": "application/x-ndjson"}
    )
    assert [int(status) for status in re.findall(r'"status":(\d+)', batch.text)] == [422, 201]


def test_a_visit_receives_whoever_still_waits_for_it_and_lets_them_wait_again_when_voided(
    street: Street, unique: str
) -> None:
    arrival = arrive(street)["arrival_id"]
    body = {"requests": [{"category": "legal"}], "arrival_id": arrival}
    sent = [street.intake.post("/visits", json=body, headers={"Idempotency-Key": unique}) for _ in range(2)]
    assert sent[0].json() == sent[1].json()
    seen = street.intake.get(f"/arrivals/{arrival}").json()
    assert (seen["status"], seen["waited_min"], seen["version"]) == ("received", 0, 2)
    # Into a case that there is, with children, everything goes in one transaction as well.
    other = arrive(street)["arrival_id"]
    more = {"case_id": sent[0].json()["case_id"], "children": True, "arrival_id": other}
    assert street.record("early_childhood", **more)["invitation"]
    assert other not in waiting(street)
    void = f"/visits/{sent[0].json()['visit_id']}/void"
    street.intake.post(void, json={"reason": "mistake"}, headers={"If-Match": '"2"'})
    assert arrival in waiting(street)


def test_a_visit_of_another_day_or_for_somebody_who_is_gone_is_recorded_and_receives_nobody(street: Street) -> None:
    arrival = arrive(street)["arrival_id"]
    street.record("legal", arrival_id=arrival, occurred_at="2008-03-11T10:00:00+01:00")
    assert arrival in waiting(street)
    move(street, arrival, "left")
    visit = street.record("legal", arrival_id=arrival)
    assert street.intake.get(f"/visits/{visit['visit_id']}").json()["arrival_id"] == arrival
    assert street.intake.get(f"/arrivals/{arrival}").json()["status"] == "left"


def test_many_visits_at_once_for_one_number_are_all_recorded_and_receive_it_once(street: Street) -> None:
    arrival = arrive(street)["arrival_id"]
    with ThreadPoolExecutor(8) as desks:
        visits = list(desks.map(lambda _n: street.record("legal", arrival_id=arrival), range(8)))
    assert len({visit["visit_id"] for visit in visits}) == 8
    assert street.intake.get(f"/arrivals/{arrival}").json()["version"] == 2


def test_a_second_visit_for_one_number_is_told_before_and_after(street: Street, unique: str) -> None:
    noted = arrive(street)
    arrival = noted["arrival_id"]
    page = street.intake.get("/desk", params={"arrival": arrival}).text
    assert f"Numéro {noted['ticket']}\u00a0: cet accueil sera le sien." in page
    stale = key_in(page)
    first = street.record("legal", arrival_id=arrival)["visit_id"]
    told = f"Le numéro {noted['ticket']} a déjà un accueil"
    page = street.intake.get("/desk", params={"arrival": arrival}).text
    assert told in page
    assert f'href="/desk/visits/{first}"' in page
    assert 'name="arrival" value' not in page.partition('id="receiving"')[2].partition("</p>")[0]
    # A form that was open before is recorded all the same, and says so.
    done = street.intake.get(send(street, key=stale, category="health", arrival=arrival).headers["location"]).text
    assert told in done.partition('id="done"')[2].partition("</section>")[0]
    street.intake.post(f"/visits/{first}/void", json={"reason": "duplicate"}, headers={"If-Match": '"2"'})
    alone = send(street, key=f"{unique}-n", category="health").headers["location"]
    assert "a déjà un accueil" not in street.intake.get(alone).text
    # Of nobody there is nothing to say.
    assert (
        'name="arrival" value' not in street.intake.get("/desk", params={"arrival": first}).text.partition("joining")[0]
    )


def test_by_plain_forms_somebody_comes_is_received_and_the_visit_is_theirs(street: Street, unique: str) -> None:
    for arrival in waiting(street):
        version = street.intake.get(f"/arrivals/{arrival}").json()["version"]
        assert move(street, arrival, "left", version).status_code == 200
    assert send(street, "/desk/waiting", key=unique, action="arrived").status_code == 303
    assert send(street, "/desk/waiting", key=unique, action="arrived").status_code == 303
    (arrival,) = waiting(street)
    assert f'value="{arrival}"' in street.intake.get("/desk").text
    there = send(street, "/desk/waiting", key=f"{unique}-r", action="received", arrival=arrival)
    page = street.intake.get(there.headers["location"]).text
    assert f'name="arrival" value="{arrival}"' in page
    assert "cet accueil est le sien" in page
    done = send(street, key=key_in(page), category="legal", arrival=arrival)
    visit_id = done.headers["location"].partition("done=")[2]
    assert street.intake.get(f"/visits/{visit_id}").json()["arrival_id"] == arrival


def test_a_plain_form_that_comes_too_late_is_told_in_words(street: Street, unique: str) -> None:
    arrival = arrive(street)["arrival_id"]
    move(street, arrival, "received")
    late = send(street, "/desk/waiting", key=unique, action="left", arrival=arrival)
    told = street.intake.get(late.headers["location"], headers={"Cookie": late.headers["set-cookie"].partition(";")[0]})
    assert "plus rapide" in told.text


def test_the_stream_shows_every_desk_who_waits(street: Street) -> None:
    ticket = arrive(street)["ticket"]
    with street.intake.stream("GET", "/desk/waiting/stream", params={"site": "fontaine-d-ouche"}) as answer:
        lines = answer.iter_lines()
        assert any(f"N° {ticket}" in line for line in lines)
        later = arrive(street)["ticket"]
        assert any(f"N° {later}" in line for line in lines)
