"""Every event that was ever published is read for good, as what it was."""

import json
from typing import Any

import pytest

from shared.envelope import decode, encode
from shared.events import EVENT_TYPES
from shared.events.upcasting import UPCASTS, Upcast
from tests.golden import FOLDER, kept, unseen

TYPES = sorted(path.stem for path in FOLDER.glob("*.json"))
HINT = "keep it: python -m tests.golden"


def test_each_published_type_has_been_kept_and_none_has_been_dropped() -> None:
    assert set(EVENT_TYPES) <= set(TYPES), HINT
    assert set(TYPES) <= set(EVENT_TYPES) | set(UPCASTS), "a type that was published has to be read for good"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_member_of_an_event_has_been_kept(event_type: str) -> None:
    assert not unseen(EVENT_TYPES[event_type]), HINT


@pytest.mark.parametrize("event_type", TYPES)
def test_what_was_stored_once_is_read_as_what_it_was(event_type: str) -> None:
    for document in kept(event_type):
        envelope = decode(json.dumps(document))
        event = envelope.event
        if event_type in UPCASTS:
            assert event.event_type != event_type
            continue
        # Nothing that stands there is passed over, and nothing is made up.
        assert json.loads(encode(event)) == document["data"]
        assert json.loads(encode(envelope)) == document


def test_an_old_shape_is_read_as_todays_by_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(data: dict[str, Any]) -> dict[str, Any]:
        return {"case_id": data["case"], "site": data["place"]}

    monkeypatch.setitem(UPCASTS, "intake.case-begun.v1", Upcast("intake.case-begun.v2", lambda data: {**data, "v": 2}))
    monkeypatch.setitem(UPCASTS, "intake.case-begun.v2", Upcast("intake.case-opened.v1", renamed))
    (today, *_) = kept("intake.case-opened.v1")
    stored = {**today, "type": "intake.case-begun.v1", "data": {"case": "case-1", "place": "fontaine-d-ouche"}}
    envelope = decode(json.dumps(stored))
    assert (envelope.type, envelope.event) == (
        "intake.case-opened.v1",
        EVENT_TYPES["intake.case-opened.v1"](case_id="case-1", site="fontaine-d-ouche"),
    )
    assert envelope.id == today["id"]
