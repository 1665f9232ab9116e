"""One trace, from a desk's POST to the figures, through all three services; and nothing in it but codes."""

from pathlib import Path

import pytest

from services.house import STOP_S_MAX
from shared.telemetry.tracing import SEND_S_MAX
from tests.servers import Valkey
from tests.servers.collector import Collector, Span, running_collector
from tests.service.street import open_street, until

CAME_WITH = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> object:
    with running_collector() as running:
        yield running


def test_one_trace_tells_a_visit_from_its_post_to_its_figures(
    tmp_path: Path, valkey: Valkey, collector: Collector
) -> None:
    with open_street(tmp_path, valkey, traces=collector.url) as street:
        body = {"requests": [{"category": "early_childhood"}]}
        visit = street.intake.post("/visits", json=body, headers={"traceparent": CAME_WITH}).json()
        (referral,) = street.referrals_of(visit["visit_id"])
        accept = f"/referrals/{referral['referral_id']}/accept"
        assert street.referral.post(accept, headers={"If-Match": '"1"'}).status_code == 200

        def told() -> set[tuple[str, str]]:
            found = {(span.service, span.name) for span in collector.spans}
            return found if ("stats", "hear referral.accepted.v1") in found else set()

        until(told)
    trace = CAME_WITH.split("-")[1]
    visit_spans = {(span.service, span.name): span for span in collector.spans if span.trace == trace}
    assert set(visit_spans) >= {
        ("intake", "POST /visits"),
        ("referral", "hear intake.visit-recorded.v1"),
        ("stats", "hear intake.visit-recorded.v1"),
        ("stats", "hear referral.issued.v1"),
        ("intake", "hear referral.issued.v1"),
    }
    post = visit_spans["intake", "POST /visits"]
    assert post.above == CAME_WITH.split("-")[2]
    assert post.about["http.response.status_code"] == "201"
    assert visit_spans["stats", "hear referral.issued.v1"].above == post.own
    accepting = spans(collector, "referral", "POST /referrals/{referral_id}/accept")
    assert [span.trace for span in spans(collector, "stats", "hear referral.accepted.v1")] == [accepting[0].trace]
    # FastStream's own spans, of the batches that it read, stand beside them.
    assert any(
        span.about.get("messaging.system") == "redis" and "position" not in span.about for span in collector.spans
    )
    sent = b"".join(collector.raw)
    for code in (visit["visit_id"], visit["case_id"], referral["referral_id"], "early_childhood"):
        assert code.encode() not in sent


def spans(collector: Collector, service: str, name: str) -> list[Span]:
    return [span for span in collector.spans if (span.service, span.name) == (service, name)]


def test_a_collector_that_is_away_holds_nothing_up(tmp_path: Path, valkey: Valkey) -> None:
    with running_collector() as gone:
        url = gone.url
    with open_street(tmp_path, valkey, traces=url) as street:
        visit = street.record("early_childhood")
        assert street.referrals_of(visit["visit_id"])
    # One batch may be under way when the service is told to end, and the last is still to go.
    assert 2 * SEND_S_MAX < STOP_S_MAX
