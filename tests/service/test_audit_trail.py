"""The audit trail, as the data protection officer reads it and takes its head away."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers import running_valkey
from tests.service.refusals import problem_of
from tests.service.street import Street, open_street


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trail") / "data"


@pytest.fixture(scope="module")
def house(data: Path, settings_from_outside: object) -> Iterator[Street]:
    with running_valkey() as bus, open_street(data, bus) as street:
        yield street


def noted(house: Street) -> None:
    """A note is written and read: two records."""
    desk = house.as_role("front_desk")
    case = house.record(requests=[{"category": "administrative", "answered": True}])["case_id"]
    assert desk.post(f"/cases/{case}/notes", json={"text": "Note inventée"}).status_code == 201
    assert desk.get(f"/cases/{case}/notes").status_code == 200


def test_who_read_what_is_told_by_code_and_reading_it_is_told_as_well(house: Street) -> None:
    noted(house)
    officer = house.as_role("data_protection")
    account_id = officer.get("/session").json()["account_id"]
    records = officer.get("/audit").json()["records"]
    assert records[0]["what"] == "audit"
    assert (records[0]["role"], records[0]["name"]) == ("data_protection", account_id)
    assert {"front_desk"} <= {record["role"] for record in records}
    assert [record["sequence"] for record in records] == sorted((r["sequence"] for r in records), reverse=True)
    older = officer.get("/audit", params={"before": records[0]["sequence"]}).json()["records"]
    assert older == records[1:]


@pytest.mark.parametrize("role", ["front_desk", "coordinator", "statistics", "operations"])
def test_nobody_else_reads_it(house: Street, role: str) -> None:
    problem_of(house.as_role(role).get("/audit"), 403)


def test_a_head_that_was_taken_away_shows_that_the_end_was_cut_off(house: Street, data: Path) -> None:
    noted(house)
    officer = house.as_role("data_protection")
    taken = officer.get("/audit/head").json()
    assert stat.S_IMODE((data / "audit.key").stat().st_mode) == 0o600
    noted(house)
    assert officer.post("/audit/check", json=taken).json() == {"ours": True, "continues": True, "whole": True}
    later = officer.get("/audit/head").json()
    assert later["sequence"] > taken["sequence"]
    forged = {**later, "sequence": later["sequence"] + 5}
    assert officer.post("/audit/check", json=forged).json() == {"ours": False, "continues": False, "whole": True}
    with closing(sqlite3.connect(data / "vault.sqlite3")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM vault_audit WHERE sequence > ?", (taken["sequence"],))
        last = connection.execute("SELECT hash FROM vault_audit WHERE sequence = ?", (taken["sequence"],)).fetchone()
        connection.execute("UPDATE vault_audit_head SET sequence = ?, hash = ?", (taken["sequence"], *last))
        connection.commit()
    # The chain alone sees nothing; the head that was taken away does.
    assert officer.post("/audit/check", json=later).json() == {"ours": True, "continues": False, "whole": True}
    assert officer.post("/audit/check", json=taken).json()["continues"]


def test_the_record_of_sign_ins_has_a_head_of_its_own(house: Street) -> None:
    officer = house.as_role("data_protection")
    taken = officer.get("/audit/head", params={"trail": "sign-ins"}).json()
    assert taken["trail"] == "sign-ins"
    house.nobody().post("/session", json={"login": "nobody-here", "password": "x"})
    assert officer.post("/audit/check", json=taken).json() == {"ours": True, "continues": True, "whole": True}
    later = officer.get("/audit/head", params={"trail": "sign-ins"}).json()
    assert later["sequence"] == taken["sequence"] + 1
    # A head of one trail is none of the other.
    assert officer.post("/audit/check", json={**taken, "trail": "audit"}).json()["ours"] is False
    problem_of(officer.get("/audit/head", params={"trail": "x"}), 422, "trail")
    problem_of(house.as_role("coordinator").get("/audit/head", params={"trail": "sign-ins"}), 403)
