"""A partner without an account answers by a link: what the page says, and what it never says."""

import logging
import re

import httpx
import pytest

from shared.catalogue import load_catalogue
from shared.settings import HOUSES
from tests.service.refusals import problem_of
from tests.service.street import Street

NEUTRAL = {"FR": "Ce lien ne fonctionne pas", "EN": "This link does not work"}


@pytest.fixture
def referral(street: Street) -> str:
    """The id of a referral that was just issued."""
    (issued,) = street.referrals_of(street.record("social_rights")["visit_id"])
    found: str = issued["referral_id"]
    return found


def link_to(street: Street, referral: str) -> str:
    answer = street.referral.post(f"/referrals/{referral}/link")
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["url"]
    return url


def send(street: Street, url: str, **fields: str) -> httpx.Response:
    # A page that sends no referrer has its own forms come from nowhere.
    return street.referral.post(url, data=fields, headers={"Origin": "null"})


def status_of(street: Street, referral: str) -> tuple[str, str | None]:
    view = street.referral.get(f"/referrals/{referral}").json()
    return view["status"], view["reason"]


def assert_secret(answer: httpx.Response) -> None:
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "no-store" in answer.headers["cache-control"]
    assert "noindex" in answer.headers["x-robots-tag"]


def test_a_partner_accepts_by_its_link(street: Street, referral: str) -> None:
    url = link_to(street, referral)
    page = street.referral.get(url)
    assert page.status_code == 200
    assert_secret(page)
    assert "Une personne vous a été adressée" in page.text
    assert status_of(street, referral) == ("issued", None)
    answered = send(street, url, answer="accept")
    assert (answered.status_code, answered.headers.get("location")) == (303, url), answered.text[-900:]
    assert_secret(answered)
    assert status_of(street, referral) == ("accepted", None)
    thanks = street.referral.get(url)
    assert "n’attend plus de réponse" in thanks.text
    assert_secret(thanks)
    assert send(street, url, answer="decline", reason="moved").status_code == 303
    assert status_of(street, referral) == ("accepted", None)


def test_a_partner_declines_by_its_link_and_says_why(street: Street, referral: str) -> None:
    url = link_to(street, referral)
    without = send(street, url, answer="decline")
    assert without.status_code == 422
    assert_secret(without)
    assert "Indiquez la raison du refus." in without.text
    assert re.search(r'value="decline" required\s+checked', without.text)
    assert send(street, url, answer="decline", reason="no_capacity").status_code == 303
    assert status_of(street, referral) == ("declined", "no_capacity")


def test_the_page_says_nothing_of_the_person(street: Street, referral: str) -> None:
    view = street.referral.get(f"/referrals/{referral}").json()
    page = street.referral.get(link_to(street, referral)).text
    for secret in (view["visit_id"], view["case_id"], view["request_id"], referral):
        assert secret not in page


@pytest.mark.parametrize("token", ["x", "WyJyIiwxLDFd.forged", "%00", "a" * 2_000, "..%2F..", "é"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_that_is_none_of_ours_gets_one_neutral_page(street: Street, method: str, token: str) -> None:
    answer = street.referral.request(
        method, f"/answer/{token}", data={"answer": "accept"} if method == "POST" else None
    )
    assert answer.status_code == 404
    if "%2F" not in token:
        assert NEUTRAL["FR"] in answer.text
        assert_secret(answer)


def test_who_reads_english_is_answered_in_english(street: Street, referral: str) -> None:
    # The language stays with who chose it: a reader of our own, for the others read on in French.
    reader = street.nobody("referral")
    assert NEUTRAL["EN"] in reader.get("/answer/x?lang=en").text
    assert "I accept" in reader.get(f"{link_to(street, referral)}?lang=en").text


def test_a_wrong_form_changes_nothing_and_keeps_the_address_to_itself(street: Street, referral: str) -> None:
    url = link_to(street, referral)
    for fields in (
        {"reason": ""},
        {"answer": "maybe"},
        {"answer": "accept", "more": "x"},
        {"answer": "decline", "reason": "no"},
    ):
        answer = send(street, url, **fields)
        assert answer.status_code == 422
        assert_secret(answer)
    as_json = street.referral.post(url, json={"answer": "accept"})
    assert as_json.status_code == 415
    assert_secret(as_json)
    assert status_of(street, referral) == ("issued", None)


def test_a_delicate_referral_has_no_link_and_the_refusal_does_not_say_why(street: Street) -> None:
    house = load_catalogue(next(HOUSES.glob("*.toml")))
    sensitive = next(topic for topic in house.topics if topic.sensitive)
    recorded = street.record(sensitive.category, requests=[{"category": sensitive.category, "topic": sensitive.code}])
    issued = street.referrals_of(recorded["visit_id"])
    assert issued
    refusals = [street.referral.post(f"/referrals/{one['referral_id']}/link") for one in issued]
    assert len({refusal.text for refusal in refusals}) == 1
    problem = problem_of(refusals[0], 409)
    for word in ("sensitive", "violence", "safe", "topic", "contact"):
        assert word not in str(problem).lower()


def test_there_is_no_link_to_what_has_an_answer_or_is_not_there(street: Street, referral: str) -> None:
    street.referral.post(f"/referrals/{referral}/accept", headers={"If-Match": '"1"'})
    problem_of(street.referral.post(f"/referrals/{referral}/link"), 409)
    problem_of(street.referral.post("/referrals/nobody/link"), 404)


def test_a_token_stands_in_no_log_event_or_metric(
    street: Street, referral: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "services")
    caplog.set_level(logging.DEBUG, "shared")
    url = link_to(street, referral)
    token = url.rpartition("/")[2]
    street.referral.get(url)
    street.referral.get(f"{url}x")
    send(street, url)
    send(street, url, answer="accept")
    assert token not in caplog.text
    assert token not in street.referral.get("/metrics").text
    partner = street.referral.get(f"/referrals/{referral}").json()["queue"]
    assert token not in street.referral.get(f"/queues/{partner}?limit=200").text
    assert "/answer/{token}" in street.referral.get("/metrics").text
