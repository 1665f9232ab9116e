"""What the city's role sees of live figures: totals, until the house file says who decided otherwise."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.access.principal import Role
from shared.settings import HOUSES
from tests.servers import Valkey, running_valkey
from tests.service.street import Street, open_street, until
from tests.two_sites import SECOND, house_of_two_sites

DECISION = '\n[live_to_city]\ndecided_by = "Conseil d\'administration du CCAS"\ndecided_on = 2008-06-24\n'
DIVIDED = [
    ("visits", "category"), ("visits", "channel"), ("requests", "category"), ("requests", "status"),
    ("referrals", "partner"), ("referrals", "category"), ("needs", "reason"), ("handovers", "result"),
]  # fmt: skip
REVIEWS = ["/report/2008", "/report/2008/page", "/report"]
HOUSE = [Role.FRONT_DESK, Role.COORDINATOR, Role.DATA_PROTECTION]
CATEGORY, LABEL = "legal", "Aide juridique"


@pytest.fixture(scope="module")
def bus(settings_from_outside: object) -> Iterator[Valkey]:
    with running_valkey() as running:
        yield running


@pytest.fixture(scope="module")
def undecided(tmp_path_factory: pytest.TempPathFactory, bus: Valkey) -> Iterator[Street]:
    """A house of two sites as it comes, where everybody says who they are."""
    folder = tmp_path_factory.mktemp("undecided") / "data"
    house = house_of_two_sites(folder)
    with open_street(folder, bus, access="required", catalogue=house) as street:
        record(street, site=SECOND)
        yield street


@pytest.fixture
def decided(tmp_path: Path, valkey: Valkey) -> Iterator[Street]:
    """A house whose file says who let the city see live categories, and when."""
    house = tmp_path / "decided.toml"
    house.write_text((HOUSES / "fontaine-d-ouche.toml").read_text() + DECISION)
    with open_street(tmp_path / "data", valkey, access="required", catalogue=house) as street:
        record(street)
        yield street


def record(street: Street, **more: str) -> None:
    """One visit of today, counted."""
    body = {"requests": [{"category": CATEGORY}], **more}
    assert street.as_role(Role.FRONT_DESK).post("/visits", json=body).status_code == 201
    until(lambda: total(street.as_role(Role.COORDINATOR, "stats")) == 1)


def total(stats: httpx.Client) -> int:
    count: int = stats.get("/stats/visits").json()["rows"][0]["count"]
    return count


def city(street: Street) -> httpx.Client:
    return street.as_role(Role.STATISTICS, "stats")


def first_counters(stats: httpx.Client) -> dict[str, Any]:
    """The first event of the live stream."""
    with stats.stream("GET", "/stats/live/stream") as told:
        line = next(line for line in told.iter_lines() if line.startswith("data:"))
    counters: dict[str, Any] = json.loads(line.removeprefix("data:"))
    return counters


def ways(counters: dict[str, Any]) -> set[str]:
    """The ways in which the counters of today are divided."""
    return {name for figure in counters["figures"].values() for name in figure["today"] if name.startswith("by_")}


def test_the_city_sees_live_totals(undecided: Street) -> None:
    assert total(city(undecided)) == 1
    answer = city(undecided).get("/stats/visits", params={"period": "day", "site": SECOND})
    assert [row["count"] for row in answer.json()["rows"]] == [1]
    assert city(undecided).get("/stats/visits", params={"by": "site"}).json()["rows"] == [{"site": SECOND, "count": 1}]


@pytest.mark.parametrize(("figure", "by"), DIVIDED)
def test_the_city_does_not_see_live_figures_divided(figure: str, by: str, undecided: Street) -> None:
    for params in ({"by": by}, {"by": by, "period": "month", "from": "2007-01-01", "to": "2007-12-31"}):
        refused = city(undecided).get(f"/stats/{figure}", params=params)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-allowed")
        assert "/exports/" in refused.json()["detail"]
        for role in HOUSE:
            assert undecided.as_role(role, "stats").get(f"/stats/{figure}", params=params).status_code == 200


def test_neither_the_counters_nor_their_stream_are_divided_for_the_city(undecided: Street) -> None:
    for counters in (city(undecided).get("/stats/live").json(), first_counters(city(undecided))):
        assert counters["figures"]["visits"]["today"]["count"] == 1
        assert ways(counters) == {"by_site"}
        assert CATEGORY not in json.dumps(counters)
    assert {"by_category", "by_partner"} <= ways(undecided.as_role(Role.COORDINATOR, "stats").get("/stats/live").json())


def test_the_page_of_the_city_has_totals_and_its_stream_brings_no_more(undecided: Street) -> None:
    shown = city(undecided).get("/figures").text
    assert "Vous voyez des totaux" in shown
    assert "par site" in shown
    assert [word for word in WORDS if word in shown] == []
    with city(undecided).stream("GET", "/figures/stream", params={"after": "0"}) as told:
        lines = told.iter_lines()
        names = {next(line for line in lines if line.startswith("event:")) for _ in range(8)}
    assert not [name for name in names if "category" in name or "partner" in name]
    shown = undecided.as_role(Role.COORDINATOR, "stats").get("/figures").text
    assert [word for word in WORDS if word not in shown] == []


WORDS = (LABEL, "par catégorie</h3>", "par partenaire</h3>", "par état</h3>")


@pytest.mark.parametrize("path", REVIEWS)
def test_the_review_is_made_of_live_figures_and_the_house_own(path: str, undecided: Street) -> None:
    refused = city(undecided).get(path)
    assert refused.status_code == 403
    assert CATEGORY not in refused.text


def test_closed_periods_are_for_the_city_in_every_form(undecided: Street) -> None:
    for name in ("datapackage.json", "requests.csv", "requests.json", "requests.parquet", "bi.sqlite"):
        assert city(undecided).get(f"/exports/{name}").status_code == 200
    assert city(undecided).get("/figures/bi").status_code == 200


def test_a_decision_opens_live_categories_to_the_city_and_is_named(decided: Street) -> None:
    for figure, by in DIVIDED:
        assert city(decided).get(f"/stats/{figure}", params={"by": by}).status_code == 200
    assert {"by_category", "by_channel"} <= ways(city(decided).get("/stats/live").json())
    for path in REVIEWS:
        assert city(decided).get(path, follow_redirects=True).status_code == 200
    for role in (Role.STATISTICS, Role.COORDINATOR):
        shown = decided.as_role(role, "stats").get("/figures").text
        assert LABEL in shown
        assert "administration du CCAS, le mardi 24 juin 2008." in shown
