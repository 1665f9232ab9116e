"""Any question to the counters, on both stores, against a count of the days by hand."""

import random
from collections import Counter
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.stats.counting import counter
from services.stats.facts import Fact
from services.stats.periods import Grain, key
from services.stats.projections import VISITS
from services.stats.queries import Asked, rows_of
from shared.events.intake import RequestMade, VisitRecorded
from tests.logs import by_hand, founded

FIRST, DAYS = date(2007, 12, 20), 420
SITES, CATEGORIES = ("east", "west", "north"), ("legal", "health")


def _visits() -> list[tuple[date, str, str]]:
    """(day, site, category) of visits over more than a year, several on some days, none on others."""
    chance = random.Random(11)
    return [
        (FIRST + timedelta(chance.randrange(DAYS)), chance.choice(SITES), chance.choice(CATEGORIES)) for _ in range(300)
    ]


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    ends = st.none() | st.integers(-40, DAYS + 40).map(lambda days: FIRST + timedelta(days))
    first, last = draw(ends), draw(ends)
    if first and last and first > last:
        first, last = last, first
    by, grain = draw(st.sampled_from([None, "site", "category"])), draw(st.none() | st.sampled_from(list(Grain)[:4]))
    return Asked(VISITS, by, grain, first, last, draw(st.none() | st.sampled_from(SITES)))


def _by_hand(visits: list[tuple[date, str, str]], asked: Asked) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for day, site, category in visits:
        inside = (asked.first or day) <= day <= (asked.last or day) and site == (asked.site or site)
        if inside:
            period = (key(day, asked.grain),) if asked.grain else ()
            lines = {None: (), "site": (site,), "category": (category,)}
            found[*period, *lines[asked.by]] += 1
    return found


def test_any_range_of_days_is_counted_as_by_hand(database_url: str) -> None:
    founded(database_url, "stats")
    visits = _visits()
    heard = [
        Fact(
            VisitRecorded(f"v{n}", f"c{n}", site, "desk", (RequestMade("q", category),)), f"case-c{n}", f"{day}T09:00Z"
        )
        for n, (day, site, category) in enumerate(visits)
    ]
    with by_hand(database_url, "stats").begin() as connection:
        counter("figures", lambda: None)(heard).apply(connection)

        @settings(max_examples=60, deadline=None)
        @given(questions())
        def check(asked: Asked) -> None:
            rows = rows_of(connection, asked)
            told = [tuple(str(row[name]) for name in ("period", asked.by) if name in row) for row in rows]
            assert told == sorted(told)
            counted = Counter({line: row["count"] for line, row in zip(told, rows, strict=True) if row["count"]})
            assert counted == _by_hand(visits, asked)
            assert all(type(row["count"]) is int for row in rows)

        check()
