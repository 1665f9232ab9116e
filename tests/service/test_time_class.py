"""Another's object takes as long as one that there is not: the same way is gone for both, statement by statement.

Nothing is timed. What a partner's request asks of the stores is heard where the statements leave for the database.
"""

import httpx
import pytest

from shared.access.policy import POLICY, Own
from tests.service.statements import Trip, heard
from tests.service.street import Street

PARTNER, OTHER = "p01", "p02"
ABSENT = {"referral_id": "00000000-0000-4000-8000-000000000000", "partner": "p99", "code": "000000000"}
OWN = [(method, path, rule.own) for (method, path), rule in POLICY["referral"].items() if rule.own]
LOOKED_UP_THERE = [
    ("GET", "/disclosures/{referral_id}"),
    ("GET", "/invitations/{code}"),
    ("POST", "/invitations/{code}/used"),
]
"""What is one partner's by what it holds, and not by its address: intake has these."""


@pytest.fixture(scope="module")
def objects(street: Street) -> dict[str, dict[str, str]]:
    """The partner's own referral, another partner's and an invitation of another, and what there is not."""
    found: dict[str, dict[str, str]] = {"absent": ABSENT}
    for whose, partner in (("own", PARTNER), ("other", OTHER)):
        visit, referral = street.referred("social_rights", partner, children=True)
        found[whose] = {"referral_id": referral["referral_id"], "partner": partner, "code": visit["invitation"]}
    return found


def asked(
    street: Street, monkeypatch: pytest.MonkeyPatch, service: str, method: str, path: str
) -> tuple[int, list[Trip]]:
    """The status, and what the request asked of the stores."""
    client: httpx.Client = street.as_role("partner", service, partner=PARTNER)
    with heard(monkeypatch, PARTNER) as trips:
        answer = client.request(method, path, headers={"If-Match": '"1"'})
    return answer.status_code, trips


@pytest.mark.parametrize(("method", "template", "own"), OWN)
def test_anothers_object_and_none_at_all_ask_the_same_of_the_store(
    street: Street,
    objects: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    template: str,
    own: Own,
) -> None:
    other, absent = (
        asked(street, monkeypatch, "referral", method, template.format(**objects[which]))
        for which in ("other", "absent")
    )
    assert other[0] == 404
    assert other == absent
    # A queue is told by its address; a referral, by one statement, which finds the other's as little as none.
    assert [len(statements) for _, statements in other[1]] == ([] if own is Own.QUEUE else [1])


@pytest.mark.parametrize(("method", "template"), LOOKED_UP_THERE)
def test_what_is_looked_up_in_intake_is_looked_up_alike(
    street: Street, objects: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch, method: str, template: str
) -> None:
    other, absent = (
        asked(street, monkeypatch, "intake", method, template.format(**objects[which])) for which in ("other", "absent")
    )
    assert other[0] == 404
    assert other == absent
    assert len(other[1]) == 1


def test_a_way_that_differs_would_be_heard(
    street: Street, objects: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, trips = asked(street, monkeypatch, "referral", "GET", f"/desks/referral/{objects['own']['referral_id']}")
    not_found, absent = asked(street, monkeypatch, "referral", "GET", f"/desks/referral/{ABSENT['referral_id']}")
    assert (status, not_found) == (200, 404)
    assert len(trips) > len(absent)


def test_one_question_finds_a_partners_own_referral(
    street: Street, objects: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, trips = asked(street, monkeypatch, "referral", "GET", f"/referrals/{objects['own']['referral_id']}")
    assert status == 200
    assert [(how, len(statements)) for how, statements in trips] == [("read", 1)]
