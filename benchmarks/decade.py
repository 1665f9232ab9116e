"""Years of visits to many sites, loaded through the API; then every figure against DuckDB over the exported logs.

    python -m benchmarks.decade                      a decade of a hundred sites, 1,000,000 visits
    python -m benchmarks.decade --sites 1 --years 1 --visits 6000

DuckDB reads the events as JSON and knows nothing of the service: no table, projection or period of it.
"""

import asyncio
import json
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import duckdb
import httpx
import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.servers import folder
from services.caretaker import Caretaker
from services.house import House, running
from shared.catalogue import Catalogue, load_catalogue
from shared.settings import HOUSES, Settings

SEED = 2008
LAST_YEAR = 2025
LINES = 1_000
QUESTIONS = 2_000
SITE = """
[[sites]]
code = "quartier-{number:03}"
name = "Maison du quartier {number}"
time_zone = "{zone}"
calendar = "FR"
offices = [{{ code = "bureau-1", name = "Bureau 1" }}]

[sites.hours]
monday = ["08:30-12:00"]
"""
ZONES = ("Europe/Paris", "Indian/Reunion", "America/Martinique")
PERIODS = {"day": "day", "week": "week", "month": "left(day, 7)", "year": "left(day, 4)"}
"""Each period, and what names it from a local day."""

EVENTS = """
CREATE TABLE visits AS SELECT
    json_extract_string(entry, '$.data.visit_id') AS visit, json_extract_string(entry, '$.data.site') AS site,
    json_extract_string(entry, '$.data.channel') AS channel, left(json_extract_string(entry, '$.time'), 10) AS day,
    entry FROM intake WHERE json_extract_string(entry, '$.type') = 'intake.visit-recorded.v1';
CREATE TABLE requests AS SELECT site, channel, day, visit, json_extract_string(one, '$.request_id') AS request,
    json_extract_string(one, '$.category') AS category,
    coalesce(json_extract(one, '$.answered')::BOOLEAN, false) AS answered
    FROM (SELECT site, channel, day, visit, unnest(json_extract(entry, '$.data.requests[*]')) AS one FROM visits);
CREATE TABLE issued AS SELECT json_extract_string(entry, '$.data.request_id') AS request,
    json_extract_string(entry, '$.data.site') AS site, json_extract_string(entry, '$.data.category') AS category,
    json_extract_string(entry, '$.data.partner') AS partner, json_extract_string(entry, '$.data.issued_on') AS day
    FROM referral WHERE json_extract_string(entry, '$.type') = 'referral.issued.v1';
CREATE TABLE needs AS SELECT json_extract_string(entry, '$.data.request_id') AS request,
    json_extract_string(entry, '$.data.site') AS site, json_extract_string(entry, '$.data.category') AS category,
    json_extract_string(entry, '$.data.reason') AS reason, json_extract_string(entry, '$.data.found_on') AS day
    FROM referral WHERE json_extract_string(entry, '$.type') = 'referral.need-unmet.v1';
"""
STATUS = """CASE WHEN answered THEN 'answered' WHEN request IN (SELECT request FROM issued) THEN 'referred'
    WHEN request IN (SELECT request FROM needs) THEN 'unmet' ELSE 'open' END"""
FIGURES: Mapping[str, Mapping[str, str]] = {
    "visits": {
        "": "SELECT day, site, '' AS value FROM visits",
        "channel": "SELECT day, site, channel AS value FROM visits",
        "category": "SELECT DISTINCT day, site, category AS value, visit FROM requests",
        "site": "SELECT day, site, site AS value FROM visits",
    },
    "requests": {
        "": "SELECT day, site, '' AS value FROM requests",
        "channel": "SELECT day, site, channel AS value FROM requests",
        "category": "SELECT day, site, category AS value FROM requests",
        "status": f"SELECT day, site, {STATUS} AS value FROM requests",
        "site": "SELECT day, site, site AS value FROM requests",
    },
    "referrals": {
        "": "SELECT day, site, '' AS value FROM issued",
        "category": "SELECT day, site, category AS value FROM issued",
        "partner": "SELECT day, site, partner AS value FROM issued",
        "status": "SELECT day, site, 'issued' AS value FROM issued",
        "site": "SELECT day, site, site AS value FROM issued",
    },
    "needs": {
        "": "SELECT day, site, '' AS value FROM needs",
        "category": "SELECT day, site, category AS value FROM needs",
        "reason": "SELECT day, site, reason AS value FROM needs",
        "site": "SELECT day, site, site AS value FROM needs",
    },
}
"""Of each figure and division: one row a thing counted."""

Counted = dict[tuple[str, str], int]


def main(
    visits: Annotated[int, typer.Option(help="how many")] = 1_000_000,
    sites: Annotated[int, typer.Option(help="of how many houses")] = 100,
    years: Annotated[int, typer.Option(help="over how long")] = 10,
) -> None:
    """Exit status 1 when a single figure differs."""
    with folder() as home:
        differing = load_and_compare(home, visits, sites, years)
    raise typer.Exit(1 if differing else 0)


async def _load_and_compare(home: Path, visits: int, sites: int, years: int, console: Console) -> int:
    settings = Settings(data=home / "data", database_url="", redis_url="", catalogue=_house_file(home, sites))
    catalogue = load_catalogue(settings.house_file)
    async with running(House(settings, free_ports=True)) as house:
        started = time.perf_counter()
        async with httpx.AsyncClient(base_url=house.urls["intake"], timeout=300) as intake:
            await _load(intake, catalogue, visits, years, console)
        await _until_counted(settings)
        console.print(f"{visits:,} visits recorded, routed and counted in {time.perf_counter() - started:,.0f} s")
        async with httpx.AsyncClient(base_url=house.urls["stats"], timeout=60) as stats:
            answers = {asked: await _answer(stats, *asked) for asked in _all_asked(catalogue)}
        p99_ms = await asyncio.to_thread(_p99_ms, house.urls["stats"], catalogue, years)
        console.print(f"any counter: {p99_ms:.2f} ms at the 99th percentile of {QUESTIONS:,} questions")
    return _compared(settings.data, answers, console)


def _house_file(home: Path, sites: int) -> Path:
    """The first house, and as many invented sites as are missing."""
    added = (SITE.format(number=number, zone=ZONES[number % len(ZONES)]) for number in range(1, sites))
    path = home / "many-sites.toml"
    path.write_text((HOUSES / "fontaine-d-ouche.toml").read_text("utf-8") + "".join(added), "utf-8")
    return path


async def _load(intake: httpx.AsyncClient, catalogue: Catalogue, visits: int, years: int, console: Console) -> None:
    lines = _lines(catalogue, visits, years)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("visits", total=visits)

        async def desk() -> None:
            while batch := [line for line, _ in zip(lines, range(LINES), strict=False)]:
                answer = await intake.post(
                    "/visits/batch", content="\n".join(batch), headers={"Content-Type": "application/x-ndjson"}
                )
                results = [json.loads(line)["status"] for line in answer.text.splitlines()]
                assert results == [201] * len(batch), answer.text[:400]
                progress.advance(task, len(batch))

        async with asyncio.TaskGroup() as desks:
            for _ in range(2):
                desks.create_task(desk())


def _lines(catalogue: Catalogue, visits: int, years: int) -> Iterator[str]:
    """Visits of any hour of any day, midnight and the doubled hour of autumn among them."""
    chance = random.Random(SEED)
    categories = [category.code for category in catalogue.categories]
    first = _first_day(years)
    for number in range(visits):
        site = catalogue.sites[number % len(catalogue.sites)]
        moment = (first + timedelta(minutes=chance.randrange(years * 365 * 24 * 60))).replace(tzinfo=site.zone)
        requests: list[dict[str, Any]] = [
            {"category": category} for category in chance.choices(categories, k=chance.choice((1, 1, 1, 2, 3)))
        ]
        for request in requests:
            if request["category"] == "administrative":
                request["answered"] = chance.random() < 0.9
        visit = {
            "site": site.code,
            "channel": chance.choice(("in_person", "in_person", "in_person", "phone", "email")),
            "occurred_at": moment.astimezone(ZoneInfo("UTC")).isoformat(),
            "requests": requests,
            "idempotency_key": f"visit-{number}",
        }
        yield json.dumps(visit)


def _first_day(years: int) -> datetime:
    # By the clock on the wall of whichever site: the zone is put on later.
    return datetime(LAST_YEAR - years + 1, 1, 1)  # noqa: DTZ001


async def _until_counted(settings: Settings) -> None:
    caretaker = Caretaker(settings)
    while True:
        status = await caretaker.status()
        assert not status["dead_letters"], "an event was put aside"
        if not any(subscriber["lag_events"] for subscriber in status["subscribers"]):
            return
        await asyncio.sleep(0.5)


def _all_asked(catalogue: Catalogue) -> Iterator[tuple[str, str, str, str]]:
    """(figure, by, period, site) for each figure and division: by each period of all sites and of one, and in all."""
    some_site = catalogue.sites[-1].code
    for figure, divisions in FIGURES.items():
        for by in divisions:
            for period in ("", *PERIODS):
                for site in ("", some_site):
                    yield figure, by, period, site


async def _answer(stats: httpx.AsyncClient, figure: str, by: str, period: str, site: str) -> Counted:
    asked = {name: value for name, value in (("by", by), ("period", period), ("site", site)) if value}
    answer = await stats.get(f"/stats/{figure}", params=asked)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"]
    return {(row.get("period", ""), row.get(by, "")): row["count"] for row in rows if row["count"]}


def _p99_ms(url: str, catalogue: Catalogue, years: int) -> float:
    """Over one connection, HTTP and JSON included; of some days, as a page asks, not of ten years of them."""
    chance, took_ms = random.Random(SEED), []
    with httpx.Client(base_url=url) as stats:
        for _ in range(QUESTIONS):
            figure = chance.choice(list(FIGURES))
            asked = {"by": chance.choice([by for by in FIGURES[figure] if by]), "period": chance.choice(list(PERIODS))}
            first = _first_day(years) + timedelta(days=chance.randrange(years * 365 - 31))
            last = first + timedelta(days=chance.choice((0, 6, 30)))
            asked |= {"from": f"{first:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}"}
            if chance.random() < 0.7 or asked["by"] == "site":
                asked["site"] = chance.choice(catalogue.sites).code
            started = time.perf_counter()
            answer = stats.get(f"/stats/{figure}", params=asked)
            took_ms.append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 200, answer.text
    return quantiles(took_ms, n=100)[98]


def _compared(data: Path, answers: Mapping[tuple[str, str, str, str], Counted], console: Console) -> int:
    """How many answers differ from DuckDB's own count."""
    differing = rows = 0
    with duckdb.connect() as counter:
        for log in ("intake", "referral"):
            exported = _exported(data, log)
            counter.execute(f"CREATE TABLE {log} AS SELECT json AS entry FROM read_ndjson_objects('{exported}')")
        counter.execute(EVENTS)
        for (figure, by, period, site), told in answers.items():
            where = f"WHERE site = '{site}'" if site else ""
            named = {"": "''", "week": "strftime(day::DATE, '%G-W%V')"}.get(period, PERIODS.get(period, ""))
            found = counter.execute(
                f"SELECT {named} AS period, value, count(*) FROM ({FIGURES[figure][by]}) {where} GROUP BY ALL"
            ).fetchall()
            counted = {(one_period, value): count for one_period, value, count in found}
            rows += len(counted)
            if counted != told:
                differing += 1
                console.print(f"[red]{figure} by {by or 'nothing'}, {period or 'in all'}, {site or 'all sites'}[/red]")
    console.print(f"{len(answers):,} answers, {rows:,} rows; {differing} differ from the independent count")
    return differing


def load_and_compare(home: Path, visits: int, sites: int, years: int) -> int:
    """How many answers differ from the independent count."""
    return asyncio.run(_load_and_compare(home, visits, sites, years, Console()))


def _exported(data: Path, log: str) -> Path:
    """The entries of a log at rest, one a line."""
    path = data / f"{log}.ndjson"
    with closing(sqlite3.connect(f"file:{data / log}.sqlite3?mode=ro", uri=True)) as database, path.open("w") as file:
        for (entry,) in database.execute("SELECT entry FROM events ORDER BY partition, position"):
            file.write(entry.strip() + "\n")
    return path


if __name__ == "__main__":
    typer.run(main)
