"""What a line of the journal says, and what it never says."""

import json
import logging
from typing import Any

import pytest

from shared.telemetry.journal import KEYS, formatter

CANARY = "Ginette Inventée"


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(formatter("intake").format(record))
    return line


def record(message: str, **more: Any) -> logging.LogRecord:
    return logging.getLogger("shared.relay").makeRecord(
        "shared.relay", logging.WARNING, __file__, 1, message, (), more.pop("exc_info", None), extra=more
    )


def test_a_line_says_when_how_grave_who_and_what() -> None:
    line = line_of(record("relay waits"))
    stamp = line.pop("timestamp")
    assert stamp.endswith("Z")
    assert line == {"level": "warning", "service": "intake", "logger": "shared.relay", "event": "relay waits"}


def test_what_is_added_beside_the_known_keys_is_dropped() -> None:
    line = line_of(record("something", person=CANARY, request={"name": CANARY}))
    assert set(line) <= KEYS
    assert CANARY not in json.dumps(line)


def test_a_failure_is_told_by_its_types_and_its_places_without_its_words() -> None:
    try:
        try:
            dict[str, str]()[CANARY]
        except KeyError as error:
            raise ValueError(f"{CANARY} is no date") from error
    except ValueError as error:
        line = line_of(record("unforeseen failure", exc_info=(type(error), error, error.__traceback__)))
    assert line["failure"] == "ValueError < KeyError"
    assert line["at"][0].startswith("test_journal.py:")
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize("as_text", [True, False])
def test_both_forms_keep_to_the_known_keys(as_text: bool) -> None:
    text = formatter("intake", as_text=as_text).format(record("something", person=CANARY))
    assert "something" in text
    assert CANARY not in text
