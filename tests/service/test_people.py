"""People over HTTP: attached to cases, looked for, told to partners, forgotten; and the life of their cases."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers import running_valkey
from tests.service.corpus import NOBODY
from tests.service.refusals import problem_of
from tests.service.street import Street, open_street, until

ZOE = {
    "given_name": "Zoé",
    "family_name": "Canari-Inventée",
    "birth_date": "1970-02-28",
    "phone": "06 00 00 74 31",
    "email": "zoe@canari.invalid",
    "language": "fr",
    "safe_to_contact": True,
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A street where a coordinator stands at intake's desk."""
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("house"), bus) as street:
        street.intake.headers["Authorization"] = f"Bearer {street.token('coordinator')}"
        yield street


def as_partner(house: Street, code: str) -> dict[str, str]:
    """The headers of a partner's machine."""
    return {"Authorization": f"Bearer {house.token('partner', partner=code)}"}


def opened_case(house: Street) -> str:
    """A case of which nothing more is heard: its request was answered on the spot."""
    case_id: str = house.record(requests=[{"category": "administrative", "answered": True}])["case_id"]
    return case_id


def attach(house: Street, case_id: str, key: str = "", **changes: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return house.intake.post(f"/cases/{case_id}/person", json={**ZOE, **changes}, headers=headers)


def known(house: Street, **changes: Any) -> str:
    """Somebody who is attached to a case of their own."""
    person_id: str = attach(house, opened_case(house), **changes).json()["person_id"]
    return person_id


def case(house: Street, case_id: str, move: str = "", body: Any = None, version: str = "", key: str = "") -> Any:
    """A case; with `move`, after it."""
    if not move:
        return house.intake.get(f"/cases/{case_id}").json()
    headers = {"If-Match": version or house.intake.get(f"/cases/{case_id}").headers["etag"]}
    if key:
        headers["Idempotency-Key"] = key
    return house.intake.post(f"/cases/{case_id}/{move}", json=body, headers=headers)


class TestPerson:
    """Who a case is about."""

    def test_a_person_is_attached_and_the_case_says_an_id(self, house: Street) -> None:
        case_id = opened_case(house)
        answer = attach(house, case_id)
        assert answer.status_code == 201
        person_id = answer.json()["person_id"]
        assert answer.headers["location"] == f"/people/{person_id}"
        assert (answer.headers["etag"], answer.json()["version"]) == ('"3"', 3)
        assert (case(house, case_id)["person_id"], case(house, case_id)["status"]) == (person_id, "open")
        person = house.intake.get(f"/people/{person_id}")
        assert person.json() == {"person_id": person_id, "address": None, **ZOE, "cases": [case_id], "version": 1}

    def test_sent_again_it_is_one_person(self, house: Street, unique: str) -> None:
        case_id = opened_case(house)
        first = attach(house, case_id, unique)
        again = attach(house, case_id, unique)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        problem_of(attach(house, case_id, unique, given_name="Léa"), 422, "Idempotency-Key")

    def test_a_case_is_about_one_person(self, house: Street) -> None:
        case_id = opened_case(house)
        attach(house, case_id)
        refused = problem_of(attach(house, case_id, given_name="Léa"), 409)
        assert refused["type"] == "/problems/person-attached"
        other = house.intake.post(f"/cases/{case_id}/known-person", json={"person_id": known(house)})
        problem_of(other, 409)

    def test_somebody_known_gets_another_case(self, house: Street) -> None:
        person_id, case_id = known(house), opened_case(house)
        answer = house.intake.post(f"/cases/{case_id}/known-person", json={"person_id": person_id})
        assert answer.status_code == 201
        assert case_id in house.intake.get(f"/people/{person_id}").json()["cases"]
        unknown = house.intake.post(f"/cases/{opened_case(house)}/known-person", json={"person_id": NOBODY})
        problem_of(unknown, 404)

    def test_a_refusal_names_the_field_and_repeats_nothing(self, house: Street) -> None:
        refused = attach(house, opened_case(house), family_name=12, nickname="Zouzou")
        problem = problem_of(refused, 422)
        assert {error["field"] for error in problem["errors"]} == {"family_name", "nickname"}
        assert "Zouzou" not in refused.text
        problem_of(attach(house, NOBODY), 404)

    def test_a_mistake_is_corrected_by_whoever_read_it_last(self, house: Street) -> None:
        person_id = known(house)
        corrected = {**ZOE, "family_name": "Rossignol-Inventé", "phone": None}
        path = f"/people/{person_id}/correction"
        problem_of(house.intake.post(path, json=corrected), 428, "If-Match")
        answer = house.intake.post(path, json=corrected, headers={"If-Match": '"1"'})
        assert (answer.headers["etag"], answer.json()["phone"]) == ('"2"', None)
        problem_of(house.intake.post(path, json=ZOE, headers={"If-Match": '"1"'}), 412, "If-Match")
        found = house.intake.post("/people/search", json={"name": "rossignol invente"}).json()["matches"]
        assert person_id in {match["person_id"] for match in found}

    def test_looking_for_somebody_shows_three_digits_and_a_warning(self, house: Street) -> None:
        person_id = known(house, family_name="Mésange-Fictive")
        answer = house.intake.post("/people/search", json={"name": "zoe mesange fictive"}).json()
        (match,) = answer["matches"]
        assert (match["person_id"], match["phone_ending"], match["likely_duplicate"]) == (person_id, "431", True)
        assert "431" in answer["warning"]
        assert "74 31" not in str(answer)
        assert "7431" not in str(answer)
        assert not answer["more"]

    def test_answers_are_bounded(self, house: Street) -> None:
        for _ in range(21):
            known(house, family_name="Multiple-Fictif")
        answer = house.intake.post("/people/search", json={"name": "multiple"}).json()
        assert (len(answer["matches"]), answer["more"]) == (20, True)


class TestCaseLife:
    """Close, reopen, merge and un-merge."""

    def test_a_closed_case_takes_no_new_visit_until_it_is_reopened(self, house: Street) -> None:
        case_id = opened_case(house)
        closed = case(house, case_id, "close", {"reason": "moved_away"})
        assert (closed.json()["status"], closed.json()["closed_for"]) == ("closed", "moved_away")
        visit = {"case_id": case_id, "requests": [{"category": "legal"}]}
        refused = problem_of(house.intake.post("/visits", json=visit), 409)
        assert "Reopen" in refused["detail"]
        line = house.intake.post(
            "/visits/batch",
            content=json.dumps({**visit, "idempotency_key": case_id}),
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert (line.json()["status"], line.json()["type"]) == (409, "/problems/case-closed")
        assert case(house, case_id, "reopen").json()["status"] == "open"
        assert house.intake.post("/visits", json=visit).status_code == 201
        problem_of(case(house, case_id, "reopen"), 409)

    def test_a_change_says_which_version_it_rests_on(self, house: Street) -> None:
        case_id = opened_case(house)
        for move in ("close", "reopen", "merge", "unmerge"):
            body = {"into": NOBODY} if move == "merge" else None
            problem_of(house.intake.post(f"/cases/{case_id}/{move}", json=body), 428, "If-Match")
            problem_of(case(house, case_id, move, body, '"9"'), 412, "If-Match")
            problem_of(case(house, NOBODY, move, body, '"1"'), 404)

    def test_sent_again_a_change_is_made_once(self, house: Street, unique: str) -> None:
        case_id = opened_case(house)
        first = case(house, case_id, "close", version='"2"', key=unique)
        again = case(house, case_id, "close", version='"2"', key=unique)
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        problem_of(case(house, case_id, "close", {"reason": "other"}, '"2"', unique), 422, "Idempotency-Key")

    def test_a_merged_case_is_read_as_a_part_until_the_merge_is_taken_back(self, house: Street) -> None:
        kept, absorbed = opened_case(house), opened_case(house)
        person_id = attach(house, absorbed).json()["person_id"]
        before = case(house, kept), case(house, absorbed)
        merged = case(house, absorbed, "merge", {"into": kept}).json()
        assert (merged["status"], merged["merged_into"]) == ("merged", kept)
        whole = case(house, kept)
        assert (whole["absorbed"], whole["person_id"], len(whole["visits"])) == ([absorbed], person_id, 2)
        visit = {"case_id": absorbed, "requests": [{"category": "legal"}]}
        assert problem_of(house.intake.post("/visits", json=visit), 409)["kept"] == kept
        problem_of(case(house, kept, "merge", {"into": absorbed}), 409)
        case(house, absorbed, "unmerge")
        for was, now in zip(before, (case(house, kept), case(house, absorbed)), strict=True):
            assert {**was, "version": 0} == {**now, "version": 0}
        problem_of(case(house, absorbed, "unmerge"), 409)

    def test_two_people_are_not_merged(self, house: Street) -> None:
        kept, absorbed = opened_case(house), opened_case(house)
        attach(house, kept)
        attach(house, absorbed, given_name="Léa")
        refused = problem_of(case(house, absorbed, "merge", {"into": kept}), 409)
        assert refused["type"] == "/problems/people-differ"
        problem_of(case(house, kept, "merge", {"into": kept}), 409)

    def test_notes_are_kept_by_the_vault_and_read_with_the_case(self, house: Street, unique: str) -> None:
        kept, absorbed = opened_case(house), opened_case(house)
        path, headers = f"/cases/{absorbed}/notes", {"Idempotency-Key": unique}
        first = house.intake.post(path, json={"text": "Note inventée"}, headers=headers)
        assert first.status_code == 201
        assert house.intake.post(path, json={"text": "Note inventée"}, headers=headers).json() == first.json()
        problem_of(house.intake.post(path, json={"text": "Autre"}, headers=headers), 422, "Idempotency-Key")
        problem_of(house.intake.post(path, json={"text": "x" * 501}), 422, "text")
        case(house, absorbed, "merge", {"into": kept})
        (note,) = house.intake.get(f"/cases/{kept}/notes").json()["notes"]
        assert (note["text"], note["case_id"]) == ("Note inventée", absorbed)
        problem_of(house.intake.get(f"/cases/{NOBODY}/notes"), 404)


def accepted(house: Street, **changes: Any) -> tuple[str, str, str]:
    """(referral, its partner, person) of a referral that was accepted, known to intake."""
    visit = house.record("social_rights")
    person_id = attach(house, visit["case_id"], **changes).json()["person_id"]
    (referral,) = house.referrals_of(visit["visit_id"])
    path = f"/referrals/{referral['referral_id']}"
    disclosed = f"/disclosures/{referral['referral_id']}"
    # Not before it is accepted, not even to its own partner.
    problem_of(house.intake.get(disclosed, headers=as_partner(house, referral["partner"])), 404)
    house.referral.post(f"{path}/accept", headers={"If-Match": '"1"'})
    until(lambda: house.referrals_of(visit["visit_id"])[0]["status"] == "accepted")
    return disclosed, referral["partner"], person_id


class TestDisclosure:
    """What a partner may read."""

    def test_the_partner_that_accepted_reads_what_the_catalogue_allows(self, house: Street) -> None:
        disclosed, partner, person_id = accepted(house)
        told = house.intake.get(disclosed, headers=as_partner(house, partner)).json()
        assert told.pop("referral_id") == disclosed.rpartition("/")[2]
        assert told == {name: ZOE[name] for name in ("given_name", "family_name", "phone")}
        readings = house.intake.get(f"/people/{person_id}/export").json()["readings"]
        (reading,) = [one for one in readings if one["what"] == "disclosure"]
        assert (reading["role"], reading["partner"]) == ("partner", partner)
        assert reading["name"].startswith("token-")
        assert set(reading["fields"]) == {*told, "safe_to_contact"}

    def test_another_partner_gets_the_answer_of_what_is_not_there(self, house: Street) -> None:
        disclosed, partner, _ = accepted(house)
        absent = house.intake.get(f"/disclosures/{NOBODY}", headers=as_partner(house, partner))
        problem_of(absent, 404)
        other = next(code for code in ("p01", "p02", "p03") if code != partner)
        refused = house.intake.get(disclosed, headers=as_partner(house, other))
        assert (refused.status_code, refused.content) == (404, absent.content)

    def test_it_reads_on_while_it_has_the_person_and_no_more_once_it_has_not(self, house: Street) -> None:
        disclosed, partner, _ = accepted(house)
        path = f"/referrals/{disclosed.rpartition('/')[2]}"
        for verb, body, status in (("miss", None, 200), ("decline", {"reason": "no_capacity"}, 404)):
            version = house.referral.get(path).headers["etag"]
            moved = house.referral.post(f"{path}/{verb}", headers={"If-Match": version}, json=body)
            assert moved.status_code == 200
            until(lambda: self.is_shown(house, path))
            assert house.intake.get(disclosed, headers=as_partner(house, partner)).status_code == status

    @staticmethod
    def is_shown(house: Street, path: str) -> bool:
        """Whether intake has heard where a referral stands."""
        view = house.referral.get(path).json()
        shown = house.referrals_of(view["visit_id"])
        return any((one["referral_id"], one["version"]) == (view["referral_id"], view["version"]) for one in shown)

    def test_what_the_desk_walked_to_a_partner_that_did_not_answer_yet_is_not_read(self, house: Street) -> None:
        visit = house.record("housing")
        attach(house, visit["case_id"])
        (referral,) = house.referrals_of(visit["visit_id"])
        path = f"/referrals/{referral['referral_id']}"
        house.referral.post(f"{path}/walk", headers={"If-Match": '"1"'})
        until(lambda: self.is_shown(house, path))
        disclosed = f"/disclosures/{referral['referral_id']}"
        problem_of(house.intake.get(disclosed, headers=as_partner(house, referral["partner"])), 404)

    def test_who_is_not_safe_to_contact_has_no_telephone(self, house: Street) -> None:
        disclosed, partner, _ = accepted(house, safe_to_contact=False)
        told = house.intake.get(disclosed, headers=as_partner(house, partner)).json()
        assert set(told) == {"referral_id", "given_name", "family_name"}

    def test_a_forgotten_person_is_disclosed_to_nobody(self, house: Street) -> None:
        disclosed, partner, person_id = accepted(house)
        house.intake.post(f"/people/{person_id}/erasure")
        problem_of(house.intake.get(disclosed, headers=as_partner(house, partner)), 404)


def test_a_forgotten_person_is_gone_and_the_figures_do_not_move(house: Street) -> None:
    case_id = opened_case(house)
    person_id = attach(house, case_id, family_name="Oubliée-Fictive").json()["person_id"]
    until(lambda: house.stats.get("/health/ready").json()["subscribers"][0]["checkpoint"] >= 3)
    position = house.recorded()
    until(lambda: house.stats.get("/stats/visits").json()["as_of"]["intake"] >= position)
    before, seen = house.stats.get("/stats/visits").json()["rows"], case(house, case_id)
    export = house.intake.get(f"/people/{person_id}/export").json()
    assert export["identity"]["family_name"] == "Oubliée-Fictive"
    assert [one["case_id"] for one in export["cases"]] == [case_id]
    for _ in range(2):
        erased = house.intake.post(f"/people/{person_id}/erasure", json={"decision": "DPO/2008-12"})
        assert erased.json() == {"person_id": person_id, "erased": True}
    for path in ("", "/export"):
        assert problem_of(house.intake.get(f"/people/{person_id}{path}"), 410)["type"] == "/problems/person-erased"
    assert house.intake.post("/people/search", json={"name": "Oubliée"}).json()["matches"] == []
    assert case(house, case_id) == seen
    assert house.stats.get("/stats/visits").json()["rows"] == before
    problem_of(house.intake.post(f"/people/{NOBODY}/erasure"), 404)
    problem_of(house.intake.post(f"/cases/{case_id}/notes", json={"text": "trop tard"}), 410)


def test_elimination_needs_the_visa_of_the_archives(house: Street) -> None:
    listed = house.intake.post("/eliminations").json()
    path = f"/eliminations/{listed['list_id']}"
    problem_of(house.intake.post(f"{path}/execution"), 409)
    problem_of(house.intake.post(f"{path}/visa", json={"reference": "AD 21", "signed_on": "2010-05-04"}), 422)
    signed = house.intake.post(f"{path}/visa", json={"reference": "AD21/7", "signed_on": "2010-05-04"}).json()
    assert (signed["visa"], signed["visa_on"]) == ("AD21/7", "2010-05-04")
    assert house.intake.post(f"{path}/execution").json()["carried_out_at"]
    assert house.intake.get(path).json()["entries"] == []
    problem_of(house.intake.post(f"{path}/visa", json={"reference": "AD21/8", "signed_on": "2010-05-05"}), 409)
    problem_of(house.intake.get(f"/eliminations/{NOBODY}"), 404)
    assert house.intake.get("/retention/due").json() == {"entries": []}
