"""What the dashboard and the alerts watch is there: every metric that they name, in a live scrape of the services."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.service.street import Street, until

WATCHING = Path(__file__).parents[2] / "shared/telemetry"
DOCS = Path(__file__).parents[2] / "docs/operations.md"
OF_PROMETHEUS = {"up"}
_METRIC = re.compile(r"\b(?:maison|process)_[a-z_]+\b|\bup\b")


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load((WATCHING / "prometheus/alerts.yml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((WATCHING / "grafana/dashboards/maison.json").read_text("utf-8"))["panels"]
    return found


EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in alerts()} | {
    panel["title"]: target["expr"] for panel in panels() for target in panel["targets"]
}


@pytest.fixture(scope="module")
def scraped(street: Street) -> set[str]:
    """The names of all samples of the three services, after a visit has gone its way."""
    visit = street.record("health")
    street.referrals_of(visit["visit_id"])
    texts = [client.get("/metrics").text for client in (street.intake, street.referral, street.stats)]
    return {line.split("{")[0].split(" ")[0] for text in texts for line in text.splitlines() if line[:1] != "#"}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_what_is_watched_is_there(name: str, scraped: set[str]) -> None:
    named = set(_METRIC.findall(EXPRESSIONS[name])) - OF_PROMETHEUS
    assert named or "up" in EXPRESSIONS[name]
    assert named <= scraped


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_is_explained_to_whoever_is_woken(rule: dict[str, Any]) -> None:
    assert f"**{rule['alert']}**" in DOCS.read_text("utf-8")
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_a_reader_that_is_held_up_is_told_of_and_well_again_by_itself(own_street: Street) -> None:
    bus = own_street.bus
    assert sample(own_street, "maison_ready") == 1
    bus.stop()
    until(lambda: sample(own_street, "maison_ready") == 0)
    assert own_street.stats.get("/health/ready").status_code == 503
    bus.start()
    until(lambda: sample(own_street, "maison_ready") == 1)
    assert own_street.stats.get("/health/ready").status_code == 200


def sample(street: Street, name: str) -> float:
    text = street.stats.get("/metrics").text
    return float(next(line.split(" ")[1] for line in text.splitlines() if line.startswith(f"{name} ")))
