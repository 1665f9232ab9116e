"""The committed documents say what the services do; `/metrics` and health say how they are."""

import json
import re
from typing import Any

import pytest
from faststream.specification import AsyncAPI
from prometheus_client.parser import text_string_to_metric_families

from services.contract import DOCS, documents
from services.referral.app import SCHEMA
from services.referral.consumers import intake_topic
from shared.catalogue import load_catalogue
from shared.events import EVENT_TYPES
from shared.service import Service
from shared.settings import Settings
from tests.service.street import Street, until

SERVICES = ("intake", "referral", "stats")
each_service = pytest.mark.parametrize("service", SERVICES)


def test_the_committed_documents_are_those_of_the_code() -> None:
    for path, text in documents():
        assert (DOCS / path).read_text("utf-8") == text, f"docs/{path} is old: run python -m services.contract"


@each_service
def test_a_running_service_tells_its_documents(service: str, street: Street) -> None:
    client = getattr(street, service)
    for kind in ("openapi", "asyncapi"):
        told = client.get(f"/{kind}.json")
        assert told.headers["content-type"] == "application/json"
        assert told.json() == json.loads((DOCS / kind / f"{service}.json").read_text("utf-8"))
    assert told.json()["asyncapi"] == "3.0.0"
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1.")


def asyncapi(service: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DOCS / "asyncapi" / f"{service}.json").read_text("utf-8"))
    return document


def test_each_event_is_named_by_who_says_it_and_by_who_hears_it() -> None:
    said = {
        service: [
            each["channel"]["$ref"] for each in asyncapi(service)["operations"].values() if each["action"] == "send"
        ]
        for service in SERVICES
    }
    assert said == {
        "intake": ["#/channels/intake"],
        "referral": ["#/channels/referral", "#/channels/queue"],
        "stats": [],
    }
    assert set(asyncapi("stats")["components"]["messages"]) == set(EVENT_TYPES)
    assert asyncapi("referral")["channels"]["queue"]["address"] == "queue:{partner}"
    assert asyncapi("intake")["channels"]["intake"]["address"] == "topic:intake:{partition}"


@each_service
def test_every_reference_in_the_document_leads_somewhere(service: str) -> None:
    document = asyncapi(service)
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        found: Any = document
        for step in reference.split("/"):
            found = found[step]
        assert found


def test_what_is_on_a_topic_has_the_form_that_the_document_gives(street: Street) -> None:
    visit = street.record("social_rights", "legal")
    street.referrals_of(visit["visit_id"])
    schema = asyncapi("stats")["components"]["schemas"]["CloudEvent"]
    with street.bus.client() as client:
        entries = [
            json.loads(fields[b"__data__"])
            for topic in ("topic:intake:0", "topic:referral:0", "queue:p01")
            for _, fields in client.xrevrange(topic, count=3)
        ]
    assert entries
    for entry in entries:
        assert set(schema["required"]) <= set(entry) <= set(schema["properties"])
        assert re.match(schema["properties"]["sequence"]["pattern"], entry["sequence"])
        told = asyncapi("stats")["components"]["messages"][entry["type"]]["payload"]["allOf"][1]
        data = told["properties"]["data"]
        assert set(data["required"]) <= set(entry["data"]) <= set(data["properties"])


def test_faststream_shows_the_same_events_to_its_own_readers(tmp_path: Any) -> None:
    settings = Settings(data=tmp_path, redis_url="redis://localhost")
    service = Service("referral", settings, SCHEMA)
    catalogue = load_catalogue(settings.house_file)
    service.hear(intake_topic(service.own_log(queues=True), catalogue, 2))
    document = AsyncAPI(service.broker, title="t", version="1", schema_version="3.0.0").to_specification().to_json()
    for name in ("topic:intake:0", "topic:intake:1", "CaseOpened", "VisitRecorded", "request_id"):
        assert name in document


def metrics(street: Street, service: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = getattr(street, service).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_answers_are_counted_by_route_and_kind_and_never_by_address(street: Street) -> None:
    def answers(method: str, route: str, status: str) -> float:
        labels = (("method", method), ("route", route), ("status", status))
        return metrics(street, "intake").get(("maison_http_answers_total", labels), 0)

    recorded, refused = answers("POST", "/visits", "2xx"), answers("POST", "/visits", "4xx")
    read, lost = answers("GET", "/visits/{visit_id}", "2xx"), answers("GET", "unmatched", "4xx")
    visit = street.record("legal")
    street.intake.post("/visits", json={})
    street.intake.get(f"/visits/{visit['visit_id']}")
    street.intake.get("/nowhere/at/all")
    assert answers("POST", "/visits", "2xx") == recorded + 1
    assert answers("POST", "/visits", "4xx") == refused + 1
    assert answers("GET", "/visits/{visit_id}", "2xx") == read + 1
    assert answers("GET", "unmatched", "4xx") == lost + 1
    assert visit["visit_id"] not in street.intake.get("/metrics").text


def test_positions_and_lags_are_told(street: Street) -> None:
    head = street.record("social_rights")["position"]
    topic = (("partition", "0"), ("topic", "intake"))
    partition = (("partition", "0"),)
    until(lambda: metrics(street, "stats")["maison_subscription_position", topic] >= head)
    until(lambda: metrics(street, "intake")["maison_relay_position", partition] >= head)
    found = metrics(street, "stats")
    assert found["maison_subscription_lag_events", topic] >= 0
    assert found["maison_dead_letters", ()] == 0
    assert metrics(street, "intake")["maison_log_head", partition] >= head
    assert metrics(street, "intake")["process_resident_memory_bytes", ()] > 0
    assert any(name == "faststream_received_processed_messages_total" for name, _ in found)


@each_service
def test_no_label_names_a_category_a_partner_or_a_person(service: str, street: Street) -> None:
    street.referrals_of(street.record("social_rights")["visit_id"])
    codes = {"social_rights", "legal", "p01", "p07", "queue:p01", "fontaine-d-ouche"}
    assert not {value for _, labels in metrics(street, service) for _, value in labels} & codes


@each_service
def test_health_says_alive_and_ready(service: str, street: Street) -> None:
    client = getattr(street, service)
    assert client.get("/health/live").json() == {"live": True}
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    assert {reader["waits_for"] for reader in ready.json()["subscribers"]} == {None}
