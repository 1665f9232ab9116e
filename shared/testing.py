"""Given what happened, when this is asked, then that happens, or is refused: tests of deciders as small stories.

given(CASE, CaseOpened(...)).when(RecordVisit(...)).then(VisitRecorded(...))
given(CASE).when(RecordVisit(...)).then_refused(CaseUnknown)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.decider import Decider, Refusal

Command = TypeVar("Command")
State = TypeVar("State")
Fact = TypeVar("Fact")


@dataclass(frozen=True)
class Given(Generic[Command, State, Fact]):
    """A history, and the rules it is read by."""

    decider: Decider[Command, State, Fact]
    history: Sequence[Fact]

    @property
    def state(self) -> State:
        """What the history leads to."""
        return self.decider.fold(self.history)

    def when(self, command: Command) -> "Outcome[Fact]":
        """What the rules make of a command after this history."""
        try:
            return Outcome(tuple(self.decider.decide(command, self.state)), None)
        except Refusal as refusal:
            return Outcome((), refusal)


@dataclass(frozen=True)
class Outcome(Generic[Fact]):
    """What a command led to: events, or a refusal."""

    events: Sequence[Fact]
    refusal: Refusal | None

    def then(self, *expected: Fact) -> None:
        """Exactly these events follow."""
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert list(self.events) == list(expected)

    def then_nothing(self) -> None:
        """Nothing follows, and nothing is refused."""
        self.then()

    def then_refused(self, kind: type[Refusal], **facts: Any) -> None:
        """The rules refuse, and the refusal carries these facts."""
        assert type(self.refusal) is kind, f"not refused so: {self.refusal!r}, {self.events!r}"
        assert {name: getattr(self.refusal, name) for name in facts} == facts


def given(decider: Decider[Command, State, Fact], *history: Fact) -> Given[Command, State, Fact]:
    """A history of events, oldest first; none = nothing has happened."""
    return Given(decider, history)
