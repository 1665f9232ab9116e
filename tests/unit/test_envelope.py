"""An envelope is a CloudEvents document: the same bytes wherever it goes, and bounded trust in what comes back."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from typing import get_args as types_of

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import (
    Envelope,
    MalformedEvent,
    UnknownEvent,
    decode,
    decode_data,
    encode,
    event_id,
    timestamp,
    type_name,
)
from shared.events import EVENT_TYPES, Event, IntakeEvent, ReferralEvent
from shared.events.intake import CaseOpened, RequestMade, VisitRecorded

WINTER = timezone(timedelta(hours=1))
OPENED = CaseOpened("case-rose", "fontaine-d-ouche")


def enveloped(event: Event, **changes: Any) -> Envelope:
    envelope = Envelope(
        specversion="1.0",
        id="intake:0:48213",
        source="intake",
        type=event.event_type,
        stream="case-rose",
        occurred_at="2008-03-11T09:30:00.000+01:00",
        recorded_at="2008-03-11T08:30:01.250Z",
        sequence="0000048213",
        version=3,
        data=msgspec.Raw(encode(event)),
    )
    return msgspec.structs.replace(envelope, **changes)


def test_a_document_has_the_attributes_of_cloudevents_in_their_order() -> None:
    document = json.loads(encode(enveloped(OPENED, correlation_id="c1", causation_id="c0", actor="desk")))
    assert document == {
        "specversion": "1.0",
        "id": "intake:0:48213",
        "source": "intake",
        "type": "intake.case-opened.v1",
        "subject": "case-rose",
        "time": "2008-03-11T09:30:00.000+01:00",
        "recordedtime": "2008-03-11T08:30:01.250Z",
        "sequence": "0000048213",
        "streamversion": 3,
        "data": {"case_id": "case-rose", "site": "fontaine-d-ouche"},
        "correlationid": "c1",
        "causationid": "c0",
        "actor": "desk",
    }
    assert list(document)[:2] == ["specversion", "id"]


def test_what_is_unknown_is_left_out() -> None:
    assert not {"correlationid", "causationid", "actor"} & set(json.loads(encode(enveloped(OPENED))))


def test_a_document_read_and_written_again_is_the_same_bytes() -> None:
    written = encode(enveloped(OPENED, actor="desk"))
    assert encode(decode(written)) == written


def test_an_envelope_knows_its_position_its_local_day_and_its_event() -> None:
    envelope = decode(encode(enveloped(OPENED)))
    assert (envelope.position, envelope.local_day, envelope.event) == (48_213, "2008-03-11", OPENED)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
requests = st.lists(
    st.builds(RequestMade, texts, texts, st.none() | texts, st.none() | texts, st.booleans()), max_size=4
)


@given(st.builds(VisitRecorded, texts, texts, texts, texts, requests.map(tuple)))
def test_every_event_comes_back_as_it_was(event: VisitRecorded) -> None:
    assert decode(encode(enveloped(event))).event == event


@given(st.binary(max_size=60) | texts)
def test_whatever_is_no_event_is_refused_by_name(entry: bytes | str) -> None:
    with pytest.raises(MalformedEvent):
        decode(entry)


@pytest.mark.parametrize("missing", ["id", "source", "type", "subject", "time", "sequence", "streamversion", "data"])
def test_a_document_without_an_attribute_is_malformed(missing: str) -> None:
    document = json.loads(encode(enveloped(OPENED)))
    del document[missing]
    with pytest.raises(MalformedEvent, match=missing):
        decode(json.dumps(document))


def test_attributes_that_others_have_added_are_passed_over() -> None:
    document = json.loads(encode(enveloped(OPENED))) | {"traceparent": "00-1-2-01"}
    assert decode(json.dumps(document)).event == OPENED


@pytest.mark.parametrize("event_type", ["intake.case-opened.v2", "intake.case-forgotten.v1", "", "nonsense"])
def test_an_event_of_another_release_is_unknown(event_type: str) -> None:
    with pytest.raises(UnknownEvent):
        _ = enveloped(OPENED, type=event_type).event


@pytest.mark.parametrize("data", [b"{}", b"[]", b"null", b'{"case_id": 5, "site": "x"}', b'{"case_id"'])
def test_data_that_do_not_fit_their_type_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedEvent, match=r"intake\.case-opened\.v1"):
        decode_data("intake.case-opened.v1", data)


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("intake.visit-recorded.v1", "intake.visit-recorded"),
        ("intake.visit-recorded.v12", "intake.visit-recorded"),
        ("elsewhere", "elsewhere"),
    ],
)
def test_a_type_has_a_name_whatever_its_schema_version(event_type: str, name: str) -> None:
    assert type_name(event_type) == name


def test_an_event_id_says_where_it_stands() -> None:
    assert event_id("intake", 3, 48_213) == "intake:3:48213"


def test_a_time_is_written_with_its_own_offset_to_the_millisecond() -> None:
    assert timestamp(datetime(2008, 3, 11, 9, 30, 0, 250_999, WINTER)) == "2008-03-11T09:30:00.250+01:00"
    assert timestamp(datetime(2008, 3, 11, 8, 30, tzinfo=UTC)) == "2008-03-11T08:30:00.000+00:00"


def test_every_event_of_the_language_is_known_by_its_owner_name_and_version() -> None:
    for owner, events in (("intake", types_of(IntakeEvent)), ("referral", types_of(ReferralEvent))):
        for event in events:
            assert EVENT_TYPES[event.event_type] is event
            assert event.event_type.startswith(f"{owner}.")
            assert type_name(event.event_type) != event.event_type
