"""What the rooms of stats read of an event: heard once, decoded once, counted in several ways."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from shared.envelope import Envelope
from shared.events import Event


class Told(Protocol):
    """An event, in which stream it was told, and when it happened: an `Envelope`, or a `Fact` made of one."""

    @property
    def event(self) -> Event:
        """The fact itself."""

    @property
    def stream(self) -> str:
        """Where it was told."""

    @property
    def occurred_at(self) -> str:
        """When it happened, with the site's offset."""

    @property
    def local_day(self) -> str:
        """The day it happened on at the site, `YYYY-MM-DD`."""


class Fact(msgspec.Struct, frozen=True, gc=False):
    """An envelope whose event is decoded, once for everybody who asks for it."""

    event: Event
    stream: str
    occurred_at: str

    @property
    def local_day(self) -> str:
        """The day it happened on at the site, `YYYY-MM-DD`."""
        return self.occurred_at[:10]


def facts(batch: Sequence[Envelope], passed_over: frozenset[str]) -> list[Fact]:
    """The events of a batch, but for those of types that count for nothing. Raises when one is not understood."""
    return [
        Fact(envelope.event, envelope.stream, envelope.occurred_at)
        for envelope in batch
        if envelope.type not in passed_over
    ]
