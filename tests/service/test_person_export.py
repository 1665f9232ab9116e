"""Everything held on somebody, handed over: as JSON, as a page, on the command line; and the master key turned."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.__main__ import app
from tests.servers import running_valkey
from tests.service.corpus import NOBODY
from tests.service.refusals import problem_of
from tests.service.street import Street, open_street

ZOE = {"given_name": "Zoé", "family_name": "Remise-Inventée", "safe_to_contact": True}
NOTE = "Une note <b>inventée</b> & gardée."


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A street where a coordinator stands at intake's desk."""
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("house"), bus, access="required") as street:
        for client, service in ((street.intake, "intake"), (street.referral, "referral")):
            client.headers["Authorization"] = street.as_role("coordinator", service).headers["Authorization"]
        yield street


@pytest.fixture(scope="module")
def person_id(house: Street) -> str:
    """Somebody who was here, of whom a note was written."""
    recorded = house.record("housing")
    house.referrals_of(recorded["visit_id"])
    attached = house.intake.post(f"/cases/{recorded['case_id']}/person", json=ZOE).json()
    house.intake.post(f"/cases/{recorded['case_id']}/notes", json={"text": NOTE})
    found: str = attached["person_id"]
    return found


@pytest.fixture
def maison(house: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line of whoever may read the data folder."""
    (tmp_path / "house.key").write_text(house.key)
    monkeypatch.setenv("MAISON_DATA", str(tmp_path))
    monkeypatch.setenv("MAISON_INTAKE_PORT", str(house.ports["intake"]))
    runner = CliRunner()
    return lambda *words: runner.invoke(app, words)


def test_the_page_says_in_words_what_the_export_says(house: Street, person_id: str) -> None:
    officer = house.as_role("data_protection")
    page = officer.get(f"/people/{person_id}/export/page").text
    for words in ("Remise-Inventée", "Peut être contactée", "Logement", "note écrite", "transmise"):
        assert words in page, words
    assert "Une note &lt;b&gt;inventée&lt;/b&gt; &amp; gardée." in page
    english = officer.get(f"/people/{person_id}/export/page?lang=en").text
    assert "a note was written" in english
    problem_of(house.as_role("front_desk").get(f"/people/{person_id}/export/page"), 403)


def test_the_command_line_hands_it_over_and_its_token_is_ended(
    house: Street, person_id: str, maison: Callable[..., Result], tmp_path: Path
) -> None:
    told = maison("person", "export", person_id)
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert document["identity"]["family_name"] == "Remise-Inventée"
    assert document["readings"][-1]["what"] in ("export", "note")
    exported = [one for one in document["readings"] if one["what"] == "export"]
    tokens = {one["token_id"]: one for one in json.loads(maison("token", "list", "--json").stdout)}
    assert tokens[exported[-1]["name"]]["revoked_at"] is not None
    file = tmp_path / "held.html"
    assert maison("person", "export", person_id, "--html", str(file)).exit_code == 0
    written = file.read_text()
    assert "Remise-Inventée" in written
    assert "<style>" in written
    assert "/static/" not in written
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("unknown", [NOBODY, "../../accounts", "x y"])
def test_somebody_who_is_not_known_is_told_in_a_line(maison: Callable[..., Result], unknown: str) -> None:
    refused = maison("person", "export", unknown)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1


def test_the_master_key_is_turned_and_everybody_is_read_as_before(
    house: Street, person_id: str, maison: Callable[..., Result]
) -> None:
    before = house.intake.get(f"/people/{person_id}").json()
    turned = maison("vault", "rotate")
    assert turned.exit_code == 0, turned.output
    assert int(turned.stdout.split()[0]) >= 3
    assert house.intake.get(f"/people/{person_id}").json() == before
