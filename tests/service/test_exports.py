"""The city's files: the same numbers on every road, read as its own tools read them."""

import csv
import io
import json
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from frictionless import Package

from services.stats.formats import write_csv
from services.stats.published import COLUMNS, FIGURES
from tests.servers import running_valkey
from tests.service.street import Street, open_street, until

NAMES = [column.name for column in COLUMNS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("city")


@pytest.fixture(scope="module")
def city(folder: Path, settings_from_outside: object) -> Iterator[Street]:
    """A house whose year 2008 is closed: recorded first, then opened again, for publishing begins with the day."""
    with running_valkey() as bus:
        with open_street(folder, bus) as street:
            lines = [visit(number) for number in range(400)]
            answer = street.intake.post("/visits/batch", content="\n".join(lines), headers={"Content-Type": NDJSON})
            assert answer.status_code == 200
            for number in range(30):
                assert street.intake.post("/actions", json=action(number)).is_success
            until(lambda: total(street, "actions") >= 30)
            until(lambda: total(street, "referrals") + total(street, "requests", status="unmet") >= 400)
        with open_street(folder, bus) as street:
            # The year is the last that is published.
            until(lambda: any(row["maille"] == "year" for row in table(street.stats, "visits")))
            # A change that is a moment old is told with the second before it.
            until(lambda: changed(street.stats) == changed(street.stats, after_s=1.1))
            yield street


def changed(stats: httpx.Client, after_s: float = 0.0) -> str:
    time.sleep(after_s)
    return stats.get("/exports/visits.csv").headers["last-modified"]


NDJSON = "application/x-ndjson"
CATEGORIES = ["social_rights"] * 12 + ["financial"] * 6 + ["health"] * 5 + ["legal"]


def visit(number: int) -> str:
    """A visit of 2008; every twenty-fourth asks for legal aid."""
    body = {
        "occurred_at": datetime(2008, 1 + number % 12, 8 + number % 5, 10, tzinfo=UTC).isoformat(),
        "requests": [{"category": CATEGORIES[number % len(CATEGORIES)]}],
        # Every third brings children, whom a family's partner invites.
        "children": number % 3 == 0,
        "idempotency_key": f"city-{number}",
    }
    return json.dumps(body)


def action(number: int) -> dict[str, Any]:
    """A collective action of 2008, at some of which there were few people."""
    return {
        "held_at": datetime(2008, 1 + number % 12, 10, 9, tzinfo=UTC).isoformat(),
        "kind": ("workshop", "health_morning")[number % 2],
        "category": ("training", "health")[number % 2],
        "headcount": 3 if number % 12 == 4 else 14,
        "leaders": ["p09"],
    }


def total(street: Street, figure: str, **by: str) -> int:
    rows = street.stats.get(f"/stats/{figure}", params={"by": "status"} if by else {}).json()["rows"]
    return sum(row["count"] for row in rows if all(row[name] == value for name, value in by.items()))


def table(stats: httpx.Client, figure: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(stats.get(f"/exports/{figure}.csv").text)))


def download(stats: httpx.Client, folder: Path) -> Path:
    """Everything that the data package names, beside it."""
    package = stats.get("/exports/datapackage.json")
    (folder / "datapackage.json").write_bytes(package.content)
    for resource in package.json()["resources"]:
        (folder / resource["path"]).write_bytes(stats.get(f"/exports/{resource['path']}").content)
    return folder / "datapackage.json"


def test_the_data_package_is_valid_to_the_last_cell(city: Street, tmp_path: Path) -> None:
    report = Package(str(download(city.stats, tmp_path))).validate()
    assert report.valid, report.flatten(["type", "note"])[:5]


@pytest.mark.parametrize("figure", FIGURES)
def test_csv_parquet_and_excel_say_the_same(figure: str, city: Street, tmp_path: Path) -> None:
    for name in ("csv", "parquet"):
        (tmp_path / f"f.{name}").write_bytes(city.stats.get(f"/exports/{figure}.{name}").content)
    excel = city.stats.get(f"/exports/{figure}.csv", params={"dialect": "excel-fr"}).content
    assert excel.startswith("﻿".encode())
    (tmp_path / "e.csv").write_bytes(excel.replace(b"VRAI", b"true").replace(b"FAUX", b"false"))
    with duckdb.connect() as duck:
        columns = ", ".join(NAMES)
        types = {"nombre": "BIGINT", "masque": "BOOLEAN", "revision": "BIGINT", "publie_le": "DATE", "seuil": "BIGINT"}
        asked = {name: types.get(name, "VARCHAR") for name in NAMES}
        rows = [
            duck.execute(f"SELECT {columns} FROM {source}").fetchall()
            for source in (
                f"read_parquet('{tmp_path}/f.parquet')",
                f"read_csv('{tmp_path}/f.csv', header=true, columns={asked}, nullstr='', allow_quoted_nulls=false)",
                f"read_csv('{tmp_path}/e.csv', header=true, delim=';', columns={asked}, nullstr='')",
            )
        ]
    assert len(rows[0]) > 50
    assert [[value or None for value in row] for row in rows[1]] == [
        [value or None for value in row] for row in rows[0]
    ]
    assert [[value or None for value in row] for row in rows[2]] == [
        [value or None for value in row] for row in rows[0]
    ]


def test_what_is_shown_is_what_was_counted(city: Street) -> None:
    shown = {
        (row["periode"], row["code"]): int(row["nombre"])
        for row in table(city.stats, "visits")
        if row["axe"] == "category" and row["maille"] == "month" and not row["site"] and row["masque"] == "false"
    }
    params = {"by": "category", "period": "month", "from": "2008-01-01", "to": "2008-12-31"}
    live = {
        (row["period"], row["category"]): row["count"]
        for row in city.stats.get("/stats/visits", params=params).json()["rows"]
    }
    assert shown
    assert shown == {key: count for key, count in live.items() if key in shown}


def test_small_numbers_are_empty_and_marked(city: Street) -> None:
    for figure in FIGURES:
        rows = table(city.stats, figure)
        assert all((row["nombre"] == "") == (row["masque"] == "true") for row in rows)
        assert not [row for row in rows if row["nombre"] and 0 < int(row["nombre"]) < 11]
        assert any(row["masque"] == "true" for row in rows)


def test_codes_come_with_their_words(city: Street) -> None:
    labels = {row["code"]: row["libelle"] for row in table(city.stats, "requests") if row["axe"] == "category"}
    assert labels["financial"] == "Difficultés financières"


FILES = ["visits.csv", "visits.csv?dialect=excel-fr", "visits.parquet", "visits.json", "bi.sqlite", "datapackage.json"]


@pytest.mark.parametrize("path", FILES)
def test_what_has_not_changed_is_not_sent_again(path: str, city: Street) -> None:
    first = city.stats.get(f"/exports/{path}")
    tag, changed_on = first.headers["etag"], first.headers["last-modified"]
    assert changed_on.endswith("GMT")
    for known in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"another", W/{tag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": changed_on},
        {"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"},
        {"If-None-Match": tag, "If-Modified-Since": "Tue, 01 Jan 2008 00:00:00 GMT"},
    ):
        again = city.stats.get(f"/exports/{path}", headers=known)
        assert (again.status_code, again.content) == (304, b""), known
        assert (again.headers["etag"], again.headers["last-modified"]) == (tag, changed_on)


@pytest.mark.parametrize("path", FILES)
def test_what_somebody_has_not_as_it_is_is_sent(path: str, city: Street) -> None:
    first = city.stats.get(f"/exports/{path}")
    for known in (
        {"If-None-Match": '"another"'},
        {"If-Modified-Since": "Tue, 01 Jan 2008 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday, or so"},
        {"If-None-Match": '"another"', "If-Modified-Since": first.headers["last-modified"]},
    ):
        again = city.stats.get(f"/exports/{path}", headers=known)
        assert (again.status_code, again.content) == (200, first.content), known


def test_no_two_files_have_one_tag(city: Street) -> None:
    tags = {city.stats.get(f"/exports/{path}").headers["etag"] for path in FILES}
    assert len(tags) == len(FILES)


def test_the_file_beside_the_data_is_the_one_that_is_sent_and_nobody_may_write_it(city: Street, folder: Path) -> None:
    path = folder / "bi.sqlite"
    until(lambda: path.exists() and path.read_bytes() == city.stats.get("/exports/bi.sqlite").content)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert list(folder.glob(".bi.sqlite*")) == []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        # Not beside a file of which a log or a lock would be left.
        assert file.execute("PRAGMA journal_mode").fetchone() != ("wal",)
        told = file.execute("SELECT count(*) FROM dictionnaire WHERE \"table\" = 'fait_accueils'").fetchone()
        assert told[0] > 10


def test_a_name_that_looks_like_a_formula_is_text_to_a_spreadsheet() -> None:
    line = ("", "year", "2008", "partner", "p01", "=1+1", 40, False, 1, "2009-01-08", 11)
    assert write_csv([line], "excel-fr").decode("utf-8-sig").splitlines()[1].split(";")[5] == "'=1+1"
    assert write_csv([line], "rfc4180").decode().splitlines()[1].split(",")[5] == "=1+1"


def test_a_figure_that_is_not_published_is_not_found(city: Street) -> None:
    for path in ("people.csv", "people.json", "people.parquet"):
        answer = city.stats.get(f"/exports/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_empty_house_sends_files_without_lines(street: Street) -> None:
    fresh: dict[str, Any] = street.stats.get("/exports/datapackage.json").json()
    assert [resource["name"] for resource in fresh["resources"]] == list(FIGURES)
    assert street.stats.get("/exports/referrals.csv").text.splitlines()[0] == ",".join(NAMES)
