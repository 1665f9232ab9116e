"""Identifiers: new ones in order of time, computed ones the same again."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import derive_id, new_id

CAUSE = "0197a5d2-7c3e-7d43-9d4f-1b2c3d4e5f60"


def test_a_new_id_is_a_uuid_of_version_seven_in_canonical_form() -> None:
    one = new_id()
    assert UUID(one).version == 7
    assert str(UUID(one)) == one


def test_new_ids_differ_and_grow() -> None:
    ids = [new_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert ids == sorted(ids)


@given(st.uuids(version=4).map(str), st.lists(st.one_of(st.text(), st.integers()), max_size=3))
def test_a_computed_id_is_a_uuid_with_the_time_of_its_cause(cause: str, parts: list[str | int]) -> None:
    one = derive_id(cause, *parts)
    assert UUID(one).version == 8
    assert str(UUID(one)) == one
    assert one[:13] == cause[:13]


def test_the_same_cause_names_the_same_thing_again() -> None:
    assert derive_id(CAUSE, "referral", 1) == derive_id(CAUSE, "referral", 1)


def test_other_causes_and_other_parts_name_other_things() -> None:
    causes = [new_id() for _ in range(20)]
    ids = {
        derive_id(cause, part, number) for cause in causes for part in ("request", "referral") for number in range(20)
    }
    assert len(ids) == 20 * 2 * 20


def test_a_computed_id_never_changes_from_release_to_release() -> None:
    # Replayed years later, an event must name what it named then.
    assert derive_id(CAUSE, "referral", 1) == "0197a5d2-7c3e-83e3-8a4b-83899f5c92d2"
