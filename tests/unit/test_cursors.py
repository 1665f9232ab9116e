"""Cursors: good at every replica and after every restart, for what they were given for, and nothing else."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.web.cursors import BEGINNING, Cursors
from shared.web.problems import Problem

WORDS = st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=40)


def house(key: str | None = "the-key-of-the-house") -> Cursors:
    return Cursors(lambda: key)


@given(what=WORDS, place=WORDS)
def test_every_replica_reads_what_another_gave(what: str, place: str) -> None:
    assert house().read(what, house().give(what, place)) == place or place in {"0", BEGINNING}


@given(what=WORDS, other=WORDS, place=WORDS)
def test_a_cursor_of_something_else_is_refused(what: str, other: str, place: str) -> None:
    cursor = house().give(other, place)
    if what != other:
        with pytest.raises(Problem) as refused:
            house().read(what, cursor)
        assert refused.value.slug == "unknown-cursor"


@given(told=st.text(max_size=200))
def test_what_nobody_gave_is_refused_and_named(told: str) -> None:
    if told in {"0", BEGINNING}:
        assert house().read("queue:p01", told) == BEGINNING
        return
    with pytest.raises(Problem) as refused:
        house().read("queue:p01", told, "Last-Event-ID")
    assert [error["field"] for error in refused.value.errors] == ["Last-Event-ID"]
    assert refused.value.status == 422


@given(
    place=st.integers(0, 999).map(lambda entry: f"{entry}-0"),
    last=st.sampled_from(string.ascii_letters + string.digits),
)
def test_a_cursor_whose_last_letter_is_changed_is_refused(place: str, last: str) -> None:
    """Base64 leaves two bits of it unread: another letter may still spell the same signature."""
    cursor = house().give("queue:p01", place)
    assume(cursor[-1] != last)
    with pytest.raises(Problem):
        house().read("queue:p01", cursor[:-1] + last)


def test_another_house_has_another_key() -> None:
    with pytest.raises(Problem):
        house("another").read("queue:p01", house().give("queue:p01", "7-0"))


def test_a_house_without_a_key_knows_its_own_cursors_and_nobody_elses() -> None:
    keyless = house(None)
    cursor = keyless.give("queue:p01", "7-0")
    assert keyless.read("queue:p01", cursor) == "7-0"
    with pytest.raises(Problem):
        house(None).read("queue:p01", cursor)
