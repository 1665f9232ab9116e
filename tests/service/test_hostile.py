"""Whatever is sent: a problem that names the field, nothing stored, nothing dead, and the next visit is recorded."""

import json
from collections.abc import Iterator

import pytest

from tests.service.corpus import CORPUS, GOOD, Bad
from tests.service.refusals import problem_of
from tests.service.street import Street


@pytest.fixture(autouse=True)
def nothing_stored(street: Street) -> Iterator[None]:
    """Between two good visits nothing else may have come into the log."""
    before = street.recorded()
    yield
    # A visit that opens its case is two events.
    assert street.recorded() == before + 2


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad.name.replace(" ", "-"))
def test_a_bad_body_gets_a_problem_that_names_the_field(bad: Bad, street: Street) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"hostile-{bad.name}".replace(" ", "-")}
    answer = street.intake.post("/visits", content=bad.body, headers=headers)
    problem_of(answer, bad.status, bad.field)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/x-ndjson",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "",
        ";",
        "json",
        "application/json, text/plain",
    ],
)
def test_what_is_said_to_be_no_json_is_not_read(content_type: str, street: Street) -> None:
    headers = {"Content-Type": content_type}
    problem_of(street.intake.post("/visits", content=json.dumps(GOOD).encode(), headers=headers), 415)


@pytest.mark.parametrize("key", ["", '""', "with a space", "k" * 256, "a\tb", "\xe9", '"'])
def test_an_unusable_key_is_refused_before_anything_is_read(key: str, street: Street) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    problem_of(street.intake.post("/visits", json=GOOD, headers=headers), 400, "Idempotency-Key")


def test_two_faults_are_told_together(street: Street) -> None:
    answer = street.intake.post("/visits", json={"channel": "pigeon", "requests": [{"category": 1}, {"answered": 3}]})
    problem = problem_of(answer, 422)
    assert [error["field"] for error in problem["errors"]] == [
        "channel",
        "requests.0.category",
        "requests.1.category",
        "requests.1.answered",
    ]


def test_a_thousand_unknown_fields_get_a_short_answer(street: Street) -> None:
    answer = street.intake.post("/visits", json={**GOOD, **{f"field-{n}-{'x' * 30}": n for n in range(1_000)}})
    problem_of(answer, 422)
    assert len(answer.content) < 10_000


def test_a_field_name_of_any_length_and_kind_is_told_short(street: Street) -> None:
    answer = street.intake.post("/visits", json={**GOOD, "\u202e\x1b[31m\n" + "x" * 10_000: 1})
    problem_of(answer, 422)
    assert len(answer.content) < 2_000
