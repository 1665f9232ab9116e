"""What a subscriber is handed: entries of a topic, decoded once, in the order of their positions."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from faststream.redis.message import RedisBatchStreamMessage
from sqlalchemy import Connection

from shared.bus import DATA_FIELD, position_of
from shared.envelope import Envelope, MalformedEvent, decode

_FIELD = DATA_FIELD.encode()


class Heard(NamedTuple):
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


async def parse(raw: dict[str, Any]) -> RedisBatchStreamMessage:
    """FastStream's parser step: wrap the reply, touch nothing."""
    return RedisBatchStreamMessage(raw_message=raw, body=b"", consumer=None, group=None)  # type: ignore[arg-type]


async def decode_batch(message: RedisBatchStreamMessage) -> list[Heard]:
    """FastStream's decoder step: each entry's JSON is read once, here."""
    raw = message.raw_message
    positions = map(position_of, raw["message_ids"])
    return list(map(hear, positions, [fields.get(_FIELD, b"") for fields in raw["data"]]))


def hear(position: int, body: bytes) -> Heard:
    """Decode one entry. An unreadable one is handed on as it is: it has a position, and a place to be parked at."""
    try:
        envelope = decode(body)
    except MalformedEvent:
        return Heard(position, None, body)
    # A stream's name with a zero byte could not even be parked: PostgreSQL keeps none.
    return Heard(position, None if "\0" in envelope.stream else envelope, body)
