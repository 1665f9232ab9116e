"""What a partner answers: on which version, from which state, and every wrong way to say it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.service.corpus import CANARY, NO_JSON, NOBODY
from tests.service.refusals import problem_of
from tests.service.street import Street

HELPED = {"outcome": "helped"}
NO_CAPACITY = {"reason": "no_capacity"}


@pytest.fixture
def referral(street: Street) -> str:
    """The id of a referral that was just issued."""
    (issued,) = street.referrals_of(street.record("social_rights")["visit_id"])
    found: str = issued["referral_id"]
    return found


def move(
    street: Street, referral: str, verb: str, version: str | None, body: Any = None, key: str = ""
) -> httpx.Response:
    headers = {"If-Match": version} if version is not None else {}
    if key:
        headers["Idempotency-Key"] = key
    return street.referral.post(f"/referrals/{referral}/{verb}", headers=headers, json=body)


def status_of(street: Street, referral: str) -> tuple[str, int]:
    view = street.referral.get(f"/referrals/{referral}").json()
    return view["status"], view["version"]


def test_a_partner_accepts_and_completes(street: Street, referral: str) -> None:
    accepted = move(street, referral, "accept", '"1"')
    assert (accepted.status_code, accepted.headers["etag"]) == (200, '"2"')
    assert accepted.json()["status"] == "accepted"
    completed = move(street, referral, "complete", accepted.headers["etag"], HELPED)
    assert completed.json()["status"] == "completed"
    assert completed.json()["outcome"] == "helped"
    assert status_of(street, referral) == ("completed", 3)


def test_a_partner_declines_with_a_reason_and_says_who_said_so(street: Street, referral: str) -> None:
    declined = move(street, referral, "decline", '"1"', {"reason": "not_interested", "said_by": "person"})
    assert declined.status_code == 200
    assert (declined.json()["status"], declined.json()["reason"]) == ("declined", "not_interested")


def test_a_partner_may_decline_what_it_had_accepted(street: Street, referral: str) -> None:
    move(street, referral, "accept", '"1"')
    assert move(street, referral, "decline", '"2"', NO_CAPACITY).json()["status"] == "declined"


@pytest.mark.parametrize(("verb", "body"), [("accept", None), ("decline", NO_CAPACITY), ("complete", HELPED)])
class TestIfMatch:
    """The version that a decision rests on."""

    def test_it_is_required(self, verb: str, body: Any, street: Street, referral: str) -> None:
        problem_of(move(street, referral, verb, None, body), 428, "If-Match")
        assert status_of(street, referral) == ("issued", 1)

    @pytest.mark.parametrize(
        "nonsense", ["", "*", "x", '"x"', "-1", "1.0", '"1", "2"', "1e3", "9" * 40, "²", '"1', '1"']
    )
    def test_nonsense_is_refused(self, nonsense: str, verb: str, body: Any, street: Street, referral: str) -> None:
        headers = {b"If-Match": nonsense.encode("latin-1")}
        answer = street.referral.post(f"/referrals/{referral}/{verb}", headers=headers, json=body)
        problem_of(answer, 400, "If-Match")
        assert status_of(street, referral) == ("issued", 1)

    def test_a_version_that_never_was_is_stale(self, verb: str, body: Any, street: Street, referral: str) -> None:
        problem = problem_of(move(street, referral, verb, '"7"', body), 412, "If-Match")
        assert problem["version"] == 1
        assert status_of(street, referral) == ("issued", 1)

    def test_nobody_answers_a_referral_that_does_not_exist(
        self, verb: str, body: Any, street: Street, referral: str
    ) -> None:
        for unknown in (NOBODY, CANARY, "%00", "x" * 300):
            problem_of(move(street, unknown, verb, '"1"', body), 404)


def test_of_two_who_act_on_one_version_one_wins_and_the_other_is_told(street: Street, referral: str) -> None:
    with ThreadPoolExecutor(8) as desks:
        answers = list(desks.map(lambda _: move(street, referral, "accept", '"1"'), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    for answer in answers:
        if answer.status_code == 412:
            problem = problem_of(answer, 412, "If-Match")
            assert (problem["referral_status"], problem["version"]) == ("accepted", 2)
            assert answer.headers["etag"] == '"2"'
    assert status_of(street, referral) == ("accepted", 2)


@pytest.mark.parametrize(
    ("before", "verb", "body"),
    [
        ((), "complete", HELPED),
        (("accept",), "accept", None),
        (("decline",), "accept", None),
        (("decline",), "decline", NO_CAPACITY),
        (("decline",), "complete", HELPED),
        (("accept", "complete"), "accept", None),
        (("accept", "complete"), "decline", NO_CAPACITY),
        (("accept", "complete"), "complete", HELPED),
    ],
)
def test_a_move_from_the_wrong_state_is_refused(
    before: tuple[str, ...], verb: str, body: Any, street: Street, referral: str
) -> None:
    bodies = {"accept": None, "decline": NO_CAPACITY, "complete": HELPED}
    for version, each in enumerate(before, 1):
        assert move(street, referral, each, f'"{version}"', bodies[each]).status_code == 200
    stands = status_of(street, referral)
    answer = move(street, referral, verb, f'"{len(before) + 1}"', body)
    problem = problem_of(answer, 409)
    assert (problem["referral_status"], problem["version"]) == stands
    assert status_of(street, referral) == stands


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("decline", {}, "reason"),
        ("decline", {"reason": None}, "reason"),
        ("decline", {"reason": CANARY}, "reason"),
        ("decline", {"reason": "NO_CAPACITY"}, "reason"),
        ("decline", {"reason": 1}, "reason"),
        ("decline", {"reason": ["no_capacity"]}, "reason"),
        ("decline", {"reason": "no_capacity", "said_by": "nobody"}, "said_by"),
        ("decline", {"reason": "no_capacity", "said_by": None}, "said_by"),
        ("decline", {"reason": "no_capacity", "note": CANARY}, "note"),
        ("decline", {"reason": "no_capacity", "status": "completed"}, "status"),
        ("complete", {}, "outcome"),
        ("complete", {"outcome": CANARY}, "outcome"),
        ("complete", {"outcome": True}, "outcome"),
        ("complete", {"outcome": "helped", "partner": "p01"}, "partner"),
    ],
)
def test_a_bad_answer_names_the_field(verb: str, body: Any, field: str, street: Street, referral: str) -> None:
    problem_of(move(street, referral, verb, '"1"', body), 422, field)
    assert status_of(street, referral) == ("issued", 1)


@pytest.mark.parametrize("bad", NO_JSON, ids=lambda bad: bad.name.replace(" ", "-"))
def test_what_is_no_json_is_the_same_problem_as_at_the_desk(bad: Any, street: Street, referral: str) -> None:
    for verb in ("decline", "complete"):
        headers = {"If-Match": '"1"', "Content-Type": "application/json"}
        answer = street.referral.post(f"/referrals/{referral}/{verb}", headers=headers, content=bad.body)
        problem_of(answer, bad.status, bad.field)
    assert status_of(street, referral) == ("issued", 1)


def test_what_is_said_to_be_no_json_is_not_read(street: Street, referral: str) -> None:
    headers = {"If-Match": '"1"', "Content-Type": "text/plain"}
    answer = street.referral.post(f"/referrals/{referral}/complete", headers=headers, content=b'{"outcome": "helped"}')
    problem_of(answer, 415, "Content-Type")


def test_an_answer_sent_again_with_its_key_is_carried_out_once(street: Street, referral: str, unique: str) -> None:
    first = move(street, referral, "accept", '"1"', key=unique)
    again = move(street, referral, "accept", '"1"', key=unique)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert status_of(street, referral) == ("accepted", 2)


def test_a_key_of_another_answer_is_refused(street: Street, referral: str, unique: str) -> None:
    assert move(street, referral, "decline", '"1"', NO_CAPACITY, unique).status_code == 200
    other = move(street, referral, "decline", '"1"', {"reason": "other"}, unique)
    problem_of(other, 422, "Idempotency-Key")
