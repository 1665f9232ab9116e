"""What a subscriber is handed: entries of a topic, decoded once, in the order of their positions."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from faststream.redis.message import RedisBatchStreamMessage
from sqlalchemy import Connection

from shared.bus import DATA_FIELD, position_of
from shared.envelope import Envelope, MalformedEvent, decode

_FIELD = DATA_FIELD.encode()


class Heard(msgspec.Struct, frozen=True, gc=False):
    """One entry. `envelope` is None when its body is no event; `body` is kept as it came."""

    position: int
    envelope: Envelope | None
    body: bytes


class Effects(Protocol):
    """What a batch of events leads to: changes of this service's own database, made in one transaction."""

    def apply(self, connection: Connection) -> None:
        """Make the changes. Raises when they cannot be made: nothing is kept then."""

    def committed(self) -> None:
        """Called on the event loop once the changes, and the checkpoint with them, are on disk."""


React = Callable[[Sequence[Envelope]], Effects]
"""Pure: events -> effects. Raises when an event is not to be understood."""


def as_it_came(reply: Any, **_options: Any) -> Any:
    """An answer to XREAD, by topic: the client would make a dict of each entry, only to have one field taken out."""
    return reply.items() if isinstance(reply, dict) else reply or ()


async def parse(raw: dict[str, Any]) -> RedisBatchStreamMessage:
    """FastStream's parser step: wrap the reply, touch nothing."""
    return RedisBatchStreamMessage(raw_message=raw, body=b"", consumer=None, group=None)  # type: ignore[arg-type]


async def decode_batch(message: RedisBatchStreamMessage) -> list[Heard]:
    """FastStream's decoder step: each entry's JSON is read once, here."""
    raw = message.raw_message
    positions = map(position_of, raw["message_ids"])
    return list(map(hear, positions, map(_body, raw["data"])))


def _body(fields: Any) -> bytes:
    # Names and values in turn, or by name where the client has had its way.
    if not isinstance(fields, dict):
        if fields[0] == _FIELD:
            return fields[1]  # type: ignore[no-any-return]
        fields = dict(zip(fields[::2], fields[1::2], strict=True))
    return fields.get(_FIELD, b"")  # type: ignore[no-any-return]


def hear(position: int, body: bytes) -> Heard:
    """Decode one entry. An unreadable one is handed on as it is: it has a position, and a place to be parked at."""
    try:
        envelope = decode(body)
    except MalformedEvent:
        return Heard(position, None, body)
    # A stream's name with a zero byte could not even be parked: PostgreSQL keeps none.
    return Heard(position, None if "\0" in envelope.stream else envelope, body)
