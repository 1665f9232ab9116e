"""Any counter, asked of the running stats service, when ten years of figures lie behind it."""

import http.client
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode, urlsplit

import uvloop

from benchmarks import house
from benchmarks.entries import CATEGORIES, SITE
from benchmarks.processes import service
from benchmarks.servers import folder, valkey
from services.intake.plain_forms import CHANNELS
from services.stats.app import SCHEMA
from services.stats.counting import FIGURES, additions
from services.stats.projections import REFERRALS, REQUESTS, TOTAL, VISITS, Tally
from services.stats.queries import KINDS
from shared.database import Database
from shared.migrations import migrate

FIRST, YEARS = date(2016, 1, 1), 10
PERIODS = ("day", "week", "month", "year")
PARTNERS = tuple(f"p{number:02}" for number in range(1, 19))
SEED = 2008
WARM_UP = 50


def p99(count: int) -> float:
    """Milliseconds within which 99 of 100 questions are answered, over one connection, HTTP and JSON included."""
    with folder() as home, valkey() as server:
        uvloop.run(_fill(home, server))
        with service("stats", home, server) as stats:
            place = urlsplit(stats.url)
            connection = http.client.HTTPConnection(place.hostname or "", place.port)
            took_ms = [_timed_ms(connection, question) for question in _questions(count + WARM_UP)]
            connection.close()
    return quantiles(took_ms[WARM_UP:], n=100)[98]


async def _fill(home: Path, server: Path) -> None:
    """Ten years, every day with every category, channel, status and partner: about 400,000 counters."""
    settings = house.settings_of(home, server)
    url = settings.database("stats")
    migrate(url, "stats", SCHEMA.versions, SCHEMA.newest)
    database = Database(url, "stats")
    await database.start()
    statement = FIGURES.insert()
    names = [column.name for column in FIGURES.columns]
    rows = [dict(zip(names, row, strict=True)) for row in additions(Counter(dict.fromkeys(_tallies(), 3)))]
    await database.write(lambda connection: connection.execute(statement, rows))
    await database.stop()


def _tallies() -> Iterator[Tally]:
    values = {
        "category": CATEGORIES,
        "channel": CHANNELS,
        "status": ("issued", "accepted", "declined", "completed"),
        "partner": PARTNERS,
    }
    for number in range(YEARS * 365):
        day = (FIRST + timedelta(days=number)).isoformat()
        for figure, kind in KINDS.items():
            yield Tally(figure, TOTAL, "", SITE, day)
            for by in kind.by:
                for value in values.get(by, ()):
                    yield Tally(figure, by, value, SITE, day)


def _questions(count: int) -> Iterator[str]:
    """A figure, whole or divided, in all or over any stretch of days, of all sites or one; or one period of it."""
    chance = random.Random(SEED)
    for _ in range(count):
        figure = chance.choice((VISITS, REQUESTS, REFERRALS))
        asked = {}
        if chance.random() < 0.7:
            asked["by"] = chance.choice(KINDS[figure].by)
        if chance.random() < 0.5:
            asked["site"] = SITE
        if chance.random() < 0.8:
            first = FIRST + timedelta(days=chance.randrange(YEARS * 365))
            days = chance.choice((0, 6, 30, 364, chance.randrange(YEARS * 365)))
            asked |= {"from": first.isoformat(), "to": (first + timedelta(days=days)).isoformat()}
            if days < 31:
                asked["period"] = chance.choice(PERIODS)
        yield f"/stats/{figure}?{urlencode(asked)}"


def _timed_ms(connection: http.client.HTTPConnection, question: str) -> float:
    started = time.perf_counter()
    connection.request("GET", question)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, f"{question}: {answer.status}"
    return (time.perf_counter() - started) * 1000
