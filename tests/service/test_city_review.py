"""The city's yearly review: the published numbers, all of them, and no other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.__main__ import app
from services.house import card_path
from tests.servers import running_valkey
from tests.service.street import Street, open_street, until
from tests.service.test_exports import NDJSON, table, total, visit

RARE = "Aide juridique"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("city-review")


@pytest.fixture(scope="module")
def city(folder: Path, settings_from_outside: object) -> Iterator[Street]:
    """A house whose year 2008 is closed, where everybody says who they are; its categories are not the city's."""
    with running_valkey() as bus:
        with open_street(folder, bus) as street:
            lines = "\n".join(visit(number) for number in range(150))
            assert street.intake.post("/visits/batch", content=lines, headers={"Content-Type": NDJSON}).is_success
            until(lambda: total(street, "referrals") + total(street, "requests", status="unmet") >= 150)
        with open_street(folder, bus, access="required") as street:
            stats = street.as_role("statistics", "stats")
            until(lambda: any(row["maille"] == "year" for row in table(stats, "visits")))
            yield street


def published(city: Street, figure: str) -> dict[tuple[str, str], Any]:
    """The published year by axis and code: its newest revision, None where withheld."""
    lines = table(city.as_role("statistics", "stats"), figure)
    yearly = [line for line in lines if line["maille"] == "year" and not line["site"]]
    return {(one["axe"], one["code"]): one["nombre"] for one in sorted(yearly, key=lambda one: int(one["revision"]))}


@pytest.mark.parametrize("figure", ["visits", "requests", "referrals"])
def test_each_number_is_the_one_that_was_published(city: Street, figure: str) -> None:
    found = city.as_role("statistics", "stats").get("/report/2008/city").json()["figures"][figure]
    told = {("total", ""): found["count"]}
    for by in (name.removeprefix("by_") for name in found if name.startswith("by_") and name != "by_month"):
        told |= {(by, line[by]): line["count"] for line in found[f"by_{by}"]}
    expected = {key: int(count) if count not in ("", None) else None for key, count in published(city, figure).items()}
    assert told == expected
    assert None in told.values(), "a year without anything withheld shows nothing of this"


def test_nothing_is_told_of_a_withheld_line_but_that_it_is(city: Street) -> None:
    review = city.as_role("statistics", "stats").get("/report/2008/city").json()
    withheld = [line for line in review["figures"]["visits"]["by_category"] if line["count"] is None]
    assert withheld
    assert {line["share"] for line in withheld} == {None}
    page = city.as_role("statistics", "stats").get("/report/2008/city/page", params={"lang": "fr"}).text
    row = re.search(rf"<tr><th[^>]*>{RARE}.*?</tr>", page)
    assert row is None or not re.search(r"<td>\d", row[0])
    assert "non publié" in page


def test_the_city_has_its_review_and_the_house_keeps_its_own(city: Street) -> None:
    stats = city.as_role("statistics", "stats")
    assert stats.get("/report/2008").status_code == 403
    assert stats.get("/published").headers["location"] == "/report/2008/city/page"
    assert stats.get("/published?year=2007").headers["location"] == "/report/2007/city/page"
    assert city.as_role("coordinator", "stats").get("/report/2008/city/page").status_code == 200
    english = stats.get("/report/2008/city/page", params={"lang": "en"}).text
    assert "How to read this review" in english


def test_what_there_was_nothing_of_is_not_called_withheld(city: Street) -> None:
    figures = city.as_role("statistics", "stats").get("/report/2008/city").json()["figures"]
    assert list(figures) == ["visits", "requests", "referrals", "invitations"]


def test_a_year_that_is_not_published_says_so(city: Street) -> None:
    stats = city.as_role("statistics", "stats")
    assert stats.get("/report/2999/city").status_code == 404
    page = stats.get("/report/2999/city/page", params={"lang": "fr"})
    assert (page.status_code, "Rien n’est publié pour cette année." in page.text) == (404, True)
    assert '<a href="/report/2008/city/page">2008</a>' in page.text
    assert stats.get("/report/2008/city", params={"site": "nowhere"}).status_code == 422
    assert stats.get("/report/2008/city/page", params={"site": "nowhere"}).status_code == 404


def test_the_command_prints_it_and_writes_it_as_one_file(city: Street, folder: Path, tmp_path: Path) -> None:
    services = {name: {"url": city.url(name)} for name in ("intake", "stats")}
    card_path(folder).write_text(json.dumps({"services": services}))
    (tmp_path / "token").write_text(city.token("statistics"))

    def report(*words: str) -> Result:
        said = ["report", "2008", "--token-file", str(tmp_path / "token"), *words]
        return CliRunner().invoke(app, said, env={"MAISON_DATA": str(folder), "COLUMNS": "200"})

    printed = report("--city")
    assert printed.exit_code == 0, printed.output
    visits = published(city, "visits")
    assert re.search(rf"total +│ +│ +{visits['total', '']}\b", printed.stdout), printed.stdout
    assert re.search(r"│ +- +│", printed.stdout), "what is withheld is a dash"
    assert report().exit_code == 2, "the city's token does not open the house's own review"

    written = report("--city", "--html", str(tmp_path / "review.html"), "--lang", "en")
    assert written.exit_code == 0, written.output
    text = (tmp_path / "review.html").read_text()
    assert "Published review 2008" in text
    assert not re.search(r"<script|<link|<form|src=|/static/", text)
