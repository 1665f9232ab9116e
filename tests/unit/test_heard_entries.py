"""Entries of a topic as the client hands them on, and what we read in them."""

import json
from typing import Any

import pytest

from shared.subscription.batch import as_it_came, decode_batch, parse
from tests.golden import kept

BODY = json.dumps(kept("intake.visit-recorded.v1")[0]).encode()


@pytest.mark.parametrize(
    "fields",
    [
        [b"__data__", BODY],
        [b"somebody's own", b"{}", b"__data__", BODY],
        {b"__data__": BODY},
        {b"somebody's own": b"{}", b"__data__": BODY},
    ],
)
async def test_an_entry_is_the_same_as_a_list_and_as_a_dict(fields: Any) -> None:
    (heard,) = await decode_batch(await parse({"message_ids": [b"7-0"], "data": [fields]}))
    assert (heard.position, heard.body) == (7, BODY)
    assert heard.envelope is not None
    assert heard.envelope.type == "intake.visit-recorded.v1"


@pytest.mark.parametrize("fields", [[b"another", b"{}"], {b"another": b"{}"}])
async def test_an_entry_without_our_field_is_no_event(fields: Any) -> None:
    (heard,) = await decode_batch(await parse({"message_ids": [b"7-0"], "data": [fields]}))
    assert (heard.envelope, heard.body) == (None, b"")


def test_an_answer_is_by_topic_whichever_protocol_is_spoken() -> None:
    entries = [[b"7-0", [b"__data__", BODY]]]
    assert list(as_it_came({b"topic:intake:0": entries})) == [(b"topic:intake:0", entries)]
    assert list(as_it_came([[b"topic:intake:0", entries]])) == [[b"topic:intake:0", entries]]
    assert not as_it_came(None)
