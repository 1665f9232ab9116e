"""Deadlines as a client sees them, and the timer that keeps them as an operator does."""

from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from tests.service.street import Street


def test_a_referral_says_by_when_it_should_be_answered(street: Street) -> None:
    (issued,) = street.referrals_of(street.record("social_rights")["visit_id"])
    referral = street.referral.get(f"/referrals/{issued['referral_id']}").json()
    due, queued = (datetime.fromisoformat(referral[name]) for name in ("due_at", "queued_at"))
    assert 3 <= (due - queued).days + 1 <= 10
    assert referral["chased"] == 0
    accepted = street.referral.post(f"/referrals/{issued['referral_id']}/accept", headers={"If-Match": '"1"'}).json()
    assert datetime.fromisoformat(accepted["due_at"]) > due


def test_readiness_tells_when_the_timer_looked_last(street: Street) -> None:
    ready = street.referral.get("/health/ready").json()
    assert ready["timer"]["well"] is True
    assert datetime.fromisoformat(ready["timer"]["last_look"]) <= datetime.now(UTC)


def test_the_steps_of_the_timer_are_counted_and_name_nobody(street: Street) -> None:
    families = {found.name: found for found in text_string_to_metric_families(street.referral.get("/metrics").text)}
    steps = {tuple(sample.labels.items()) for sample in families["referral_timer_steps"].samples}
    assert steps == {(("step", "remind"),), (("step", "escalate"),), (("step", "expire"),)}
