"""A body becomes a command: what is filled in, what is kept, what is the same body written otherwise."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.forms import Asked, VisitForms
from services.intake.invitations.codes import code_of
from services.intake.plain_forms import CHANNELS, PlainForms, Sent
from shared.catalogue import load_catalogue
from shared.ids import derive_id
from shared.web.problems import Problem

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
SITE = "fontaine-d-ouche"
NOW = datetime(2008, 3, 11, 8, 30, tzinfo=UTC)
CASE_ID = "01900000-0000-7000-8000-000000000000"


@cache
def forms() -> VisitForms:
    return VisitForms(load_catalogue(HOUSE_FILE))


@cache
def plain_forms() -> PlainForms:
    return PlainForms(load_catalogue(HOUSE_FILE))


def read(now: datetime = NOW, *, line: bool = False, **members: Any) -> Asked:
    body = {"requests": [{"category": "legal"}], **members}
    return forms().read(json.dumps(body).encode(), now, line=line)


def refusal(**members: Any) -> list[str]:
    with pytest.raises(Problem) as caught:
        read(**members)
    assert caught.value.status == 422
    return [error["field"] for error in caught.value.errors]


def test_what_is_left_out_is_the_first_site_in_person_and_now() -> None:
    asked = read()
    assert (asked.command.site, asked.command.channel) == (SITE, "in_person")
    assert asked.occurred_at == "2008-03-11T09:30:00.000+01:00"


def test_a_visit_without_a_case_opens_one_and_a_visit_with_one_joins_it() -> None:
    new, known = read().command, read(case_id=CASE_ID).command
    assert new.opens_case
    assert new.case_id != new.visit_id
    assert not known.opens_case
    assert known.case_id == CASE_ID


def test_whom_it_takes_to_understand_one_another_is_named_once_each_and_always_in_one_order() -> None:
    assert read(needs=["reader", "interpreter"]).command.needs == ("interpreter", "reader")
    assert refusal(needs=["reader", "reader"]) == ["needs"]
    assert refusal(language="french") == ["language"]


def test_only_a_visit_with_children_has_an_invitation_and_it_is_the_visits_own() -> None:
    assert read().command.invitation is None
    command = read(children=True).command
    assert command.invitation == (code_of(command.visit_id), "p08")


def test_each_request_is_named_by_its_visit_and_its_place() -> None:
    command = read(requests=[{"category": "legal"}, {"category": "health", "answered": True}]).command
    assert [request.request_id for request in command.requests] == [
        derive_id(command.visit_id, 1),
        derive_id(command.visit_id, 2),
    ]
    assert [request.answered for request in command.requests] == [False, True]


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_is_taken(channel: str) -> None:
    assert read(channel=channel).command.channel == channel


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"channel": "phone", "site": SITE}, {"site": SITE, "channel": "phone"}),
        ({"occurred_at": "2008-03-11T08:00:00Z"}, {"occurred_at": "2008-03-11T08:00:00+00:00"}),
    ],
)
def test_the_same_visit_written_otherwise_is_known_by_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert read(**one).canonical == read(**other).canonical


def test_another_visit_is_known_by_something_else() -> None:
    known = {
        read(**members).canonical
        for members in (
            {},
            {"channel": "phone"},
            {"case_id": CASE_ID},
            {"occurred_at": "2008-03-11T08:00:00Z"},
            {"requests": [{"category": "health"}]},
            {"requests": [{"category": "legal", "answered": True}]},
            {"requests": [{"category": "legal"}, {"category": "legal"}]},
            {"language": "ar"},
            {"needs": ["reader"]},
            {"children": True},
            {"arrival_id": CASE_ID},
        )
    }
    assert len(known) == 11


def test_a_lines_key_is_no_part_of_what_it_is_known_by() -> None:
    asked = read(line=True, idempotency_key="k1")
    assert asked.key == "k1"
    assert asked.canonical == read(line=True, idempotency_key="k2").canonical == read().canonical


def test_a_desks_clock_may_run_a_little_ahead_and_no_more() -> None:
    assert read(occurred_at=(NOW + timedelta(minutes=5)).isoformat()).occurred_at
    assert refusal(occurred_at=(NOW + timedelta(minutes=5, seconds=1)).isoformat()) == ["occurred_at"]


def test_the_memory_of_a_house_goes_back_to_the_year_2000() -> None:
    assert read(occurred_at="2000-01-01T00:00:00Z").occurred_at == "2000-01-01T01:00:00.000+01:00"
    assert refusal(occurred_at="1999-12-31T23:59:59.999Z") == ["occurred_at"]


def test_a_topic_of_another_category_is_told_beside_a_bad_time() -> None:
    requests = [{"category": "legal"}, {"category": "legal", "topic": "acces-aux-droits--rmi"}]
    assert refusal(occurred_at="1990-01-01T00:00:00Z", requests=requests) == ["occurred_at", "requests.1.topic"]


def test_what_is_said_of_all_requests_is_no_news_when_one_is_at_fault() -> None:
    assert refusal(requests=[{"category": "pigeons"}]) == ["requests.0.category"]


@pytest.mark.parametrize(
    "moment", ["1205224200", "2008-03-11", "2008-03-11T09:30:00", "11/03/2008 09:30", "2008-W11-2T09:30Z", ""]
)
def test_a_moment_is_written_out_with_its_offset(moment: str) -> None:
    assert refusal(occurred_at=moment) == ["occurred_at"]


@pytest.mark.parametrize("moment", ["2008-03-11T09:30+01:00", "2008-03-11 09:30:00.5+01:00", "2008-03-11t08:30:00z"])
def test_a_moment_may_be_written_as_rfc_3339_allows(moment: str) -> None:
    assert read(occurred_at=moment).occurred_at.startswith("2008-03-11T09:30:0")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"site": SITE, "channel": "phone", "occurred_at": "2008-03-11T09:30:00+01:00", "case_id": CASE_ID},
        {"language": "ar", "needs": ["reader", "interpreter"], "children": True, "arrival_id": CASE_ID},
        {
            "occurred_at": None,
            "case_id": None,
            "language": None,
            "arrival_id": None,
            "requests": [{"category": "legal", "topic": None, "answered": True}] * 20,
        },
    ],
)
def test_an_ordinary_visit_goes_the_short_way(members: dict[str, Any]) -> None:
    body = {"requests": [{"category": "legal"}], **members}
    assert plain_forms().read_visit(json.dumps(body).encode())
    assert plain_forms().read_line(json.dumps({**body, "idempotency_key": "k-1"}).encode())


def _member(key: str, *values: str) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.just(key), st.sampled_from([*values * 5, "null", "1", '"x"', "[]", "NaN", '"\\u0061"']))


def _object(*members: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[str]:
    # Not from a dictionary: a key may come twice.
    pairs = st.tuples(*members, st.lists(st.one_of(*members), max_size=1)).flatmap(
        lambda drawn: st.permutations([*drawn[:-1], *drawn[-1]])
    )
    return pairs.map(lambda each: "{" + ", ".join(f'"{key}": {value}' for key, value in each if key) + "}")


def _maybe(member: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    return st.one_of(st.just(("", "")), member)


MOMENTS = ("2008-03-11T09:30:00+01:00", "2008-03-11T09:30:00.123Z", "2008-03-11 09:30z", "2008-02-30T09:30:00Z",
           "2008-03-11T24:00:00Z", "2008-03-11T09:30:00+01:60", "2008-03-11T09:30:00-00:00")  # fmt: skip
REQUEST = _object(
    _member("category", '"legal"', '"health"'),
    _maybe(_member("topic", '"acces-aux-droits--rmi"')),
    _maybe(_member("answered", "true", "false")),
    _maybe(_member("safe_to_contact", "true", "false", "null")),
)
BODY = st.builds(
    lambda text, place, junk: (text[: place % len(text)] + junk + text[place % len(text) :]).encode(),
    _object(
        _maybe(_member("site", f'"{SITE}"')),
        _maybe(_member("channel", '"phone"')),
        _maybe(_member("case_id", f'"{CASE_ID}"', f'"{CASE_ID}\\n"')),
        _maybe(_member("idempotency_key", '"k1"', '"k 1"', '"k\\"1"')),
        _maybe(_member("occurred_at", *(f'"{moment}"' for moment in MOMENTS))),
        _maybe(_member("language", '"ar"', '"xx"')),
        _maybe(_member("needs", '["reader"]', '["reader", "interpreter"]', '["reader", "reader"]', '["x"]')),
        _maybe(_member("children", "true", "false")),
        _maybe(_member("arrival_id", f'"{CASE_ID}"', '"a"')),
        st.tuples(
            st.just("requests"), st.lists(REQUEST, min_size=1, max_size=2).map(lambda made: f"[{', '.join(made)}]")
        ),
    ),
    st.integers(0, 1000),
    st.sampled_from(["", "", "", "", "", " ", "\n", '"', "}", "\\", "\ufeff", "\0"]),
)


@given(body=BODY, line=st.booleans())
def test_what_goes_the_short_way_means_the_same_the_long_way(body: bytes, line: bool) -> None:
    short = plain_forms().read_line(body) if line else plain_forms().read_visit(body)
    if short is not None:
        long = forms().read_patiently(body, line=line)
        assert (short.key, short.happened_at, plainly(short)) == (long.key, long.happened_at, plainly(long))


def plainly(sent: Sent) -> bytes:
    """The visit's text, with its moment not as it was written."""
    return PlainForms.at(sent.visit, sent.happened_at.isoformat()) if sent.happened_at else sent.text
