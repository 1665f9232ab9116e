"""What stats hears and does not even decode."""

import json

import pytest

from services.stats.consumers import PASSED_OVER
from services.stats.facts import facts
from services.stats.people.presences import presences, ties
from services.stats.projections import count
from shared.envelope import Envelope, UnknownEvent, decode
from tests.golden import kept


def told(event_type: str) -> list[Envelope]:
    """An event of this type in each of the shapes that it was ever stored in."""
    return [decode(json.dumps(document)) for document in kept(event_type)]


@pytest.mark.parametrize("event_type", sorted(PASSED_OVER))
def test_what_is_passed_over_counts_for_nothing(event_type: str) -> None:
    for envelope in told(event_type):
        assert not count([envelope])
        assert not presences([envelope])
        assert not ties([envelope])


def test_what_counts_is_decoded_once_and_the_rest_not_at_all() -> None:
    visit, opened = told("intake.visit-recorded.v1")[-1], told("intake.case-opened.v1")[-1]
    assert opened.type in PASSED_OVER
    (only,) = facts([opened, visit], PASSED_OVER)
    assert (only.event, only.stream, only.local_day) == (visit.event, visit.stream, visit.local_day)
    assert only.event is only.event


def test_a_type_of_another_release_is_never_passed_over() -> None:
    document = kept("intake.visit-recorded.v1")[0] | {"type": "intake.visit-recorded.v9"}
    with pytest.raises(UnknownEvent):
        facts([decode(json.dumps(document))], PASSED_OVER)
