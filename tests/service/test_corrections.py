"""Visits put right and voided through HTTP, on the three services: who has a request, what counts, who may."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from shared.catalogue import load_catalogue
from tests.referral_stories import HOUSE_FILE
from tests.servers import running_valkey
from tests.service.refusals import problem_of
from tests.service.street import Street, open_street, until
from tests.two_sites import SECOND, house_of_two_sites

MISTAKE = {"reason": "mistake"}
FIGURES = (
    ("visits", "channel"), ("visits", "category"), ("visits", "language"), ("visits", "need"), ("requests", "category"),
    ("requests", "status"), ("invitations", "status"),
)  # fmt: skip


def put(
    street: Street, visit_id: str, what: str, body: Any, version: int | None = None, **headers: str
) -> httpx.Response:
    """Correct or void a visit as it stands, or as it stood at a version."""
    if version is None:
        version = shown(street, visit_id)["version"]
    return street.intake.post(f"/visits/{visit_id}/{what}", json=body, headers={"If-Match": f'"{version}"', **headers})


def shown(street: Street, visit_id: str) -> dict[str, Any]:
    visit: dict[str, Any] = street.intake.get(f"/visits/{visit_id}").json()
    return visit


def figures(street: Street, day: str) -> dict[str, int]:
    """The figures of one day that are anything: by channel, category and status."""
    found: dict[str, int] = {}
    for figure, by in FIGURES:
        rows = street.stats.get(f"/stats/{figure}", params={"by": by, "from": day, "to": day}).json()["rows"]
        found.update({f"{figure}/{row[by]}": row["count"] for row in rows if row["count"]})
    return found


def test_a_wrong_category_is_put_right_everywhere(street: Street) -> None:
    day = "2001-03-13"
    visit_id = street.record("legal", "health", channel="phone", occurred_at=f"{day}T10:00:00+01:00")["visit_id"]
    street.referrals_of(visit_id)
    until(lambda: figures(street, day).get("requests/referred") == 2)
    legal, health = shown(street, visit_id)["requests"]
    wrong = {
        "requests": [{"request_id": legal["request_id"], "category": "housing"}, {"request_id": health["request_id"]}]
    }
    answer = put(street, visit_id, "correction", wrong)
    assert answer.status_code == 200, answer.text
    visit = answer.json()
    assert answer.headers["ETag"] == f'"{visit["version"]}"' == '"3"'
    assert [one["category"] for one in visit["requests"]] == ["housing", "health"]
    assert visit["requests"][1]["request_id"] == health["request_id"]
    (change,) = visit["changes"]
    assert (change["change"], [one["category"] for one in change["requests"]]) == ("correction", ["legal", "health"])

    def handed_anew() -> bool:
        now = shown(street, visit_id)
        (before, _) = now["changes"][0]["requests"]
        gone = [one["status"] for one in before["referrals"]]
        return bool(gone) and set(gone) == {"withdrawn"} and bool(now["requests"][0]["referrals"])

    until(handed_anew)
    expected = {
        "visits/phone": 1, "visits/housing": 1, "visits/health": 1, "requests/housing": 1, "requests/health": 1,
        "requests/referred": 2,
    }  # fmt: skip
    until(lambda: figures(street, day) == expected)


def test_language_needs_and_children_are_put_right_and_count_otherwise(street: Street) -> None:
    day = "2001-03-20"
    visit_id = street.record("legal", language="ar", needs=["reader"], occurred_at=f"{day}T10:00:00+01:00")["visit_id"]
    until(lambda: figures(street, day).get("visits/ar") == 1)
    right = {"language": None, "needs": ["interpreter", "reader"], "children": True}
    visit = put(street, visit_id, "correction", right).json()
    assert (visit["language"], visit["needs"], visit["children"]) == (None, ["interpreter", "reader"], True)
    (change,) = visit["changes"]
    assert (change["language"], change["needs"], change["children"]) == ("ar", ["reader"], False)
    rest = {"visits/in_person": 1, "visits/legal": 1, "requests/legal": 1, "requests/referred": 1}
    expected = {**rest, "visits/interpreter": 1, "visits/reader": 1, "invitations/given": 1}
    until(lambda: figures(street, day) == expected)
    # A wrong day takes the invitation along; no children, and there is none.
    put(street, visit_id, "correction", {"occurred_at": "2001-03-21T10:00:00+01:00"})
    until(lambda: figures(street, day) == {})
    until(lambda: figures(street, "2001-03-21") == expected)
    code = visit["invitation"]
    assert street.intake.get(f"/invitations/{code}").json()["given_on"] == "2001-03-21"
    visit = put(street, visit_id, "correction", {"children": False, "needs": []}).json()
    assert visit["invitation"] is None
    until(lambda: figures(street, "2001-03-21") == rest)
    assert street.intake.get(f"/invitations/{code}").json()["status"] == "withdrawn"
    # The same code again, for the same family.
    assert put(street, visit_id, "correction", {"children": True}).json()["invitation"] == code
    assert street.intake.get(f"/invitations/{code}").json() | {"partner": ""} == {
        "invitation": code, "site": "fontaine-d-ouche", "partner": "", "status": "given", "given_on": "2001-03-21",
        "used_on": None, "version": 5,
    }  # fmt: skip


def test_a_voided_visit_takes_its_invitation_back_unless_the_family_has_come(street: Street) -> None:
    day = "2001-03-22"
    kept, gone = (street.record("legal", children=True, occurred_at=f"{day}T1{hour}:00:00+01:00") for hour in range(2))
    used = street.intake.post(f"/invitations/{kept['invitation']}/used", headers={"If-Match": '"1"'})
    assert used.status_code == 200
    until(lambda: figures(street, day).get("invitations/used") == 1)
    for visit in (kept, gone):
        assert put(street, visit["visit_id"], "void", MISTAKE).status_code == 200
    until(lambda: figures(street, day) == {"invitations/used": 1})
    refused = street.intake.post(f"/invitations/{gone['invitation']}/used", headers={"If-Match": '"2"'})
    assert problem_of(refused, 409)["type"] == "/problems/wrong-state"
    page = street.intake.post(
        "/desk/invitations",
        data={"code": gone["invitation"], "key": gone["visit_id"]},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert "a été retirée par l’accueil" in page.text


@pytest.mark.parametrize(
    ("reason", "becomes"), [("mistake", "waiting"), ("other", "waiting"), ("test", "void"), ("duplicate", "received")]
)
def test_a_voided_visit_gives_its_ticket_back(street: Street, reason: str, becomes: str) -> None:
    arrival = street.intake.post("/arrivals").json()["arrival_id"]
    street.intake.post(f"/arrivals/{arrival}/received", headers={"If-Match": '"1"'})
    visit_id = street.record("legal", arrival_id=arrival)["visit_id"]
    put(street, visit_id, "void", {"reason": reason})
    assert street.intake.get(f"/arrivals/{arrival}").json()["status"] == becomes
    if becomes == "waiting":
        # Whoever it is was received by somebody else since: that is no matter of this visit.
        street.intake.post(f"/arrivals/{arrival}/received", headers={"If-Match": '"3"'})
        assert street.intake.get(f"/arrivals/{arrival}").json()["status"] == "received"


def test_a_voided_visit_is_kept_marked_and_counted_no_more(street: Street) -> None:
    day = "2001-03-14"
    recorded = street.record("legal", occurred_at=f"{day}T10:00:00+01:00")
    case_id, visit_id = recorded["case_id"], recorded["visit_id"]
    (referral,) = street.referrals_of(visit_id)
    until(lambda: figures(street, day).get("requests/referred") == 1)
    answer = put(street, visit_id, "void", MISTAKE)
    assert (answer.status_code, answer.json()["voided_for"]) == (200, "mistake")
    until(lambda: figures(street, day) == {})
    until(lambda: shown(street, visit_id)["requests"][0]["referrals"][0]["status"] == "withdrawn")
    item = street.referral.get(f"/referrals/{referral['referral_id']}").json()
    assert (item["status"], item["reason"]) == ("withdrawn", "visit_voided")
    again = street.referral.post(
        f"/referrals/{item['referral_id']}/reopen", json=MISTAKE, headers={"If-Match": f'"{item["version"]}"'}
    )
    assert problem_of(again, 409)["type"] == "/problems/request-gone"
    for what, body in (("void", MISTAKE), ("correction", {"channel": "mail"})):
        assert problem_of(put(street, visit_id, what, body), 409)["type"] == "/problems/visit-void"
    case = street.intake.get(f"/cases/{case_id}").json()
    assert [one["voided_for"] for one in case["visits"]] == ["mistake"]


@pytest.mark.parametrize(
    ("sent", "written", "day"),
    [
        ("2001-10-28T02:30:00+02:00", "2001-10-28T02:30:00.000+02:00", "2001-10-28"),
        ("2002-10-27T01:30:00Z", "2002-10-27T02:30:00.000+01:00", "2002-10-27"),
        ("2001-03-15T23:00:00Z", "2001-03-16T00:00:00.000+01:00", "2001-03-16"),
        ("2001-03-17T22:59:59Z", "2001-03-17T23:59:59.000+01:00", "2001-03-17"),
    ],
)
def test_a_wrong_day_is_put_right_on_the_local_day(sent: str, written: str, day: str, street: Street) -> None:
    before = "2001-02-0" + day[9]
    visit_id = street.record("legal", occurred_at=f"{before}T10:00:00+01:00")["visit_id"]
    street.referrals_of(visit_id)
    until(lambda: figures(street, before).get("requests/referred"))
    answer = put(street, visit_id, "correction", {"occurred_at": sent})
    assert answer.json()["occurred_at"] == written
    expected = {"visits/in_person": 1, "visits/legal": 1, "requests/legal": 1, "requests/referred": 1}
    until(lambda: figures(street, day) == expected)
    until(lambda: figures(street, before) == {})
    put(street, visit_id, "void", MISTAKE)
    until(lambda: figures(street, day) == {})


def test_a_case_shows_a_visit_as_it_was_thought_to_be(street: Street) -> None:
    recorded = street.record("legal", channel="phone")
    moment = shown(street, recorded["visit_id"])["recorded_at"]
    put(street, recorded["visit_id"], "correction", {"channel": "mail"})
    case = f"/cases/{recorded['case_id']}"
    assert street.intake.get(case).json()["visits"][0]["channel"] == "mail"
    (visit,) = street.intake.get(case, params={"at": moment}).json()["visits"]
    assert (visit["channel"], visit["changes"]) == ("phone", [])


def test_a_correction_sent_again_is_carried_out_once(street: Street, unique: str) -> None:
    visit_id = street.record("legal")["visit_id"]
    key = {"Idempotency-Key": unique}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: put(street, visit_id, "void", MISTAKE, 2, **key), range(8)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert put(street, visit_id, "void", MISTAKE, 2, **key).status_code == 200
    assert len(shown(street, visit_id)["changes"]) == 1
    assert (
        problem_of(put(street, visit_id, "void", {"reason": "test"}, 2, **key), 422)["type"] == "/problems/key-reused"
    )


def test_of_two_who_correct_a_visit_at_once_one_is_told(street: Street) -> None:
    visit_id = street.record("legal")["visit_id"]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda to: put(street, visit_id, "correction", {"channel": to}, 2), ("mail", "home")))
    assert sorted(answer.status_code for answer in answers) == [200, 412]


def test_another_visit_of_the_same_case_is_no_reason_to_refuse(street: Street) -> None:
    recorded = street.record("legal")
    street.record("health", case_id=recorded["case_id"])
    assert put(street, recorded["visit_id"], "correction", {"channel": "mail"}, 2).status_code == 200
    assert put(street, recorded["visit_id"], "void", MISTAKE).status_code == 200


@pytest.mark.parametrize(
    ("what", "body", "slug"),
    [
        ("correction", {"channel": "in_person"}, "nothing-to-correct"),
        ("correction", {"channel": "fax"}, "invalid-fields"),
        ("correction", {"site": "elsewhere"}, "invalid-fields"),
        ("correction", {"requests": []}, "invalid-fields"),
        ("correction", {"requests": [{"request_id": "01900000-0000-8000-8000-0000000000ff"}]}, "invalid-fields"),
        ("void", {}, "invalid-fields"),
        ("void", {"reason": "because"}, "invalid-fields"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(what: str, body: Any, slug: str, street: Street) -> None:
    visit_id = street.record("legal")["visit_id"]
    refused = put(street, visit_id, what, body)
    assert problem_of(refused, 409 if slug == "nothing-to-correct" else 422)["type"] == f"/problems/{slug}"
    unsaid = street.intake.post(f"/visits/{visit_id}/{what}", json=MISTAKE if what == "void" else {"channel": "mail"})
    assert problem_of(unsaid, 428)["type"] == "/problems/version-required"
    absent = "01900000-0000-7000-8000-00000000dead"
    assert put(street, absent, what, MISTAKE if what == "void" else {"channel": "mail"}, 2).status_code == 404
    assert shown(street, visit_id)["changes"] == []


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A house of two sites, which lets nobody in who does not say who it is."""
    folder = tmp_path_factory.mktemp("two-sites")
    house = house_of_two_sites(folder)
    with running_valkey() as bus, open_street(folder / "data", bus, catalogue=house, access="required") as opened:
        yield opened


def ask(client: httpx.Client, visit_id: str, what: str, body: Any, version: int) -> httpx.Response:
    return client.post(f"/visits/{visit_id}/{what}", json=body, headers={"If-Match": f'"{version}"'})


def test_a_desk_corrects_the_visits_of_its_own_site_and_a_coordinator_all(closed: Street) -> None:
    own, other = (closed.as_role("front_desk", site=site) for site in ("fontaine-d-ouche", SECOND))
    sent = own.post("/visits", json={"site": "fontaine-d-ouche", "requests": [{"category": "legal"}]})
    visit_id = sent.json()["visit_id"]
    mail = {"channel": "mail"}
    assert problem_of(ask(other, visit_id, "correction", mail, 2), 403)["type"] == "/problems/other-site"
    assert problem_of(ask(other, visit_id, "void", MISTAKE, 2), 403)["type"] == "/problems/other-site"
    assert problem_of(ask(closed.nobody(), visit_id, "void", MISTAKE, 2), 401)
    for role, scope in (("partner", {"partner": "p04"}), ("statistics", {})):
        assert problem_of(ask(closed.as_role(role, **scope), visit_id, "void", MISTAKE, 2), 403)
    assert ask(own, visit_id, "correction", mail, 2).status_code == 200
    assert ask(closed.as_role("coordinator"), visit_id, "void", MISTAKE, 3).json()["voided_for"] == "mistake"


def test_a_wrong_site_is_put_right_and_what_is_open_goes_to_the_doors_of_the_other(closed: Street) -> None:
    coordinator = closed.as_role("coordinator")
    own = closed.as_role("front_desk", site="fontaine-d-ouche")
    asked = [{"category": "legal"}, {"category": "administrative", "answered": True}]
    visit_id = own.post("/visits", json={"site": "fontaine-d-ouche", "requests": asked}).json()["visit_id"]
    until(lambda: coordinator.get(f"/visits/{visit_id}").json()["requests"][0]["referrals"])
    right = {"site": SECOND}
    assert problem_of(ask(own, visit_id, "correction", right, 2), 403)["type"] == "/problems/other-site"
    before = coordinator.get(f"/visits/{visit_id}").json()["requests"]
    visit = ask(coordinator, visit_id, "correction", right, 2).json()
    assert visit["site"] == SECOND
    assert visit["requests"][0]["request_id"] != before[0]["request_id"]
    assert visit["requests"][1]["request_id"] == before[1]["request_id"]
    until(lambda: coordinator.get(f"/visits/{visit_id}").json()["requests"][0]["referrals"])
    (referral,) = before[0]["referrals"]

    def withdrawn() -> bool:
        (change,) = coordinator.get(f"/visits/{visit_id}").json()["changes"]
        (shown,) = change["requests"][0]["referrals"]
        return bool(change["site"] == "fontaine-d-ouche" and shown["status"] == "withdrawn")

    until(withdrawn)
    told = closed.as_role("coordinator", "referral").get(f"/referrals/{referral['referral_id']}").json()
    assert told["reason"] == "visit_corrected"
    stats = closed.as_role("coordinator", "stats")

    def sites() -> dict[str, int]:
        rows = stats.get("/stats/visits", params={"by": "site"}).json()["rows"]
        return {row["site"]: row["count"] for row in rows}

    until(lambda: sites().get(SECOND) == 1)


def test_what_was_confidential_is_so_in_what_was_corrected(closed: Street) -> None:
    desk, coordinator = closed.as_role("front_desk"), closed.as_role("coordinator")
    sensitive = next(one for one in load_catalogue(HOUSE_FILE).topics if one.sensitive and one.category == "legal")
    sent = desk.post("/visits", json={"requests": [{"category": "legal", "topic": sensitive.code}]})
    visit_id = sent.json()["visit_id"]
    (request,) = coordinator.get(f"/visits/{visit_id}").json()["requests"]
    assert request["category"] == "confidential"
    right = {"requests": [{"request_id": request["request_id"]}, {"category": "health"}]}
    told = ask(coordinator, visit_id, "correction", right, 2)
    assert sensitive.code not in told.text
    assert [one["category"] for one in told.json()["requests"]] == ["confidential", "health"]
    assert told.json()["changes"][0]["requests"][0]["category"] == "confidential"
    assert desk.get(f"/visits/{visit_id}").json()["requests"][0]["topic"] == sensitive.code
    page = coordinator.get(f"/desk/visits/{visit_id}", headers={"Accept": "text/html"})
    assert "Confidentiel" in page.text
    assert f'value="legal:{sensitive.code}" selected' not in page.text
