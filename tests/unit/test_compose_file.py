"""What `compose.yaml` and the Dockerfile must keep to, read as files; tests/compose runs them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from services import SERVICES
from services.secret_files import make_missing
from shared.bus_users import NEEDS
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
ENDING = {"migrations", "maison"}
"""They do one thing and are gone."""
WITHOUT_A_CHECK = {*ENDING, "bi"}


def secrets_of(part: dict[str, Any]) -> set[str]:
    return {each if isinstance(each, str) else each["source"] for each in part.get("secrets", ())}


def networks_of(part: dict[str, Any]) -> set[str]:
    return set(part["networks"])


@pytest.mark.parametrize("name", [name for name in PARTS if name != "grafana"])
def test_a_container_writes_nowhere_and_may_do_nothing_special(name: str) -> None:
    part = PARTS[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid"} & set(part)


@pytest.mark.parametrize("name", sorted(set(PARTS) - WITHOUT_A_CHECK))
def test_a_container_that_stays_says_how_it_is_and_starts_again(name: str) -> None:
    assert PARTS[name]["healthcheck"]["test"]
    assert PARTS[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", PARTS)
def test_a_port_is_open_on_this_machine_alone(name: str) -> None:
    for port in PARTS[name].get("ports", ()):
        assert port.startswith("127.0.0.1:")
        # A network that leads nowhere publishes nothing.
        assert networks_of(PARTS[name]) - {"bus", "database"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_when_its_tables_are_there(name: str) -> None:
    after = PARTS[name]["depends_on"]
    assert after["migrations"] == {"condition": "service_completed_successfully"}
    assert after["postgres"] == after["valkey"] == {"condition": "service_healthy"}


def test_the_servers_stand_apart_and_lead_nowhere() -> None:
    assert networks_of(PARTS["valkey"]) == {"bus"}
    assert networks_of(PARTS["postgres"]) == {"database"}
    assert COMPOSE["networks"]["bus"]["internal"] is COMPOSE["networks"]["database"]["internal"] is True
    assert networks_of(PARTS["bi"]) == {"database", "city"}
    assert networks_of(PARTS["prometheus"]) == networks_of(PARTS["grafana"]) == {"front"}


def test_each_part_holds_its_own_secrets_and_no_other() -> None:
    holders = {
        secret: {name for name, part in PARTS.items() if secret in secrets_of(part)} for secret in COMPOSE["secrets"]
    }
    assert holders["maison_vault_key"] == {"intake", "intake-2"}
    assert holders["maison_links_key"] == {"referral", "referral-2"}
    assert holders["postgres_password"] == {"postgres"}
    assert holders["valkey_users"] == {"valkey"}
    for service in NEEDS:
        assert holders[f"redis_url_{service}"] == {service, f"{service}-2"}
    assert holders["redis_url_operations"] == {"maison"}


def test_every_secret_named_is_made_and_every_secret_made_is_named(tmp_path: Path) -> None:
    # The token is made by the house, once it runs.
    assert set(make_missing(tmp_path)) | {"metrics_token"} == set(COMPOSE["secrets"])


def test_nothing_secret_stands_in_a_variable() -> None:
    for part in PARTS.values():
        for name, value in part.get("environment", {}).items():
            assert not re.search(r"PASSWORD|KEY|TOKEN|DATABASE_URL|REDIS_URL", name) or str(value).startswith("/run/")


def test_every_setting_that_is_given_exists() -> None:
    known = {f"MAISON_{name.upper()}" for name in Settings.model_fields}
    for part in PARTS.values():
        assert {name for name in part.get("environment", {}) if name.startswith("MAISON_")} <= known


def test_who_somebody_is_is_asked_unless_it_was_said_otherwise() -> None:
    assert PARTS["intake"]["environment"]["MAISON_ACCESS"] == "${MAISON_ACCESS:-required}"


def test_files_that_are_mounted_are_there() -> None:
    for part in PARTS.values():
        for volume in part.get("volumes", ()):
            place = volume.replace("${HOUSE_FILES:-./houses}", "./houses").split(":")[0]
            assert (ROOT / place).is_dir() if place.startswith("./") else place in COMPOSE["volumes"]


def test_what_goes_into_the_image_is_what_runs() -> None:
    """The image's lock is the project's, without what only development needs."""
    pins = {name: set(re.findall(r"^([\w.-]+==\S+)", (ROOT / name).read_text(), re.MULTILINE)) for name in LOCKS}
    assert pins["requirements-run.txt"] < pins["requirements.txt"]
    assert not {
        pin for pin in pins["requirements-run.txt"] if pin.split("==")[0] in {"pytest", "mypy", "ruff", "celery"}
    }
    asked = re.findall(r'^    "([\w-]+)', PYPROJECT[: PYPROJECT.index("[project.optional")], re.MULTILINE)
    assert {name.lower() for name in asked} <= {pin.split("==")[0] for pin in pins["requirements-run.txt"]}


LOCKS = ("requirements.txt", "requirements-run.txt")
PYPROJECT = (ROOT / "pyproject.toml").read_text()
