"""The pages of figures over HTTP: they show what the API counts, with a year before and both sites beside it."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from services.__main__ import app
from services.house import card_path
from services.stats.definitions import DEFINITIONS
from services.stats.queries import LIVE
from shared.clock import utc_now
from shared.web.pages import language_of
from tests.browser.chromium import NO_BROWSER, find_chromium
from tests.servers import running_valkey
from tests.service.street import Street, open_street, until
from tests.two_sites import SECOND, house_of_two_sites

PARIS = ZoneInfo("Europe/Paris")
FIRST = "fontaine-d-ouche"
REVIEWED = 2007


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "data"


@pytest.fixture(scope="module")
def street(folder: Path, settings_from_outside: object) -> Iterator[Street]:
    """A street of two sites, with a year to review."""
    house = house_of_two_sites(folder)
    with running_valkey() as bus, open_street(folder, bus, catalogue=house) as opened:
        card_path(folder).write_text(json.dumps({"services": {"stats": {"url": opened.url("stats")}}}))
        for month in (1, 1, 3, 12):
            opened.record("health", occurred_at=f"{REVIEWED}-{month:02}-05T10:00:00+01:00")
        opened.record("legal", occurred_at=f"{REVIEWED}-03-06T10:00:00+01:00", site=SECOND, channel="phone")
        opened.record("legal", occurred_at=f"{REVIEWED - 1}-03-06T10:00:00+01:00")
        settled(opened)
        yield opened


def settled(street: Street) -> None:
    """Wait until the figures have taken in all that was recorded, and all that came of it."""

    def drawn_level() -> bool:
        as_of = street.stats.get("/stats/visits").json()["as_of"]
        requests = {row["status"] for row in street.stats.get("/stats/requests?by=status").json()["rows"]}
        return bool(as_of["intake"] == head(street) and "open" not in requests)

    until(drawn_level)


def head(street: Street) -> float:
    return float(street.intake.get("/metrics").text.partition('maison_log_head{partition="0"} ')[2].split()[0])


def cells(page: str, part: str) -> list[list[int]]:
    """The numbers of a moving part of the page, row by row."""
    text = page.partition(f'sse-swap="{part}"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", text.partition("<tbody>")[2], re.DOTALL)
    return [[int(number) for number in re.findall(r"<td[^>]*>(\d+)</td>", row)] for row in rows]


def on(day: date) -> str:
    return datetime.combine(day, time(9, 30), PARIS).isoformat()


def test_the_page_shows_what_the_api_counts_and_the_same_days_a_year_before(street: Street) -> None:
    today = utc_now().astimezone(PARIS).date()
    first, start = today.replace(month=1, day=1), date(today.year - 1, 1, 1)
    street.record("housing")
    days = [today - timedelta(weeks=52), start, date(today.year - 1, 12, 31)]
    for day in days:
        street.record("housing", occurred_at=on(day))
    settled(street)
    page = street.stats.get("/figures").text
    ((today_now, today_before, *_, year_now, year_before),) = cells(page, "visits")
    live = street.stats.get("/stats/live").json()["figures"]["visits"]
    assert (today_now, year_now) == (live["today"]["count"], live["this_year"]["count"])
    assert today_before == 1
    assert year_before == sum(start <= day <= start + (today - first) for day in days if day < first)


@pytest.mark.parametrize("code", ["fr", "en"])
def test_each_figure_says_its_unit_its_days_its_positions_and_what_it_means(code: str, street: Street) -> None:
    page = street.stats.get("/figures", params={"lang": code}).text
    as_of = street.stats.get("/stats/visits").json()["as_of"]
    for definition in (DEFINITIONS[figure] for figure in LIVE):
        for words in (definition.sentence, definition.unit, definition.date_basis):
            told = language_of(code).pick(words.fr, words.en)
            assert told.replace("'", "&#39;") in page
    stands = re.findall(r'sse-swap="as-of">\D+(\d+)\D+(\d+)\D', page)
    assert stands == [(str(as_of["intake"]), str(as_of["referral"]))] * len(LIVE)


def test_sites_stand_side_by_side_and_one_can_be_looked_at_alone(street: Street) -> None:
    street.record("training")
    street.record("training", site=SECOND)
    settled(street)
    page = street.stats.get("/figures").text
    by_site = street.stats.get("/stats/live").json()["figures"]["visits"]["this_year"]["by_site"]
    visits, *_ = cells(page, "sites")
    assert visits[::2] == [row["count"] for row in sorted(by_site, key=lambda row: row["site"] != FIRST)]
    alone = street.stats.get("/figures", params={"site": SECOND}).text
    assert 'sse-swap="sites"' not in alone
    assert cells(alone, "visits")[0][-2] == visits[2]


def test_the_stream_sends_only_the_parts_that_moved(street: Street) -> None:
    page = street.stats.get("/figures").text
    address = re.search(r'sse-connect="([^"]+)"', page)
    assert address
    with street.stats.stream("GET", address[1].replace("&amp;", "&")) as stream:
        recording = iter(stream.iter_lines())
        assert next(recording) == ": the figures"
        street.record("elderly", channel="mail")
        names = set()
        for line in recording:
            if line.startswith("event: "):
                names.add(line.removeprefix("event: "))
            if {"referrals-partner", "visits-category"} <= names:
                break
    assert "as-of" in names
    assert not names & {"handovers", "minutes_to_partner", "periods"}


@pytest.mark.parametrize("path", ["/figures", "/report/2007/page", "/report"])
def test_a_site_that_there_is_not_is_told_in_words(path: str, street: Street) -> None:
    answer = street.stats.get(path, params={"site": "nowhere", "lang": "fr"})
    assert answer.status_code == 404
    assert "Cette page n’existe pas" in answer.text


def test_the_review_is_a_page_to_a_browser_and_numbers_to_a_machine(street: Street) -> None:
    told = street.stats.get(f"/report/{REVIEWED}")
    shown = street.stats.get(f"/report/{REVIEWED}?site={SECOND}", headers={"Accept": "text/html,*/*;q=0.8"})
    assert told.headers["content-type"] == "application/json"
    assert (shown.status_code, shown.headers["location"]) == (303, f"/report/{REVIEWED}/page?site={SECOND}")
    assert told.headers["vary"] == shown.headers["vary"] == "Accept"
    chosen = street.stats.get("/report", params={"year": REVIEWED, "site": ""})
    assert chosen.headers["location"] == f"/report/{REVIEWED}/page"


def test_the_review_shows_its_numbers_by_month_by_category_and_by_site(street: Street) -> None:
    page = street.stats.get(f"/report/{REVIEWED}/page", params={"lang": "fr"}).text
    review = street.stats.get(f"/report/{REVIEWED}").json()
    assert [row["count"] for row in review["visits"]["by_month"]] == [2, 2, 1]
    assert review["visits"]["previous"] == 1
    assert "+400" in page
    for text in (r"janvier</th><td>2</td><td>0</td>", r"mars</th><td>2</td><td>1</td>", r"Santé</th><td>4</td><td>80"):
        assert re.search(text, page)
    assert re.search(r"Accueils</th><td class=\"words\">accueils</td><td>4</td><td>1</td>", page)
    # The second site had not opened the year before: there is nothing to grow from.
    assert [row["count"] for row in review["visits"]["previous_by_site"]] == [1]
    assert re.search(r"par rapport à \d+</th><td class=\"words\">évolution</td><td>\+300\s%</td><td>–</td>", page)
    assert review["handovers"] == {
        "count": 0,
        "by_result": [],
        "by_partner": [],
        "by_site": [],
        "minutes": 0,
        "average_minutes": None,
    }


def test_the_review_tells_how_soon_each_partner_answered_and_finished(street: Street) -> None:
    visit = street.record("legal", occurred_at="2002-03-06T10:00:00+01:00")
    (referral,) = street.referrals_of(visit["visit_id"])
    for version, verb, body in ((1, "accept", None), (2, "complete", {"outcome": "helped"})):
        path = f"/referrals/{referral['referral_id']}/{verb}"
        assert street.referral.post(path, headers={"If-Match": f'"{version}"'}, json=body).status_code == 200

    def told() -> dict[str, Any]:
        delays: dict[str, Any] = street.stats.get("/report/2002").json()["delays"]
        return delays if delays["outcomes"]["count"] else {}

    delays = until(told)
    since = (utc_now().astimezone(PARIS).date() - date(2002, 3, 6)).days
    for figure in ("answers", "outcomes"):
        (partner,) = delays[figure]["by_partner"]
        assert (partner["partner"], partner["count"]) == (referral["partner"], 1)
        assert partner["average_days"] == delays[figure]["average_days"] == pytest.approx(since, abs=1)
        assert delays[figure]["by_delay"] == [{"delay": "031+", "count": 1}]
    days = street.stats.get("/stats/answer_days", params={"by": "partner", "period": "year"}).json()
    assert (days["unit"], days["rows"][0]["period"]) == ("days", "2002")
    page = street.stats.get("/report/2002/page", params={"lang": "fr"}).text
    assert "Les délais" in page
    assert re.search(r"31 jours et plus</th><td>1</td>", page)
    full = street.stats.get("/report/2002").json()["permanences"]
    assert (full["until"], full["kept"], full["fullness"]) == ("2002-12-31", 0, 0)
    assert {row["partner"] for row in full["by_partner"]} >= {referral["partner"]}
    assert "d’aujourd’hui, pour les jours jusqu’au 31" in page
    assert re.search(rf"{partner['name']}</th><td>1</td><td>[\d\s]+</td><td>1</td>", page)


def test_the_review_tells_the_share_of_requests_that_found_nobody(street: Street) -> None:
    street.record("legal", "administrative", occurred_at="2001-03-06T10:00:00+01:00")

    def told() -> dict[str, Any]:
        review: dict[str, Any] = street.stats.get("/report/2001").json()
        return review if review["needs"]["count"] else {}

    assert until(told)["requests"]["share_unmet"] == 0.5
    page = street.stats.get("/report/2001/page", params={"lang": "en"}).text
    assert "50% of the year's requests found neither an answer nor a partner." in page
    assert street.stats.get("/report/1999").json()["requests"]["share_unmet"] is None


def test_a_year_that_is_going_on_is_not_held_against_a_whole_one(street: Street) -> None:
    page = street.stats.get("/report/2999/page", params={"lang": "en"}).text
    assert "The year is not over" in page


def maison_report(folder: Path, *words: str, **environment: str) -> Result:
    data = {"MAISON_DATA": str(folder), "MAISON_CATALOGUE": str(folder / "two-sites.toml")}
    return CliRunner().invoke(app, ["report", str(REVIEWED), *words], env={**data, **environment})


def test_the_command_writes_a_file_that_needs_nothing_beside_it(street: Street, folder: Path, tmp_path: Path) -> None:
    found = maison_report(folder, "--html", str(tmp_path / "review.html"), "--lang", "en")
    assert found.exit_code == 0, found.output
    text = (tmp_path / "review.html").read_text()
    assert f"Review of {REVIEWED}" in text
    assert not re.search(r"<script|<link|<form|src=|/static/", text)
    assert "requests by category" in maison_report(folder).stdout


def test_the_command_prints_a_pdf_with_the_chromium_that_there_is(street: Street, folder: Path, tmp_path: Path) -> None:
    if find_chromium() is None:
        pytest.skip(NO_BROWSER)
    found = maison_report(folder, "--pdf", str(tmp_path / "review.pdf"))
    assert found.exit_code == 0, found.output
    assert (tmp_path / "review.pdf").read_bytes().startswith(b"%PDF-")


def test_without_a_chromium_the_command_says_what_to_do(street: Street, folder: Path, tmp_path: Path) -> None:
    found = maison_report(folder, "--pdf", str(tmp_path / "review.pdf"), PATH=str(tmp_path))
    assert found.exit_code == 2
    assert "--html" in found.stderr
    assert not (tmp_path / "review.pdf").exists()


def test_a_refused_year_and_a_closed_house_are_told_in_a_line(street: Street, folder: Path, tmp_path: Path) -> None:
    refused: Any = maison_report(folder, "--site", "nowhere")
    closed: Any = maison_report(tmp_path / "nowhere")
    assert (refused.exit_code, closed.exit_code) == (2, 2)
    assert "422" in refused.stderr
    assert "no house runs" in closed.stderr
