"""Different people over HTTP: merges, names and erasures move the figures exactly, and no name leaves intake."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers import running_valkey
from tests.service.street import Street, open_street, until

YEAR = "2008"
BREAKFASTS, GUESTS, HEADS, NAMED = 36, 76, 10, 3
NAME = {"given_name": "Inventée", "family_name": "Tartempion"}


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A street of its own: every figure is counted from nothing."""
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("counting"), bus) as street:
        yield street


def figure(street: Street, name: str, **asked: str) -> dict[Any, int]:
    rows = street.stats.get(f"/stats/{name}", params=asked).json()["rows"]
    by = asked.get("by")
    return {(row[by] if by else "all"): row["count"] for row in rows}


def heard(street: Street) -> None:
    """Wait until stats has taken in all that intake has said."""
    asked = {"occurred_at": "2001-01-01T10:00:00Z", "requests": [{"category": "health", "answered": True}]}
    position = street.intake.post("/visits", json=asked).json()["position"]
    until(lambda: street.stats.get("/stats/visits").json()["as_of"]["intake"] >= position)


def version(street: Street, case_id: str) -> dict[str, str]:
    return {"If-Match": street.intake.get(f"/cases/{case_id}").headers["etag"]}


def visit(street: Street, day: str = "2008-03-11", **more: Any) -> str:
    found: str = street.record("employment", occurred_at=f"{day}T10:00:00+01:00", **more)["case_id"]
    return found


def breakfast(street: Street, number: int) -> str:
    body = {
        "kind": "health_breakfast", "category": "health", "headcount": HEADS, "leaders": ["p09"],
        "held_at": f"2008-{number // 3 + 1:02}-{number % 3 * 9 + 5:02}T09:00:00+01:00",
    }  # fmt: skip
    found: str = street.intake.post("/actions", json=body).json()["action_id"]
    return found


def test_36_breakfasts_with_76_different_people(counting: Street) -> None:
    line = (
        '{"requests": [{"category": "health"}], "occurred_at": "2002-01-08T10:00:00Z", "idempotency_key": "guest-%d"}'
    )
    sent = "\n".join(line % number for number in range(GUESTS))
    answer = counting.intake.post("/visits/batch", content=sent, headers={"Content-Type": "application/x-ndjson"})
    guests = [json.loads(told)["case_id"] for told in answer.text.splitlines()]
    seats = iter(range(BREAKFASTS * NAMED))
    for number in range(BREAKFASTS):
        action = breakfast(counting, number)
        for _ in range(NAMED):
            guest = guests[next(seats) % GUESTS]
            assert counting.intake.post(f"/actions/{action}/attendances", json={"case_id": guest}).status_code == 201
    heard(counting)
    of_year = {"from": f"{YEAR}-01-01", "to": f"{YEAR}-12-31"}
    assert figure(counting, "actions", by="kind", **of_year) == {"health_breakfast": BREAKFASTS}
    assert figure(counting, "attendances", by="partner", **of_year) == {"p09": BREAKFASTS * HEADS}
    assert figure(counting, "participants", by="kind", **of_year) == {"health_breakfast": GUESTS}
    review = counting.stats.get(f"/report/{YEAR}").json()
    assert (review["actions"]["count"], review["participants"]["count"]) == (BREAKFASTS, GUESTS)
    page = counting.stats.get(f"/report/{YEAR}/page").text
    assert "76 personnes différentes parmi celles qui sont nommées" in page


def test_merges_and_names_make_one_of_several_and_erasing_takes_nobody_away(counting: Street) -> None:
    of_2006 = {"from": "2006-01-01", "to": "2006-12-31"}

    def people(**by: str) -> dict[Any, int]:
        heard(counting)
        return figure(counting, "people", **of_2006, **by)

    one, two, three = (visit(counting, f"2006-0{number}-03") for number in (2, 3, 4))
    assert people() == {"all": 3}
    merged = counting.intake.post(f"/cases/{two}/merge", json={"into": one}, headers=version(counting, two))
    assert merged.status_code == 200
    assert people() == {"all": 2}
    assert figure(counting, "people", **of_2006, period="month") != {}
    counting.intake.post(f"/cases/{two}/unmerge", headers=version(counting, two))
    assert people() == {"all": 3}
    desk = counting.as_role("front_desk")
    person = desk.post(f"/cases/{one}/person", json=NAME).json()["person_id"]
    known = desk.post(f"/cases/{three}/known-person", json={"person_id": person})
    assert known.status_code == 201
    assert people(by="identity") == {"anonymous": 1, "named": 1}
    counting.as_role("data_protection").post(f"/people/{person}/erasure", json={})
    assert people(by="identity") == {"anonymous": 1, "named": 1}
    partners = figure(counting, "people", by="partner", **of_2006)
    assert set(partners.values()) <= {1, 2}


def test_a_rebuild_comes_to_the_same(counting: Street) -> None:
    def shown() -> list[httpx.Response]:
        asked = ({"by": "partner", "period": "year"}, {"by": "identity"}, {"by": "site", "period": "week"})
        names = ("people", "participants")
        return [counting.stats.get(f"/stats/{name}", params=each).json()["rows"] for name in names for each in asked]

    heard(counting)
    before = shown()
    rebuilt = counting.stats.post("/internal/rebuild", headers={"X-House-Key": counting.key})
    assert rebuilt.status_code == 200, rebuilt.text
    assert set(rebuilt.json()["rebuilt"]) == {"figures", "presences", "case_ties", "people_counts"}
    assert shown() == before
