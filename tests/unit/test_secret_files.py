"""The secrets of a house in containers: made once, never changed, for nobody else to read."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.__main__ import app
from services.secret_files import USERS_FILE, VAULT_KEY, bus_users, make_missing
from shared.bus_users import USERS
from shared.settings import Settings

ROOT = Path(__file__).parents[2]


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_each_secret_is_made_and_none_is_like_another(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    made = list(make_missing(folder))
    assert sorted(made) == sorted(contents(folder))
    assert len(set(contents(folder).values())) == len(made)
    assert len(base64.urlsafe_b64decode((folder / VAULT_KEY).read_text())) == 32


def test_only_its_owner_comes_into_the_folder_and_a_container_can_read_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    list(make_missing(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}


def test_what_is_there_is_never_changed_and_what_is_missing_is_made(tmp_path: Path) -> None:
    list(make_missing(tmp_path))
    before = contents(tmp_path)
    assert list(make_missing(tmp_path)) == []
    (tmp_path / "redis_url_stats").unlink()
    assert list(make_missing(tmp_path)) == ["redis_url_stats", USERS_FILE]
    after = contents(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"redis_url_stats", USERS_FILE}


def test_a_lost_master_key_is_not_replaced(tmp_path: Path) -> None:
    list(make_missing(tmp_path))
    (tmp_path / VAULT_KEY).unlink()
    with pytest.raises(ValueError, match="put it back"):
        list(make_missing(tmp_path))
    assert not (tmp_path / VAULT_KEY).exists()


def test_no_password_stands_in_the_file_of_users(tmp_path: Path) -> None:
    list(make_missing(tmp_path))
    users = (tmp_path / USERS_FILE).read_text()
    assert users == bus_users(tmp_path)
    for user in USERS:
        url = (tmp_path / f"redis_url_{user}").read_text()
        assert f"user {user} on #" in users
        assert url.split(":")[2].partition("@")[0] not in users


def test_an_address_of_somebody_else_is_told_apart(tmp_path: Path) -> None:
    list(make_missing(tmp_path))
    (tmp_path / "redis_url_stats").chmod(0o600)
    (tmp_path / "redis_url_stats").write_text((tmp_path / "redis_url_intake").read_text())
    with pytest.raises(ValueError, match="redis_url_stats"):
        bus_users(tmp_path)


def test_they_are_made_by_a_bare_python_before_anything_is_installed(tmp_path: Path) -> None:
    # -I -S: none of the libraries around it.
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from services.secret_files import main; main(sys.argv[1:])"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program, tmp_path], check=True, capture_output=True, timeout=30)
    assert (tmp_path / USERS_FILE).exists()


def test_the_command_line_says_what_it_made_and_prints_the_users(tmp_path: Path) -> None:
    runner = CliRunner()
    assert "made maison_vault_key" in runner.invoke(app, ["secrets", str(tmp_path)]).output
    assert "nothing was missing" in runner.invoke(app, ["secrets", str(tmp_path)]).output
    assert runner.invoke(app, ["bus-users", str(tmp_path)]).output == (tmp_path / USERS_FILE).read_text()
    assert runner.invoke(app, ["bus-users", str(tmp_path / "nowhere")]).exit_code == 2


def test_a_service_reads_its_own_files(tmp_path: Path) -> None:
    list(make_missing(tmp_path))
    found = Settings(_secrets_dir=tmp_path)
    assert found.database_url.startswith("postgresql+psycopg://maison:")
    assert found.vault_key.get_secret_value() == (tmp_path / VAULT_KEY).read_text()
