"""What is handed to the log, and what it answers."""

from collections.abc import Callable, Sequence

import msgspec

from shared.events import Event
from shared.telemetry.story import current_trace

NEW = 0
"""Expected version of a stream that must not exist yet."""
ANY = -1
"""Expected version of a writer that does not mind what came before."""


class Appended(msgspec.Struct, frozen=True):
    """Where the last event of an append came to stand, and what was kept under its key."""

    partition: int
    position: int
    version: int
    answer: bytes | None = None


class Answer(msgspec.Struct, frozen=True):
    """What to keep under an idempotency key: written by the append's own transaction.

    `fingerprint` is the SHA-256 of the request; `render` makes the answer's body once its position is known.
    """

    key: str
    fingerprint: bytes
    render: Callable[[Appended], bytes]


class Append(msgspec.Struct, frozen=True):
    """Events for one stream, all or none. `tag` is one more key that they are read by (a visit, a partner)."""

    stream: str
    events: Sequence[Event]
    expected: int
    occurred_at: str
    partition: int = 0
    tag: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    actor: str | None = None
    answer: Answer | None = None
    traceparent: str | None = msgspec.field(default_factory=current_trace)


class VersionConflict(Exception):
    """Somebody else wrote to the stream first. Nothing was appended."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"stream {stream}: expected version {expected}, found {actual}")
        self.stream, self.expected, self.actual = stream, expected, actual


class AlreadyAnswered(Exception):
    """This key was used before with the same request: here is the first answer. Nothing was appended."""

    def __init__(self, body: bytes) -> None:
        super().__init__("answered before")
        self.body = body


class KeyReused(Exception):
    """This key was used before with another request. Nothing was appended."""


Outcome = Appended | VersionConflict | AlreadyAnswered | KeyReused
