"""What the command line says where there is nothing to ask: a reason in one line, and exit status 2."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.__main__ import app

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"


def maison(data: Path, *words: str) -> Result:
    return CliRunner().invoke(app, words, env={"MAISON_DATA": str(data)})


@pytest.mark.parametrize(
    "words", ["status", "rebuild stats", "dead-letters list", "dead-letters replay stats", "verify"]
)
def test_without_a_house_a_command_says_so_in_a_line(words: str, tmp_path: Path) -> None:
    found = maison(tmp_path / "nowhere", *words.split())
    assert found.exit_code == 2
    assert str(tmp_path / "nowhere") in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_a_house_file_without_a_fault_is_passed(tmp_path: Path) -> None:
    found = maison(tmp_path, "catalogue", "check", str(HOUSE_FILE))
    assert found.exit_code == 0
    assert "no fault found" in found.stdout


def test_a_fault_in_a_house_file_is_told_with_its_line(tmp_path: Path) -> None:
    faulty = tmp_path / "house.toml"
    faulty.write_text(HOUSE_FILE.read_text().replace('reached = "on_site"', 'reached = "nowhere"'))
    line = faulty.read_text()[: faulty.read_text().index('"nowhere"')].count("\n") + 1
    found = maison(tmp_path, "catalogue", "check", str(faulty))
    assert found.exit_code == 1
    assert f":{line}: partners[p18].reached" in found.stderr
