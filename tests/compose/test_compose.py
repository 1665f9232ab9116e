"""The house in containers, from the Dockerfile and compose.yaml: what it does, what it may not, what it survives."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml  # type: ignore[import-untyped]

from shared.partitions import PARTITIONS_POSTGRESQL
from tests.compose import podman as podman_module
from tests.compose.house import SERVICES, ComposedHouse, composed_house, until
from tests.compose.images import ROOT, house_image, prepare_bases
from tests.compose.podman import Podman, PodmanFailed

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]
ALL = ("valkey", "postgres", "bi", "prometheus", *SERVICES)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[ComposedHouse]:
    """One house for all tests: each counts on from what the others posted."""
    if reason := podman_module.missing():
        pytest.skip(f"no containers can run here: {reason}")
    folder = tmp_path_factory.mktemp("compose")
    podman = Podman(folder)
    prepare_bases(podman)
    with house_image(podman):
        with composed_house(podman, folder) as opened:
            yield opened
        assert not podman.leftovers(opened.project)


def test_visits_posted_at_either_replica_are_referred_and_counted_once(house: ComposedHouse) -> None:
    house.post(40, "intake")
    house.post(40, "intake-2")
    until(house.agrees, "the figures agree")
    assert house.verified()["ok"]


def test_two_replicas_share_the_partitions_of_a_topic(house: ComposedHouse) -> None:
    def are_shared() -> bool:
        first, second = house.reads("stats"), house.reads("stats-2")
        return bool(first and second) and not first & second and len(first | second) == 2 * PARTITIONS_POSTGRESQL

    until(are_shared, "the partitions are shared")


def test_a_backup_is_made_from_beside_the_house(house: ComposedHouse, tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    house.post(1)
    house.compose("run", "--rm", "--no-deps", "-T", "-v", f"{tmp_path}:/backups", "maison", "backup", "/backups/today")
    barrier = json.loads((tmp_path / "today/manifest.json").read_text())["barrier"]
    assert sum(barrier["intake"].values()) >= house.posted


def test_nobody_is_let_in_who_does_not_say_who_he_is(house: ComposedHouse) -> None:
    body = {"requests": [{"category": "housing"}]}
    assert httpx.post(f"{house.url('intake')}/visits", json=body, timeout=60).status_code == 401
    assert httpx.get(f"{house.url('stats')}/stats/visits", timeout=60).status_code == 401
    assert len(house.within("intake", "cat", "data/first-password").strip()) > 20


def test_the_command_line_finds_every_part(house: ComposedHouse) -> None:
    told = house.maison("status")
    assert all(f"http://{name}:" in told for name in ("intake", "referral", "stats"))


@pytest.mark.parametrize("name", ALL)
def test_a_container_has_no_more_rights_than_it_needs(house: ComposedHouse, name: str) -> None:
    status = house.within(name, "cat", "/proc/1/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["Uid"].split()[0] != "0"
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert facts["NoNewPrivs"] == "1"
    assert house.state(name)["HostConfig"]["ReadonlyRootfs"]
    if name != "bi":
        until(lambda: house.is_healthy(name), f"{name} is healthy")


def test_parts_reach_only_those_whom_they_speak_with(house: ComposedHouse) -> None:
    until(lambda: reaches(house, "bi", "postgres", 5432), "bi reaches the database")
    assert not reaches(house, "bi", "valkey", 6379)
    assert not reaches(house, "valkey", "postgres", 5432)
    assert not reaches(house, "postgres", "valkey", 6379)
    assert "NOAUTH" in house.within("valkey", "valkey-cli", "ping")
    assert not any(house.within(name, "ls", "/run/secrets").count("vault") for name in ("referral", "stats", "valkey"))


def test_the_city_reaches_the_database_at_the_loopback_address(house: ComposedHouse) -> None:
    place = f"host=127.0.0.1 port={house.ports['BI']} dbname=maison user=maison_bi"
    password = (house.secrets / "maison_bi_password").read_text()
    with psycopg.connect(place, password=password) as connection:
        assert connection.execute("SELECT count(*) >= 0 FROM bi.fait_accueils").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM intake.events")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(place, password="guessed")


def test_prometheus_watches_every_replica_and_understands_every_alert(house: ComposedHouse) -> None:
    until(lambda: len(house.watched("up{job='maison'} == 1")) == len(SERVICES), "every replica is watched")
    loaded = httpx.get(f"{house.url('prometheus')}/api/v1/rules", timeout=60).json()["data"]["groups"]
    written = yaml.safe_load((ROOT / "shared/telemetry/prometheus/alerts.yml").read_text())["groups"]
    rules = [rule for group in loaded for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {rule["alert"] for group in written for rule in group["rules"]}
    until(lambda: all_ok(house), "every rule can be evaluated")


def all_ok(house: ComposedHouse) -> bool:
    """Whether Prometheus has evaluated each of its rules, and none has failed."""
    groups = httpx.get(f"{house.url('prometheus')}/api/v1/rules", timeout=60).json()["data"]["groups"]
    return all(rule["health"] == "ok" for group in groups for rule in group["rules"])


def test_whatever_is_killed_comes_back_and_nothing_is_lost(house: ComposedHouse) -> None:
    for name in ("stats", "referral-2", "valkey", "intake", "postgres"):
        before = house.state(name)["State"]["Pid"]
        house.kill(name)
        house.post(10, "intake-2")
        until(lambda name=name, before=before: is_new(house, name, before), f"{name} is back")  # type: ignore[misc]
    for name in SERVICES:
        until(lambda name=name: house.is_ready(name), f"{name} is ready")  # type: ignore[misc]
    until(house.agrees, "the figures agree")
    assert house.verified()["ok"]


def is_new(house: ComposedHouse, name: str, before: int) -> bool:
    """Whether a container runs again, in another process."""
    state = house.state(name)["State"]
    return bool(state["Running"] and state["Pid"] not in (0, before))


def reaches(house: ComposedHouse, name: str, other: str, port: int) -> bool:
    """Whether one container can speak with another: these have socat."""
    try:
        house.within(name, "socat", "-T", "2", "-u", "/dev/null", f"TCP:{other}:{port},connect-timeout=2")
    except PodmanFailed:
        return False
    return True
