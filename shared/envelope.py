"""One recorded event as a CloudEvents 1.0 document in JSON: the same bytes in the log, on a topic, in a queue.

The extension attributes are CloudEvents' own (`sequence`, `recordedtime`, `correlationid`, `causationid`) and
`streamversion`. `time` is when it happened, written with the offset of the site's zone at that moment: its
first ten characters are therefore the local day, however often the clocks change.
An absent `correlationid` means that the event began its own story. `partitionkey` is left out: `subject`, or the
partner in `data`, says it.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from shared.events import EVENT_TYPES, Event
from shared.events.upcasting import UPCASTS

SPEC_VERSION = "1.0"
_SCHEMA_VERSION = re.compile(r"^(?P<name>[a-z-]+\.[a-z-]+)\.v\d+$")


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An event and where, when and why it was recorded. Field order is the order on the wire."""

    specversion: str
    id: str
    source: str
    type: str
    stream: str = msgspec.field(name="subject")
    occurred_at: str = msgspec.field(name="time")
    recorded_at: str = msgspec.field(name="recordedtime")
    sequence: str
    version: int = msgspec.field(name="streamversion")
    data: msgspec.Raw
    correlation_id: str | None = msgspec.field(name="correlationid", default=None)
    causation_id: str | None = msgspec.field(name="causationid", default=None)
    actor: str | None = None
    traceparent: str | None = None

    @property
    def position(self) -> int:
        """Place in its partition of the log, dense from 1."""
        return int(self.sequence)

    @property
    def local_day(self) -> str:
        """The day it happened on at the site, `YYYY-MM-DD`."""
        return self.occurred_at[:10]

    @property
    def event(self) -> Event:
        """The fact itself. Raises `UnknownEvent` or `MalformedEvent`."""
        return decode_data(self.type, self.data)


class Recorded(NamedTuple):
    """An event just appended, typed, for a read model that is kept in the append's own transaction."""

    stream: str
    version: int
    partition: int
    position: int
    occurred_at: str
    event: Event
    recorded_at: str


class UnknownEvent(ValueError):
    """An event type, or a schema version of a known type, that this release cannot read."""


class MalformedEvent(ValueError):
    """An entry that is no CloudEvent, or whose data do not fit its type."""


encode: Callable[[Envelope | Event], bytes] = msgspec.json.Encoder().encode
_envelope = msgspec.json.Decoder(Envelope)
_data = {event_type: msgspec.json.Decoder(event) for event_type, event in EVENT_TYPES.items()}


def decode(entry: bytes | str) -> Envelope:
    """An entry's envelope, in today's shape; its data stay undecoded until `event` is asked for.

    Raises `MalformedEvent`.
    """
    try:
        envelope = _envelope.decode(entry)
        return envelope if envelope.type not in UPCASTS else _upcast(envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedEvent(str(error)) from None


def _upcast(envelope: Envelope) -> Envelope:
    while upcast := UPCASTS.get(envelope.type):
        data = upcast.change(msgspec.json.decode(envelope.data, type=dict[str, Any]))
        envelope = msgspec.structs.replace(envelope, type=upcast.becomes, data=msgspec.Raw(msgspec.json.encode(data)))
    return envelope


def decode_data(event_type: str, data: msgspec.Raw | bytes | str) -> Event:
    """The typed event inside an envelope. Raises `UnknownEvent` or `MalformedEvent`."""
    decoder = _data.get(event_type)
    if decoder is None:
        raise UnknownEvent(f"event type {event_type!r} is not known to this release")
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        raise MalformedEvent(f"{event_type}: {error}") from None


def type_name(event_type: str) -> str:
    """`intake.visit-recorded` of `intake.visit-recorded.v1`: what it is, whatever its schema version."""
    match = _SCHEMA_VERSION.match(event_type)
    return match["name"] if match else event_type


def event_id(source: str, partition: int, position: int) -> str:
    """Unique within a house and the same at every republication: `intake:0:48213`."""
    return f"{source}:{partition}:{position}"


def timestamp(moment: datetime) -> str:
    """RFC 3339 with the moment's own offset, to the millisecond."""
    return moment.isoformat(timespec="milliseconds")
