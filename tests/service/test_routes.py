"""Every route answers what the contract says, over real sockets."""

from typing import Any

import pytest

from tests.service.street import Street, until


def test_a_visit_is_recorded_and_shows_what_became_of_it(street: Street) -> None:
    answer = street.intake.post(
        "/visits",
        json={
            "channel": "phone",
            "occurred_at": "2008-03-11T09:30:00+01:00",
            "requests": [{"category": "social_rights"}, {"category": "administrative", "answered": True}],
        },
    )
    assert answer.status_code == 201
    recorded = answer.json()
    assert answer.headers["location"] == f"/visits/{recorded['visit_id']}"
    assert answer.headers["etag"] == '"2"'
    assert [request["category"] for request in recorded["requests"]] == ["social_rights", "administrative"]

    def handed_over() -> dict[str, Any]:
        visit: dict[str, Any] = street.intake.get(answer.headers["location"]).json()
        return visit if visit["requests"][0]["referrals"] else {}

    visit = until(handed_over)
    assert visit["occurred_at"] == "2008-03-11T09:30:00.000+01:00"
    (referral,) = visit["requests"][0]["referrals"]
    assert referral["status"] == "issued"
    assert visit["requests"][1]["referrals"] == []
