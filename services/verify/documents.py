"""What the audit reads of an event, by structures of its own: what it shared with the services it could not judge."""

from typing import Any

import msgspec

COORDINATOR = "coordinator"
VISIT = "intake.visit-recorded.v1"
ISSUED, UNMET = "referral.issued.v1", "referral.need-unmet.v1"
MOVES = {
    "referral.accepted.v1": "accepted",
    "referral.declined.v1": "declined",
    "referral.completed.v1": "completed",
}
"""What a referral is after each of the events that move it."""


class Document(msgspec.Struct, gc=False):
    """An entry of a log."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    sequence: str
    streamversion: int
    data: msgspec.Raw

    @property
    def day(self) -> str:
        """The local day on which it happened."""
        return self.time[:10]


class Request(msgspec.Struct, gc=False):
    """One thing asked for."""

    request_id: str
    category: str
    topic: str | None = None
    answered: bool = False


class Visit(msgspec.Struct, gc=False):
    """Somebody was received."""

    visit_id: str
    case_id: str
    site: str
    channel: str
    requests: list[Request]


class Handed(msgspec.Struct, gc=False):
    """A request was handed to a partner (`issued_on`), or found to be nobody's (`found_on`, `reason`)."""

    request_id: str
    visit_id: str
    case_id: str
    site: str
    category: str
    topic: str | None = None
    partner: str = COORDINATOR
    issued_on: str = ""
    found_on: str = ""
    reason: str | None = None

    @property
    def day(self) -> str:
        """The day that it is filed under."""
        return self.issued_on or self.found_on


class Moved(msgspec.Struct, gc=False):
    """A partner answered, or has finished."""

    partner: str
    reason: str | None = None
    outcome: str | None = None


class Unreadable(ValueError):
    """An entry that is no document, or whose data do not fit its type."""


_document = msgspec.json.Decoder(Document)
_data: dict[str, msgspec.json.Decoder[Any]] = {
    VISIT: msgspec.json.Decoder(Visit),
    ISSUED: msgspec.json.Decoder(Handed),
    UNMET: msgspec.json.Decoder(Handed),
    **dict.fromkeys(MOVES, msgspec.json.Decoder(Moved)),
}


def read_document(entry: bytes) -> Document:
    """An entry, its data not looked into yet. Raises `Unreadable`."""
    try:
        return _document.decode(entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from None


def read_data(document: Document) -> Visit | Handed | Moved | None:
    """The fact in a document; None for one that the audit has no use for. Raises `Unreadable`."""
    decoder = _data.get(document.type)
    if decoder is None:
        return None
    try:
        fact: Visit | Handed | Moved = decoder.decode(document.data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from None
    return fact
