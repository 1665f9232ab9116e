"""Refusals over HTTP: their form, their remedies, and what must not be in them."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.database import StoreFull, StoreUnavailable
from shared.log import KeyReused, VersionConflict
from shared.web.exchange import answer_failure
from shared.web.idempotency import InFlight, key_from
from shared.web.problems import (
    ERRORS_MAX,
    FIELD_NAME_MAX,
    Problem,
    field_name,
    from_exception,
    from_validation,
    not_found,
)
from shared.web.strict_json import DEPTH_MAX, check
from shared.web.versions import etag, expected_version


class Form(BaseModel, extra="forbid"):
    """A form with a part."""

    name: str
    parts: list[int]


def refused(body: str) -> Problem:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate_json(body)
    return from_validation(caught.value)


def test_a_problem_is_a_document_of_rfc_9457() -> None:
    assert not_found("visit").document() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no such visit. Check the identifier.",
    }


def test_each_field_at_fault_is_named_with_its_remedy() -> None:
    problem = refused('{"parts": [1, "x"], "more": 1}')
    assert list(problem.errors) == [
        {"field": "name", "detail": "This field is required: add it."},
        {
            "field": "parts.1",
            "detail": "Input should be a valid integer, unable to parse string as an integer.",
        },
        {"field": "more", "detail": "This field is not known: remove it."},
    ]
    assert problem.detail == "Correct these and send again: name, parts.1, more."


@given(st.text(max_size=300))
def test_a_field_name_is_short_and_can_be_written_down(key: str) -> None:
    assert len(field_name("form", key)) <= FIELD_NAME_MAX
    assert msgspec.json.decode(msgspec.json.encode(field_name(key))) == field_name(key)


def test_a_lone_surrogate_in_a_key_is_told_all_the_same() -> None:
    assert field_name("a\ud800b") == "a?b"


def test_of_very_many_faults_the_first_are_told() -> None:
    body = json.dumps({"name": "x", "parts": ["x"] * 1_000})
    assert len(refused(body).errors) == ERRORS_MAX


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (not_found("case"), 404),
        (StoreFull("disk is full"), 507),
        (StoreUnavailable("locked"), 503),
        (KeyReused(), 422),
        (VersionConflict("case-1", 1, 3), 412),
    ],
)
def test_a_foreseen_failure_has_its_status_and_says_what_to_do(failure: Exception, status: int) -> None:
    problem = from_exception(failure)
    assert problem is not None
    assert problem.status == status
    assert problem.detail.endswith(".")


def test_an_unforeseen_failure_tells_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    answer = answer_failure(RuntimeError("the name of somebody"))
    assert answer.status == 500
    assert b"somebody" not in answer.body
    assert "unforeseen failure" in caplog.text


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), st.lists, max_leaves=9),
    )
)
def test_every_decent_object_passes(value: dict[str, object]) -> None:
    check(json.dumps(value).encode())


def test_depth_is_counted_outside_of_strings_only() -> None:
    check(json.dumps({"text": '[{"' * 100 + "\\"}).encode())
    check(b'{"a":' + b"[" * (DEPTH_MAX - 1) + b"]" * (DEPTH_MAX - 1) + b"}")
    with pytest.raises(Problem) as too_deep:
        check(b'{"a":' + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"}")
    assert "nested deeper" in too_deep.value.detail


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_taken_or_refused_and_never_worse(body: bytes) -> None:
    refusal: Problem | None = None
    try:
        check(body)
    except Problem as problem:
        refusal = problem
    assert refusal is None or msgspec.json.decode(refusal.body())["status"] == 400


def test_a_twin_waits_outside_until_the_first_is_done() -> None:
    in_flight = InFlight()
    with in_flight.hold("visits:k1"):
        with pytest.raises(Problem) as twin, in_flight.hold("visits:k1"):
            pass
        with in_flight.hold("visits:k2"), in_flight.hold(None), in_flight.hold(None):
            pass
    assert (twin.value.status, twin.value.headers["Retry-After"]) == (409, "1")
    with in_flight.hold("visits:k1"):
        pass


def test_a_key_in_quotes_is_the_same_key() -> None:
    assert key_from({b"idempotency-key": b"k1"}, "visits") == key_from({b"idempotency-key": b'"k1"'}, "visits")
    assert key_from({b"idempotency-key": b"k1"}, "visits") != key_from({b"idempotency-key": b"k1"}, "referrals/r1")
    assert key_from({}, "visits") is None


@pytest.mark.parametrize("sent", ["3", '"3"', 'W/"3"', ' "3" '])
def test_a_version_is_read_from_an_etag(sent: str) -> None:
    assert expected_version(sent) == 3
    assert expected_version(etag(3)) == 3
