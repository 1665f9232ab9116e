"""Carry out a command: read the stream, decide, append; once more if somebody else was faster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from shared.decider import Decider
from shared.envelope import Envelope
from shared.events import Event
from shared.log import Append, Appended, Log, VersionConflict
from shared.log.append import Answer

TRIES_MAX = 5

Command = TypeVar("Command")
State = TypeVar("State")
Fact = TypeVar("Fact", bound=Event)


@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds a command: when it happened, who did it, where its events belong, what was asked before."""

    occurred_at: str
    partition: int = 0
    tag: str | None = None
    actor: str | None = None
    answer: Answer | None = None

    def append(self, stream: str, events: Sequence[Event], expected: int, story: str | None = None) -> Append:
        """These events as an append in this context; `story` = the event that began what they belong to."""
        return Append(
            stream=stream,
            events=events,
            expected=expected,
            occurred_at=self.occurred_at,
            partition=self.partition,
            tag=self.tag,
            correlation_id=story,
            actor=self.actor,
            answer=self.answer,
        )


async def execute(
    log: Log,
    decider: Decider[Command, State, Fact],
    stream: str,
    command: Command,
    context: Context,
    expected: int | None = None,
) -> Appended:
    """Append what the command decides.

    `expected` = the version that the asker decided on; without it, whatever the stream is by now will do.
    Raises the decider's `Refusal`, `VersionConflict` when the asker's version is not the stream's, or what
    `Log.append` raises.
    """
    for _ in range(TRIES_MAX):
        history = await log.read(stream)
        version = len(history)
        if expected is not None and expected != version:
            raise VersionConflict(stream, expected, version)
        events = decider.decide(command, state_of(decider, history))
        try:
            return await log.append(context.append(stream, events, version, _story_of(history)))
        except VersionConflict as conflict:
            last = conflict
    raise last


def _story_of(history: Sequence[Envelope]) -> str | None:
    """What a stream was begun for, its later events belong to as well."""
    return history[0].correlation_id if history else None


def state_of(decider: Decider[Command, State, Fact], history: Sequence[Envelope]) -> State:
    """The state that a stream's events lead to."""
    return decider.fold(envelope.event for envelope in history)  # type: ignore[misc]
