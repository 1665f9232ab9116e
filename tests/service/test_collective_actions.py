"""Collective actions over HTTP: entered once, people named who are known, put right, and counted."""

from typing import Any
from uuid import uuid4

import httpx

from tests.service.street import Street

DAY = "2004-04-06"


def hold(street: Street, key: str = "", **more: Any) -> httpx.Response:
    body = {
        "kind": "health_breakfast", "held_at": f"{DAY}T09:00:00+02:00", "category": "health", "headcount": 3,
        "leaders": ["p09"], **more,
    }  # fmt: skip
    return street.intake.post("/actions", json=body, headers={"Idempotency-Key": key} if key else {})


def held(street: Street, **more: Any) -> str:
    answer = hold(street, **more)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["action_id"]
    return found


def change(
    street: Street, path: str, body: dict[str, Any], version: int | None = None, key: str = ""
) -> httpx.Response:
    headers = {"If-Match": f'"{version}"'} if version else {}
    return street.intake.post(path, json=body, headers={**headers, **({"Idempotency-Key": key} if key else {})})


def test_an_action_is_entered_once_and_read_back(street: Street, unique: str) -> None:
    first, again = hold(street, unique, speakers=["p09", "p01"]), hold(street, unique, speakers=["p09", "p01"])
    assert first.status_code == again.status_code == 201
    assert again.headers["idempotency-replayed"] == "true"
    found = street.intake.get(first.headers["location"])
    assert found.headers["etag"] == '"1"'
    assert found.json() == first.json() == again.json()
    assert found.json() | {"action_id": ""} == {
        "action_id": "", "site": "fontaine-d-ouche", "kind": "health_breakfast", "category": "health", "topic": None,
        "held_at": f"{DAY}T09:00:00.000+02:00", "leaders": ["p09"], "speakers": ["p01", "p09"],
        "partners": ["p01", "p09"], "headcount": 3, "attendances": [], "status": "held", "recorded_by": None,
        "version": 1,
    }  # fmt: skip
    assert hold(street, unique, headcount=4).status_code == 422


def test_what_is_no_code_is_refused(street: Street) -> None:
    for wrong in (
        {"kind": "picnic"}, {"title": "Mal de dos"}, {"speakers": ["Somebody"]}, {"leaders": ["p09", "p09"]},
        {"headcount": -1}, {"held_at": "2999-01-01T09:00:00Z"},
        {"topic": "difficultes-financieres--situation-dendettement-surendettement"},
    ):  # fmt: skip
        assert hold(street, **wrong).status_code == 422, wrong


def test_whom_the_house_knows_is_named_once_and_nobody_is_made_up(street: Street, unique: str) -> None:
    action = held(street, headcount=2)
    case = street.record("health")["case_id"]
    path = f"/actions/{action}/attendances"
    for _ in range(2):
        named = change(street, path, {"case_id": case}, key=unique)
        assert (named.status_code, named.json()["attendances"]) == (201, [{"case_id": case, "person_id": None}])
    assert change(street, path, {"case_id": case}).json()["type"] == "/problems/there-already"
    assert change(street, path, {"case_id": str(uuid4())}).status_code == 422
    assert change(street, path, {"person_id": str(uuid4())}).status_code == 404
    assert change(street, path, {}).status_code == 422
    assert change(street, path, {"case_id": case, "person_id": case}).status_code == 422
    assert change(street, f"/actions/{uuid4()}/attendances", {"case_id": case}).status_code == 404
    gone = change(street, f"{path}/withdrawal", {"case_id": case}, version=2)
    assert (gone.status_code, gone.json()["attendances"]) == (200, [])
    assert change(street, f"{path}/withdrawal", {"case_id": case}).status_code == 404
    assert change(street, path, {"case_id": case}, version=1).status_code == 412


def test_a_headcount_is_put_right_and_never_below_who_is_named(street: Street) -> None:
    action = held(street, headcount=1)
    case = street.record("health")["case_id"]
    change(street, f"/actions/{action}/attendances", {"case_id": case})
    path = f"/actions/{action}/headcount"
    assert change(street, path, {"headcount": 0}, 2).json()["type"] == "/problems/fewer-than-named"
    assert change(street, path, {"headcount": 11}).status_code == 428
    assert change(street, path, {"headcount": 11}, 1).status_code == 412
    assert change(street, path, {"headcount": 11}, 2).json()["headcount"] == 11
    assert change(street, path, {"headcount": 11}, 3).json()["type"] == "/problems/nothing-to-correct"


def test_what_never_was_is_no_longer_listed(street: Street) -> None:
    year = {"year": 2003}
    kept = held(street, held_at="2003-03-01T10:00:00+01:00")
    gone = held(street, held_at="2003-05-01T10:00:00+02:00")
    listed = [one["action_id"] for one in street.intake.get("/actions", params=year).json()["actions"]]
    assert listed == [gone, kept]
    voided = street.intake.post(f"/actions/{gone}/void", headers={"If-Match": '"1"'})
    assert (voided.status_code, voided.json()["status"]) == (200, "voided")
    assert change(street, f"/actions/{gone}/headcount", {"headcount": 9}, 2).json()["type"] == "/problems/wrong-state"
    listed = [one["action_id"] for one in street.intake.get("/actions", params=year).json()["actions"]]
    assert listed == [kept]
    assert street.intake.get("/actions", params={"site": "nowhere"}).status_code == 422


def test_what_is_held_on_somebody_says_which_actions_they_came_to(street: Street) -> None:
    case = street.record("health")["case_id"]
    name = {"given_name": "Inventée", "family_name": "Petitdéjeuner"}
    desk, protection = street.as_role("front_desk", "intake"), street.as_role("data_protection", "intake")
    person = desk.post(f"/cases/{case}/person", json=name).json()["person_id"]
    by_case, by_person = held(street), held(street)
    change(street, f"/actions/{by_case}/attendances", {"case_id": case})
    change(street, f"/actions/{by_person}/attendances", {"person_id": person})
    everything = protection.get(f"/people/{person}/export").json()
    assert {one["action_id"] for one in everything["attendances"]} == {by_case, by_person}
    assert {one["kind"] for one in everything["attendances"]} == {"health_breakfast"}


def test_at_an_action_on_a_sensitive_topic_nobody_is_named(street: Street) -> None:
    action = held(street, kind="thematic_meeting", category="legal", topic="famille--violences-conjugales")
    case = street.record("health")["case_id"]
    refused = change(street, f"/actions/{action}/attendances", {"case_id": case})
    assert refused.json()["type"] == "/problems/nobody-named"
    assert "aucune n’est nommée" in street.intake.get(f"/desk/actions/{action}").text


def test_the_page_enters_an_action_names_who_came_before_and_puts_right(street: Street, unique: str) -> None:
    day = "2005-02-15"
    other = held(street, held_at="2005-02-01T09:00:00+01:00")
    case = street.record("health")["case_id"]
    change(street, f"/actions/{other}/attendances", {"case_id": case})
    form = {
        "key": unique,
        "kind": "health_breakfast",
        "day": day,
        "at": "09:30",
        "category": "health",
        "leaders": "p09",
    }
    wrong = street.intake.post("/desk/actions", data=form)
    assert (wrong.status_code, "Rien n’a été enregistré" in wrong.text) == (422, True)
    for _ in range(2):
        entered = street.intake.post("/desk/actions", data={**form, "headcount": "1"})
        assert entered.status_code == 303
    path = entered.headers["location"]
    action = path.rpartition("/")[2]
    assert street.intake.get("/actions", params={"year": 2005}).json()["actions"][0]["action_id"] == action
    assert street.intake.get(f"/actions/{action}").json()["held_at"] == f"{day}T09:30:00.000+01:00"
    assert case in street.intake.get(path).text

    def press(what: str, **more: str) -> httpx.Response:
        key = f"{unique}-{what}-{len(pressed)}"
        pressed.append(what)
        version = street.intake.get(f"/actions/{action}").json()["version"]
        return street.intake.post(path, data={"action": what, "key": key, "version": version, **more})

    pressed: list[str] = []
    assert press("attend", known_as=case).status_code == 303
    assert press("attend", known_as=str(uuid4())).status_code == 422
    assert press("headcount", headcount="0").status_code == 422
    assert press("headcount", headcount="12").status_code == 303
    assert press("withdraw", known_as=case).status_code == 303
    assert press("void").headers["location"] == "/desk/actions"
    assert "annulée" in street.intake.get(path).text
    assert street.intake.get(f"/desk/actions/{uuid4()}").status_code == 404
    assert street.intake.get("/desk/actions?site=nowhere").status_code == 404
