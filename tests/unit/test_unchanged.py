"""Whether a client has a file as it is: what it says it has, held against what there is."""

from datetime import UTC, datetime, timedelta

import pytest

from services.stats.unchanged import Asked, State

CHANGED_AT = "2008-03-11T10:00:00.700Z"
ON = "Tue, 11 Mar 2008 10:00:00 GMT"
LATER = datetime(2008, 3, 12, 9, tzinfo=UTC)


def state(*facts: object, changed_at: str = CHANGED_AT, now: datetime = LATER) -> State:
    return State.of(*(facts or ("requests.csv", 1)), changed_at=changed_at, now=now)


def test_the_same_facts_are_the_same_tag_and_others_another() -> None:
    assert state("requests.csv", 1).tag == state("requests.csv", 1).tag
    assert len({state(*facts).tag for facts in (("requests.csv", 1), ("requests.csv", 2), ("visits.csv", 1))}) == 3


def test_a_file_is_told_with_its_tag_and_the_second_of_its_last_change() -> None:
    assert state().headers() == {"ETag": state().tag, "Cache-Control": "no-cache", "Last-Modified": ON}


def test_a_file_of_which_nobody_knows_when_it_changed_has_no_date() -> None:
    unknown = state(changed_at="")
    assert "Last-Modified" not in unknown.headers()
    assert not unknown.is_known_to(Asked(since=ON))


@pytest.mark.parametrize("tag", ["{tag}", "W/{tag}", '"other", {tag}', '"a,b" ,{tag}', "*", " * "])
def test_a_tag_among_those_that_the_client_has_is_known(tag: str) -> None:
    assert state().is_known_to(Asked(tag=tag.format(tag=state().tag)))


@pytest.mark.parametrize("tag", ['"other"', "", "nonsense", '"*"', "*,*"])
def test_another_tag_is_not_known_whatever_the_date_beside_it(tag: str) -> None:
    assert not state().is_known_to(Asked(tag=tag, since="Fri, 31 Dec 2100 00:00:00 GMT"))


@pytest.mark.parametrize(
    ("since", "known"),
    [
        (ON, True),
        ("Tue, 11 Mar 2008 09:59:59 GMT", False),
        ("Tuesday, 11-Mar-08 10:00:00 GMT", True),
        ("Tue Mar 11 10:00:00 2008", True),
        ("Tue, 11 Mar 2008 10:00:00 -0000", True),
        ("yesterday", False),
        ("Tue, 99 Mar 2008 10:00:00 GMT", False),
        ("", False),
        (None, False),
    ],
)
def test_a_date_is_known_from_the_second_of_the_change_on(since: str | None, known: bool) -> None:
    assert state().is_known_to(Asked(since=since)) is known


def test_a_change_of_this_very_second_is_told_with_the_one_before() -> None:
    """Else whoever fetched it would never hear of what follows in the same second."""
    at_once = datetime(2008, 3, 11, 10, 0, 0, 900_000, tzinfo=UTC)
    told = state(now=at_once).headers()["Last-Modified"]
    assert told == "Tue, 11 Mar 2008 09:59:59 GMT"
    assert not state(now=at_once + timedelta(hours=1)).is_known_to(Asked(since=told))
