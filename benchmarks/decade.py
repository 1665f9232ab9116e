"""Years of visits to many sites, loaded through the API; then every figure against DuckDB over the exported logs.

    python -m benchmarks.decade                      a decade of a hundred sites, 1,000,000 visits
    python -m benchmarks.decade --sites 1 --years 1 --visits 6000

DuckDB reads the events as JSON and knows nothing of the service: no table, projection or period of it.
"""

import asyncio
import json
import os
import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import httpx
import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.answering import answer
from benchmarks.recount import FIGURES, PERIODS, Counted, compared
from benchmarks.servers import folder
from services.caretaker import Caretaker
from services.house import House, running
from shared.catalogue import Catalogue, load_catalogue
from shared.settings import HOUSES, Settings

SEED = 2008
LAST_YEAR = 2025
LINES = 1_000
WARM_UP, QUESTIONS = 100, 2_000
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
LATE, LATE_DAYS = 0.05, 90
"""The share of visits that are entered late, and by how much at most."""
AGAIN = 0.3
"""The share of visits of somebody who was there before."""


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
        async with httpx.AsyncClient(base_url=house.urls["referral"], timeout=300) as referral:
            await answer(referral, settings.data, random.Random(SEED))
        await _until_counted(settings)
        console.print(f"{visits:,} visits recorded, routed and counted in {time.perf_counter() - started:,.0f} s")
        async with httpx.AsyncClient(base_url=house.urls["stats"], timeout=60) as stats:
            answers = {asked: await _answer(stats, *asked) for asked in _all_asked(catalogue)}
        # What is timed is the asking, not the disk that still takes in what was loaded.
        await asyncio.to_thread(os.sync)
        took_ms = await asyncio.to_thread(_took_ms, house.urls["stats"], catalogue, years)
        all_ms = [ms for of_one in took_ms.values() for ms in of_one]
        console.print(f"any counter: {_p99(all_ms):.2f} ms at the 99th percentile of {QUESTIONS:,} questions")
        for question, of_one in sorted(took_ms.items(), key=lambda found: -_p99(found[1]))[:5]:
            console.print(f"  {question}: {_p99(of_one):.2f} ms")
        rebuilt_s = (await Caretaker(settings).rebuild("stats"))["seconds"]
        async with httpx.AsyncClient(base_url=house.urls["stats"], timeout=60) as stats:
            assert answers == {asked: await _answer(stats, *asked) for asked in answers}, "a rebuild moved a figure"
    entries, read_s = _read_raw(settings.data)
    console.print(
        f"rebuilt in {rebuilt_s:,.1f} s, {entries / rebuilt_s:,.0f} entries a second;"
        f" {read_s / rebuilt_s:.3f} of a raw SELECT, {entries / read_s:,.0f} a second"
    )
    return compared(settings.data, answers, console)


def _house_file(home: Path, sites: int) -> Path:
    """The first house, and as many invented sites as are missing."""
    added = (SITE.format(number=number, zone=ZONES[number % len(ZONES)]) for number in range(1, sites))
    path = home / "many-sites.toml"
    path.write_text((HOUSES / "fontaine-d-ouche.toml").read_text("utf-8") + "".join(added), "utf-8")
    return path


async def _load(intake: httpx.AsyncClient, catalogue: Catalogue, visits: int, years: int, console: Console) -> None:
    known: list[str] = []
    lines = _lines(catalogue, visits, years, known)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("visits", total=visits)

        async def desk() -> None:
            while batch := [line for line, _ in zip(lines, range(LINES), strict=False)]:
                answer = await intake.post(
                    "/visits/batch", content="\n".join(batch), headers={"Content-Type": "application/x-ndjson"}
                )
                results = [json.loads(line) for line in answer.text.splitlines()]
                assert [result["status"] for result in results] == [201] * len(batch), answer.text[:400]
                known.extend(result["case_id"] for result in results)
                progress.advance(task, len(batch))

        async with asyncio.TaskGroup() as desks:
            for _ in range(2):
                desks.create_task(desk())


def _lines(catalogue: Catalogue, visits: int, years: int, known: Sequence[str]) -> Iterator[str]:
    """Visits of any hour, midnight and the doubled hour of autumn among them; some of a case that is known.

    They come as the years go by, but for those that are entered late.
    """
    chance = random.Random(SEED)
    categories = [category.code for category in catalogue.categories]
    first = _first_day(years)
    for number in range(visits):
        site = catalogue.sites[number % len(catalogue.sites)]
        late = chance.randrange(LATE_DAYS) if chance.random() < LATE else 0
        day = max(number * years * 365 // visits - late, 0)
        moment = (first + timedelta(days=day, minutes=chance.randrange(24 * 60))).replace(tzinfo=site.zone)
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
            **({"case_id": chance.choice(known)} if known and chance.random() < AGAIN else {}),
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


def _p99(took_ms: Sequence[float]) -> float:
    return quantiles([*took_ms, *took_ms], n=100)[98]


def _took_ms(url: str, catalogue: Catalogue, years: int) -> dict[str, list[float]]:
    """What was asked -> milliseconds each time. Over one connection, HTTP and JSON included.

    Of some days, as a page asks, not of ten years of them.
    """
    chance, took_ms = random.Random(SEED), defaultdict[str, list[float]](list)
    with httpx.Client(base_url=url) as stats:
        for number in range(WARM_UP + QUESTIONS):
            figure = chance.choice(list(FIGURES))
            asked = {"by": chance.choice([by for by in FIGURES[figure] if by]), "period": chance.choice(list(PERIODS))}
            first = _first_day(years) + timedelta(days=chance.randrange(years * 365 - 31))
            last = first + timedelta(days=chance.choice((0, 6, 30)))
            asked |= {"from": f"{first:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}"}
            if chance.random() < 0.7:
                asked["site"] = chance.choice(catalogue.sites).code
            started = time.perf_counter()
            answer = stats.get(f"/stats/{figure}", params=asked)
            question = f"{figure} by {asked['by']}, {asked['period']}, {'a site' if 'site' in asked else 'all sites'}"
            if number >= WARM_UP:
                took_ms[question].append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 200, answer.text
    return took_ms


def _read_raw(data: Path) -> tuple[int, float]:
    """How many entries both logs at rest have, and how long it takes to read each of them and do nothing."""
    started, entries = time.perf_counter(), 0
    for log in ("intake", "referral"):
        with closing(sqlite3.connect(f"file:{data / log}.sqlite3?mode=ro", uri=True)) as database:
            for _ in database.execute("SELECT position, entry FROM events ORDER BY partition, position"):
                entries += 1
    return entries, time.perf_counter() - started


def load_and_compare(home: Path, visits: int, sites: int, years: int) -> int:
    """How many answers differ from the independent count."""
    return asyncio.run(_load_and_compare(home, visits, sites, years, Console()))


if __name__ == "__main__":
    typer.run(main)
