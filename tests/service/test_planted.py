"""Faults planted where HTTP is spoken, each found by its name: the harness of houses in one process has no lines."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.access.streams import LiveStreams
from shared.client import DeskClient, Recorded, Request, Visit
from shared.ids import new_id
from tests.auditing import History, attempts, visits_of
from tests.auditing.history import RECORD
from tests.auditing.visits import check_visits
from tests.servers import Valkey
from tests.service.street import Street, open_street, until
from tests.service.test_client import a_line_that_drops_answers
from tests.system.finding_out import SELECT, stored

VISIT = Visit(requests=[Request(category="housing")])
ANSWERS_LOST = 2
VISITS_SEEN = 4
"""More than can have been under way to the page when its reader was shut out."""


@pytest.fixture
def closed(tmp_path: Path, valkey: Valkey) -> Iterator[Street]:
    """A street that lets nobody in who does not say who it is."""
    with open_street(tmp_path / "data", valkey, access="required") as street:
        yield street


@pytest.mark.parametrize("planted", [False, True], ids=["as it is", "retry under a new key"])
def test_a_client_that_repeats_a_visit_under_another_key_is_found_out(
    own_street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: bool
) -> None:
    if planted:
        post = httpx.Client.post

        def under_a_new_key(self: httpx.Client, url: str, **options: Any) -> httpx.Response:
            return post(self, url, **{**options, "headers": {"Idempotency-Key": new_id()}})

        monkeypatch.setattr(httpx.Client, "post", under_a_new_key)
    history, key = History(), new_id()
    asked = {"key": key, "channel": "in_person", "requests": [{"category": "housing"}]}
    n = history.invoke("desk", RECORD, asked)
    with a_line_that_drops_answers(own_street, ANSWERS_LOST) as url, DeskClient(url, sleep=lambda _s: None) as desk:
        recorded = desk.record(VISIT, key)
    assert isinstance(recorded, Recorded)
    history.ends("desk", n, RECORD, "ok", {"visit_id": recorded.visit_id, "case_id": recorded.case_id})
    found = [finding.fault for finding in check_visits(list(attempts(history.lines, RECORD)), _visits(tmp_path))]
    assert found == (["unexpected visit"] if planted else [])


@pytest.mark.parametrize("planted", [False, True], ids=["as it is", "reader looked up when it connects, and only then"])
def test_a_live_page_that_outlives_its_token_is_found_out(
    closed: Street, monkeypatch: pytest.MonkeyPatch, planted: bool
) -> None:
    monkeypatch.setattr("shared.access.streams.LOOK_AGAIN_S", 0.0)
    if planted:

        async def once_is_enough(_self: LiveStreams, _credential: object) -> bool:
            return True

        monkeypatch.setattr(LiveStreams, "_may_read_on", once_is_enough)
    issued = closed.ask_house("tokens", {"role": "coordinator"})
    reader = {"Authorization": f"Bearer {issued['token']}"}
    with httpx.stream("GET", closed.url("stats") + "/stats/live/stream", headers=reader, timeout=30) as live:
        lines = live.iter_lines()
        assert next(lines)
        closed.ask_house("tokens/revoke", {"token_id": issued["token_id"]})
        # Stats asks intake who somebody is, and believes the answer for a few seconds.
        until(lambda: httpx.get(closed.url("stats") + "/stats/visits", headers=reader).status_code == 401)
        assert _is_told_more(closed, lines) is planted


def _is_told_more(closed: Street, lines: Iterator[str]) -> bool:
    """Whether the page still hears of visits that are made after its reader was shut out."""
    told = 0
    while told < VISITS_SEEN:
        closed.as_role("front_desk").post("/visits", json={"requests": [{"category": "health"}]})
        # Up to the counters that this visit has moved, or to the end.
        for line in lines:
            if line.startswith("data:"):
                told += 1
                break
        else:
            return False
    return True


def _visits(folder: Path) -> Any:
    connection = sqlite3.connect(folder / "data" / "intake.sqlite3")
    try:
        return visits_of(stored(connection.execute(SELECT).fetchall()))
    finally:
        connection.close()
