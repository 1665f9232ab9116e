"""The shape of a rule book: what a command decides, and how an event moves the state."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

Command = TypeVar("Command", contravariant=True)
State = TypeVar("State")
Fact = TypeVar("Fact")


class Refusal(Exception):
    """A command that the rules do not allow. Subclasses carry the facts; the edge turns them into an answer."""


@dataclass(frozen=True)
class Decider(Generic[Command, State, Fact]):
    """`decide` answers a command with events or raises a `Refusal`; `evolve` is total. Both are pure."""

    initial: State
    decide: Callable[[Command, State], Sequence[Fact]]
    evolve: Callable[[State, Fact], State]

    def fold(self, events: Iterable[Fact], state: State | None = None) -> State:
        """The state that these events lead to, from the beginning or from a given state."""
        return reduce(self.evolve, events, self.initial if state is None else state)
