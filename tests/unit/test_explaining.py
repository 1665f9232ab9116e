"""What is behind a figure: the events that are named add up to what stats keeps, whatever became of a visit."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.__main__ import app
from services.verify import NoSuchFigure, Question, explain
from services.verify.explaining import DIVIDED
from shared.settings import Settings
from tests.small_house import SmallHouse
from tests.unit.test_verify import SITE, furnish
from tests.unit.test_verify_corrections import a_day_that_went_wrong, in_town


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> dict[str, Path]:
    """Data folders to copy: one of walks, waits and collective actions, one of corrections."""
    folder = tmp_path_factory.mktemp("explained")
    asyncio.run(furnish(Settings(data=folder / "lively")))
    asyncio.run(in_town(Settings(data=folder / "corrected"), 4, a_day_that_went_wrong))
    return {name: folder / name for name in ("lively", "corrected")}


@pytest.fixture
def lively(houses: dict[str, Path], tmp_path: Path) -> SmallHouse:
    return SmallHouse(Settings(data=Path(shutil.copytree(houses["lively"], tmp_path / "data"))))


@pytest.fixture
def corrected(houses: dict[str, Path], tmp_path: Path) -> SmallHouse:
    return SmallHouse(Settings(data=Path(shutil.copytree(houses["corrected"], tmp_path / "data"))))


def ask(house: SmallHouse, figure: str, by: str = "", period: str = "", site: str = "") -> dict[str, Any]:
    return asyncio.run(explain(house.settings, Question.of(figure, by, period, site)))


def types(answer: dict[str, Any]) -> list[tuple[str, int]]:
    return [(event["type"], event["step"]) for event in answer["events"]]


def maison(house: SmallHouse, *words: str) -> tuple[int, str]:
    environment = {"MAISON_DATA": str(house.settings.data), "COLUMNS": "200"}
    found = CliRunner().invoke(app, ["stats", "explain", *words], env=environment)
    return found.exit_code, found.output


@pytest.mark.parametrize("house", ["lively", "corrected"])
def test_the_steps_of_each_line_of_each_figure_add_up_to_it(house: str, request: pytest.FixtureRequest) -> None:
    found: SmallHouse = request.getfixturevalue(house)
    counters = found.execute(
        "stats", "SELECT figure, dimension, value, period, count FROM figures WHERE grain = 'year' AND site = ''"
    )
    assert counters
    for figure, dimension, value, period, count in counters:
        by = "" if dimension == "total" else f"{dimension}={value}"
        if by.endswith("="):
            continue
        answer = ask(found, figure, by, period)
        assert answer["ok"], (figure, by, period)
        assert sum(event["step"] for event in answer["events"]) == answer["sum"] == answer["kept"] == count


def test_a_visit_that_never_was_is_named_with_what_took_it_back(corrected: SmallHouse) -> None:
    answer = ask(corrected, "visits")
    assert answer["sum"] == 3
    assert types(answer).count(("intake.visit-recorded.v1", 1)) == 4
    assert ("intake.visit-voided.v1", -1) in types(answer)


def test_a_ticket_and_an_invitation_that_were_taken_back_are_named_with_what_took_them_back(
    corrected: SmallHouse,
) -> None:
    received = ask(corrected, "arrivals", "result=received")
    assert received["ok"]
    assert types(received) == [("intake.visitor-received.v1", 1), ("intake.arrival-undone.v1", -1)]
    given = ask(corrected, "invitations")
    assert (given["ok"], given["sum"]) == (True, 3)
    assert types(given).count(("intake.invitation-withdrawn.v1", -1)) == 2


def test_a_visit_put_on_another_day_leaves_the_one_and_joins_the_other(corrected: SmallHouse) -> None:
    joined = ask(corrected, "visits", period="2008-06-01")
    assert types(joined) == [("intake.visit-corrected.v1", 1)]
    steps = [event for event in ask(corrected, "visits")["events"] if event["type"] == "intake.visit-corrected.v1"]
    assert sorted(event["step"] for event in steps) == [-1, 1]
    assert len({event["position"] for event in steps}) == 1


def test_a_referral_that_moved_leaves_its_status_by_the_event_that_moved_it(lively: SmallHouse) -> None:
    issued = ask(lively, "referrals", "status=issued")
    assert issued["ok"]
    assert ("referral.issued.v1", 1) in types(issued)
    assert ("referral.accepted.v1", -1) in types(issued)
    places = [(event["log"], event["partition"], event["position"]) for event in issued["events"]]
    assert places == sorted(places)


def test_a_site_is_asked_for_either_way(lively: SmallHouse) -> None:
    assert ask(lively, "visits", f"site={SITE}") == ask(lively, "visits", site=SITE)
    assert ask(lively, "visits", site="elsewhere")["events"] == []


def test_a_figure_that_was_tampered_with_does_not_add_up(lively: SmallHouse) -> None:
    well, _ = maison(lively, "visits", "--period", "2008-03")
    lively.tamper("stats", "UPDATE figures SET count = count + 1 WHERE figure = 'visits' AND period = '2008-03'")
    status, said = maison(lively, "visits", "--period", "2008-03")
    assert (well, status) == (0, 1)
    assert "They do not agree" in said


def test_the_command_tells_a_machine_the_same(lively: SmallHouse) -> None:
    status, said = maison(lively, "requests", "--by", "category=health", "--site", SITE, "--json")
    assert status == 0
    assert json.loads(said) == ask(lively, "requests", "category=health", site=SITE)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("people",), "different people"),
        (("guests",), "there is no figure guests"),
        (("visits", "--by", "partner=p01"), "visits is not divided by partner=p01"),
        (("visits", "--by", "category"), "visits is not divided by category"),
        (("visits", "--period", "last month"), "last month is no period"),
    ],
)
def test_what_is_not_counted_so_is_refused_with_a_reason(
    words: tuple[str, ...], reason: str, lively: SmallHouse
) -> None:
    status, said = maison(lively, *words)
    assert status == 2
    assert reason in said


def test_each_figure_that_adds_up_can_be_asked_for(lively: SmallHouse) -> None:
    kept = {
        (figure, dimension) for figure, dimension in lively.execute("stats", "SELECT figure, dimension FROM figures")
    }
    known = {(figure, by) for figure, all_by in DIVIDED.items() for by in (*all_by, "total")}
    assert kept <= known
    with pytest.raises(NoSuchFigure):
        Question.of("participants", "", "", "")
